"""Floor 8 · Text on the terminal while it is made."""

from tinyhf.generation import TextStreamer


class WholeTextStreamer(TextStreamer):
    """Decodes the text as a whole, line ends included.

    A new start after each line, as in TextStreamer, is faster, but some decoders drop the space
    before the first word they are given.
    """

    def _forget_tokens(self):
        pass


class AnswerStreamer(WholeTextStreamer):
    """Shows what comes after the prompt, and keeps it in ``answer``.

    The prompt is decoded too, for the sake of the space between it and the answer.
    """

    def __init__(self, tokenizer, **decode_kwargs):
        super().__init__(tokenizer, **decode_kwargs)
        self.answer = ""

    def put(self, value):
        if self.next_tokens_are_prompt:
            self.next_tokens_are_prompt = False
            self.token_cache = value.reshape(-1).tolist()
            self.print_len = len(self.tokenizer.decode(self.token_cache, **self.decode_kwargs))
        else:
            super().put(value)

    def on_finalized_text(self, text, stream_end=False):
        self.answer += text
        self.print_len += len(text)  # at once: Ctrl-C while it is written must not write it again
        super().on_finalized_text(text, stream_end)
