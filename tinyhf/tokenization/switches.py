"""Floor 4 · Three switches: BOS before a text, EOS after it, a space before its first word.

Mirrors transformers/tokenization_utils_tokenizers.py (``update_post_processor``). None of them is
kept as a flag: what they say is read from the ``tokenizers.Tokenizer`` that does the work, so they
are true for every tokenizer.json as well.
"""

import json

from tokenizers import decoders, normalizers, pre_tokenizers, processors

from tinyhf.errors import note_once


class SwitchesMixin:
    """Attributes of a tokenizer, and options of ``from_pretrained``, by the same names."""

    def _turn_switches(self, add_bos_token=None, add_eos_token=None, add_prefix_space=None):
        """Set what was asked for; None leaves a switch as the files have it."""
        if add_bos_token is not None:
            self.add_bos_token = add_bos_token
        if add_eos_token is not None:
            self.add_eos_token = add_eos_token
        if add_prefix_space is not None:
            self.add_prefix_space = add_prefix_space

    @property
    def add_bos_token(self):
        """Whether a text gets ``bos_token`` before it."""
        return self._ids_around_text()[0] == self.bos_token_id is not None

    @add_bos_token.setter
    def add_bos_token(self, value):
        if value != self.add_bos_token:
            self._put_around_text(value, self.add_eos_token)

    @property
    def add_eos_token(self):
        """Whether a text gets ``eos_token`` after it."""
        return self._ids_around_text()[1] == self.eos_token_id is not None

    @add_eos_token.setter
    def add_eos_token(self, value):
        if value != self.add_eos_token:
            self._put_around_text(self.add_bos_token, value)

    def _ids_around_text(self):
        """The special tokens first and last around a letter; None where there is none."""
        row = self("a", return_special_tokens_mask=True, verbose=False)
        ids = zip(row["input_ids"], row["special_tokens_mask"], strict=True)
        special = [index if is_special else None for index, is_special in ids] or [None]
        return special[0], special[-1]

    def _put_around_text(self, bos, eos):
        """Both texts of a pair get what a single one gets."""
        before = [self.bos_token] if bos and self.bos_token else []
        after = [self.eos_token] if eos and self.eos_token else []
        first, second = [*before, "$A", *after], [*before, "$B", *after]
        put_around_text(
            self._tokenizer, first, first + [f"{part}:1" for part in second], before + after
        )

    @property
    def add_prefix_space(self):
        """Whether a text that starts with a word is read as if a space came before it."""
        backend = self._tokenizer
        return any(
            getattr(step, "add_prefix_space", False)
            or getattr(step, "prepend_scheme", "never") != "never"
            or isinstance(step, normalizers.Prepend)
            for step in (*steps_of(backend.pre_tokenizer), *steps_of(backend.normalizer))
        )

    @add_prefix_space.setter
    def add_prefix_space(self, value):
        backend = self._tokenizer
        self.init_kwargs["add_prefix_space"] = value
        if value == self.add_prefix_space:
            return
        for step in steps_of(backend.pre_tokenizer):
            if isinstance(step, pre_tokenizers.ByteLevel):
                step.add_prefix_space = value
            elif isinstance(step, pre_tokenizers.Metaspace):
                step.prepend_scheme = "first" if value else "never"
        if not value:
            _leave_out_prefix(backend)
        if value != self.add_prefix_space:
            note_once(
                f"add_prefix_space={value} has no effect on a {type(self).__name__} like this"
            )


def put_around_text(backend, single, pair, special_tokens):
    """Have special tokens added around a text and around a pair.

    Args:
        single, pair: lists of tokens around ``$A``, the text, and ``$B``, its partner; an ending
            ``:1`` is the token type.
        special_tokens: the tokens in them.
    """
    ids = [(token, backend.token_to_id(token)) for token in dict.fromkeys(special_tokens)]
    backend.post_processor = processors.TemplateProcessing(single, pair, ids)


def steps_of(part):
    """The steps of a normalizer or pre-tokenizer: several, one or none."""
    if part is None:
        return []
    return list(part) if type(part).__name__ == "Sequence" else [part]


def _leave_out_prefix(backend):
    """SentencePiece's space before a text, and its removal in decoding."""
    steps = steps_of(backend.normalizer)
    kept = [step for step in steps if not isinstance(step, normalizers.Prepend)]
    backend.normalizer = (
        normalizers.Sequence(kept) if len(kept) < len(steps) else backend.normalizer
    )
    if isinstance(backend.decoder, decoders.Sequence):  # which shows its steps only as JSON
        decoder = backend.decoder
        state = json.loads(decoder.__getstate__())
        state["decoders"] = [step for step in state["decoders"] if step["type"] != "Strip"]
        decoder.__setstate__(json.dumps(state).encode())
        backend.decoder = decoder
