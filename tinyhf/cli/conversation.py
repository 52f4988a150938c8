"""Floor 8 · A conversation: what was said, and as much of it as the model can read."""

from tinyhf.cli.messages import note
from tinyhf.cli.streaming import AnswerStreamer
from tinyhf.errors import ArgumentError
from tinyhf.pipelines.text_generation import DEFAULT_GENERATION


class Conversation:
    """The messages so far, and the model that answers.

    A model with a chat template reads them as messages; one without reads them as one text, in
    which every answer goes on where the text ends.

    Args:
        pipe: a text-generation pipeline.
        settings: keywords for ``generate``.
    """

    def __init__(self, pipe, settings):
        self.pipe = pipe
        self.settings = {"max_new_tokens": DEFAULT_GENERATION["max_new_tokens"], **settings}
        self.has_template = bool(pipe.tokenizer.chat_template)
        self.context = getattr(pipe.model.config, "max_position_embeddings", None)
        self.system, self.messages = [], []

    @property
    def can_go_on(self):
        """Whether an empty line makes sense: a text can be gone on with, a chat cannot."""
        return bool(self.messages) and not self.has_template

    def set_system(self, text):
        """What the model is told before all messages; an empty text takes it back."""
        if text and not self.has_template:
            fix = "Begin the text with it."
            raise ArgumentError(
                "this model has no chat template, so there is no place for it",
                where="/system",
                fix=fix,
            )
        self.system = [{"role": "system", "content": text}] if text else []

    def answer(self, text):
        """Write the answer to ``text``, and remember both; an error leaves all as it was."""
        messages = self.drop_oldest([*self.messages, {"role": "user", "content": text}])
        answer = self.write(messages)
        self.messages = [*messages, {"role": "assistant", "content": answer}]

    def write(self, messages):
        """The answer, shown as it is made; Ctrl-C ends it where it is."""
        streamer = AnswerStreamer(self.pipe.tokenizer, skip_special_tokens=True)
        settings = dict(self.settings)
        if self.context is not None:
            settings["max_new_tokens"] = min(settings["max_new_tokens"], self.room(messages))
        try:
            self.pipe(self.prompt(messages), streamer=streamer, **settings)
        except KeyboardInterrupt:
            streamer.end()
        return streamer.answer

    # ---- what the model reads --------------------------------------------------------------------

    def prompt(self, messages):
        """What the pipeline is given: a list of messages, or one text."""
        messages = [*self.system, *messages]
        return messages if self.has_template else told(messages)

    def room(self, messages):
        """Tokens left for an answer."""
        return self.context - self.pipe.preprocess(self.prompt(messages))["input_ids"].shape[1]

    def drop_oldest(self, messages):
        """As many of the last messages as leave room for an answer.

        Raises:
            ArgumentError: the last message alone is too long.
        """
        if self.context is None:
            return messages
        enough, turns = min(self.settings["max_new_tokens"], self.context // 4), 0
        while self.room(messages) < enough and len(messages) > 1:
            messages, turns = messages[2:], turns + 1
        if (room := self.room(messages)) < 1:
            raise ArgumentError(
                "the message is longer than this model can read",
                wanted=f"less than {self.context} tokens (max_position_embeddings)",
                got=self.context - room,
                fix="Shorten it.",
            )
        if turns:
            oldest = "The oldest turn was" if turns == 1 else f"The oldest {turns} turns were"
            note(f"{oldest} dropped: the model reads {self.context} tokens at most.")
        return messages

    # ---- what is saved ---------------------------------------------------------------------------

    def all_messages(self):
        """What the model was told first, and what was said since."""
        return [*self.system, *self.messages]

    def as_text(self, messages):
        """The messages for people: the story, or who said what."""
        if not self.has_template:
            return told(messages)
        return "\n\n".join(f"{message['role']}: {message['content']}" for message in messages)


def told(messages):
    """Messages as one text: an answer right behind its beginning, the next words after a space."""
    text = ""
    for message in messages:
        is_next = message["role"] == "user" and text and not text[-1].isspace()
        text += " " + message["content"] if is_next and message["content"] else message["content"]
    return text
