"""Floor 6 · Text appears while it is made: each new token goes to a streamer, whole words come out.

Mirrors transformers/generation/streamers.py.
"""

import queue
import sys

from tinyhf.errors import ArgumentError

# Characters that are words by themselves: first and last of Unicode's blocks of CJK ideographs.
IDEOGRAPHS = (
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2CEAF),
    (0x2F800, 0x2FA1F),
)


class BaseStreamer:
    """What ``generate(streamer=)`` calls: ``put`` for the prompt and each token, then ``end``."""

    def put(self, value):
        """Take ids: the prompt (1, tokens) first, then (1,) for every new token."""
        raise NotImplementedError(f"{type(self).__name__} has no put(value)")

    def end(self):
        """There are no more."""
        raise NotImplementedError(f"{type(self).__name__} has no end()")


class TextStreamer(BaseStreamer):
    """Writes the text of one row to the standard output, word by word.

    The last word is held back until a space follows, since the next token may still change it;
    a line end and ideographs are written at once.

    Args:
        tokenizer: decodes the ids.
        skip_prompt: begin after the prompt.
        decode_kwargs: for ``tokenizer.decode``, such as ``skip_special_tokens=True``.
    """

    def __init__(self, tokenizer, skip_prompt=False, **decode_kwargs):
        self.tokenizer = tokenizer
        self.skip_prompt = skip_prompt
        self.decode_kwargs = decode_kwargs
        self.token_cache = []
        self.print_len = 0  # so many characters of the cached tokens are written
        self.next_tokens_are_prompt = True

    def put(self, value):
        if value.ndim > 1 and len(value) > 1:
            raise ArgumentError(
                "a streamer shows one row only", where="streamer", wanted="batch 1", got=len(value)
            )
        if self.skip_prompt and self.next_tokens_are_prompt:
            self.next_tokens_are_prompt = False
            return
        self.token_cache.extend(value.reshape(-1).tolist())
        text = self.tokenizer.decode(self.token_cache, **self.decode_kwargs)
        complete = text.endswith("\n") or _is_ideograph(text[-1:])
        end = len(text) if complete else text.rfind(" ") + 1
        self.on_finalized_text(text[self.print_len : end])
        self.print_len = max(self.print_len, end)
        if text.endswith("\n"):
            self._forget_tokens()

    def end(self):
        """Write what is held back."""
        text = self.tokenizer.decode(self.token_cache, **self.decode_kwargs)
        rest = text[self.print_len :] if self.token_cache else ""
        self._forget_tokens()
        self.next_tokens_are_prompt = True
        self.on_finalized_text(rest, stream_end=True)

    def on_finalized_text(self, text, stream_end=False):
        """Where the text goes; subclasses send it elsewhere."""
        sys.stdout.write(text + "\n" if stream_end else text)
        sys.stdout.flush()

    def _forget_tokens(self):
        self.token_cache, self.print_len = [], 0


class TextIteratorStreamer(TextStreamer):
    """Gives the text to a ``for`` loop, while ``generate`` runs in another thread.

    Args:
        timeout: seconds to wait for a piece before ``queue.Empty`` is raised; None is forever.
    """

    def __init__(self, tokenizer, skip_prompt=False, timeout=None, **decode_kwargs):
        super().__init__(tokenizer, skip_prompt, **decode_kwargs)
        self.text_queue = queue.Queue()
        self.stop_signal = None
        self.timeout = timeout

    def on_finalized_text(self, text, stream_end=False):
        self.text_queue.put(text, timeout=self.timeout)
        if stream_end:
            self.text_queue.put(self.stop_signal, timeout=self.timeout)

    def __iter__(self):
        return self

    def __next__(self):
        value = self.text_queue.get(timeout=self.timeout)
        if value is self.stop_signal:
            raise StopIteration
        return value


def _is_ideograph(character):
    return bool(character) and any(first <= ord(character) <= last for first, last in IDEOGRAPHS)
