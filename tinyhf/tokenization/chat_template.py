"""Floor 4 · Chat templates: a list of messages becomes the one text a chat model was trained on.

Mirrors transformers/utils/chat_template_utils.py and the chat half of tokenization_utils_base.py. A
template is a Jinja program that comes with the checkpoint, written by strangers: it runs in Jinja's
sandbox and sees plain JSON data only.
"""

import functools
import json
from datetime import datetime

from jinja2 import TemplateError, nodes
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace

from tinyhf.errors import ArgumentError, TokenizerError

# Marks where the last message ends, so that what the template writes behind it can be cut off. Its
# last space shows whether the template trims messages.
END_MARK = "\ue000end-of-final-message "

# Options that would otherwise pass unnoticed as variables of the template.
NOT_HERE = ("return_assistant_tokens_mask", "sanitize_control_tokens")


class GenerationTag(Extension):
    """``{% generation %} … {% endgeneration %}`` marks what the assistant says; here it only shows
    what it encloses."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return nodes.Scope(body, lineno=line)


class SafeNamespace(Namespace):
    """``namespace()`` for templates, without the underscored names that reach into Python."""

    def __init__(self, *pairs, **values):
        super().__init__()
        for name, value in dict(*pairs, **values).items():
            self[name] = value

    def __setitem__(self, name, value):
        if name.startswith("_"):
            raise SecurityError(f"a template may not set {name!r}")
        super().__setitem__(name, value)


def raise_exception(message):
    raise TemplateError(message)


def strftime_now(format):
    return datetime.now().strftime(format)


def tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(
        value,
        ensure_ascii=ensure_ascii,
        indent=indent,
        separators=separators,
        sort_keys=sort_keys,
    )


@functools.lru_cache
def compile_chat_template(source):
    """The Jinja template, with the functions that chat templates expect to find."""
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[GenerationTag, loopcontrols]
    )
    environment.filters["tojson"] = tojson
    environment.globals.update(
        raise_exception=raise_exception, strftime_now=strftime_now, namespace=SafeNamespace
    )
    return environment.from_string(source)


def plain_data(value):
    """``value`` as JSON knows it; any other object becomes its type's name, as ``<Image>``."""
    return json.loads(json.dumps(value, default=lambda other: f"<{type(other).__name__}>"))


def render_chat(source, messages, variables, continue_final_message=False):
    """Run the template over one conversation; it sees ``variables`` and the messages.

    Raises:
        TokenizerError: the template is wrong, or refuses these messages (it says why).
    """
    messages = [_without_none(message) for message in messages]
    final = ""
    if continue_final_message:
        final = messages[-1].get("content")
        if not isinstance(final, str):
            raise ArgumentError(
                "the last message has no text to continue",
                where="continue_final_message",
                got=messages[-1],
            )
        messages[-1] = {**messages[-1], "content": final + END_MARK}
    try:
        data = plain_data({**variables, "messages": messages})
        text = compile_chat_template(source).render(data)
    except TemplateError as error:
        raise TokenizerError(f"the template refuses: {error}", where="chat_template") from error
    return _cut_at_mark(text, final) if continue_final_message else text


def _without_none(message):
    if not isinstance(message, dict):
        wanted = '{"role": "user", "content": "…"}'
        raise ArgumentError(
            "a message is a dictionary", where="conversation", wanted=wanted, got=message
        )
    return {name: value for name, value in message.items() if value is not None}


def _cut_at_mark(text, final):
    before, mark, after = text.rpartition(END_MARK.rstrip())
    if not mark:
        raise TokenizerError(
            "the template does not write the last message in full, so it cannot be continued",
            where="chat_template",
            got=final,
        )
    return before if after.startswith(" ") else before.rstrip()


class ChatTemplateMixin:
    """The chat methods of a tokenizer.

    ``chat_template`` is None, the template's source, or ``{name: source}`` when there are several.
    """

    chat_template = None

    def get_chat_template(self, chat_template=None, tools=None):
        """The source of the template that :meth:`apply_chat_template` would use.

        Args:
            chat_template: a source, or the name of one of the tokenizer's templates.
            tools: if given, the template named "tool_use" is preferred.

        Raises:
            TokenizerError: there is no template, or several and none was chosen.
        """
        if isinstance(self.chat_template, str):
            return chat_template or self.chat_template
        named = self.chat_template or {}
        if chat_template is not None:
            return named.get(chat_template, chat_template)
        for name in ("tool_use", "default") if tools is not None else ("default",):
            if name in named:
                return named[name]
        raise TokenizerError(
            "no chat template is chosen" if named else "this tokenizer has no chat template",
            where="chat_template",
            wanted=f"one of {sorted(named)}" if named else None,
            fix="Pass chat_template=…, or set tokenizer.chat_template; "
            "base models have none because they were not trained on chats",
        )

    def apply_chat_template(
        self,
        conversation,
        tools=None,
        documents=None,
        chat_template=None,
        add_generation_prompt=False,
        continue_final_message=False,
        tokenize=True,
        padding=False,
        truncation=False,
        max_length=None,
        return_tensors=None,
        return_dict=True,
        tokenizer_kwargs=None,
        **template_kwargs,
    ):
        """Write a conversation (or a list of them) the way the model was trained to read it.

        Args:
            conversation: ``[{"role": "user", "content": "Hi"}, …]``, or a list of such lists.
            tools: JSON schemas of functions the model may call.
            documents: dictionaries with a title and a text, for models that read sources.
            chat_template: see :meth:`get_chat_template`.
            add_generation_prompt: end with the words that open the assistant's turn.
            continue_final_message: leave the last message open, for the model to go on with.
            tokenize: False returns the text.
            return_dict: False returns the ids alone.
            template_kwargs: further variables for the template.

        Returns:
            A BatchEncoding; or ids; or a text (a list of texts for several conversations).

        Raises:
            ArgumentError: the messages or options make no sense.
            TokenizerError: the template is missing or refuses the messages.
        """
        _refuse(conversation, tools, template_kwargs)
        if add_generation_prompt and continue_final_message:
            raise ArgumentError(
                "add_generation_prompt opens a new message, continue_final_message keeps the last "
                "one open: choose one"
            )
        variables = {
            **self.special_tokens_map,
            "tools": tools,
            "documents": documents,
            "add_generation_prompt": add_generation_prompt,
            **template_kwargs,
        }
        source = self.get_chat_template(chat_template, tools)
        is_batch = isinstance(conversation[0], (list, tuple))
        texts = [
            render_chat(source, messages, variables, continue_final_message)
            for messages in (conversation if is_batch else [conversation])
        ]
        text = texts if is_batch else texts[0]
        if not tokenize:
            return text
        # The template has written the special tokens itself: adding them again would double BOS.
        encoding = self(
            text,
            add_special_tokens=False,
            padding=padding,
            truncation=truncation,
            max_length=max_length,
            return_tensors=return_tensors,
            **(tokenizer_kwargs or {}),
        )
        return encoding if return_dict else encoding["input_ids"]


def _refuse(conversation, tools, template_kwargs):
    if not isinstance(conversation, (list, tuple)) or not conversation or not all(conversation):
        raise ArgumentError(
            "a conversation is a list of messages, at least one",
            where="conversation",
            got=conversation,
        )
    if any(not isinstance(tool, dict) for tool in tools or []):
        raise ArgumentError(
            "a tool is given as its JSON schema, a dictionary", where="tools", got=tools
        )
    for name in NOT_HERE:
        if template_kwargs.get(name):
            raise ArgumentError("transformers has this option, tinyhf does not", where=name)
