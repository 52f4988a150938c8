"""Floor 6 · Classifier-free guidance: away from what the model says without the prompt.

Mirrors UnbatchedClassifierFreeGuidanceLogitsProcessor of transformers/generation/logits_process.py.
"""

import numpy as np

from tinyhf.backend import to_host
from tinyhf.errors import ArgumentError
from tinyhf.functional import log_softmax
from tinyhf.generation.logits_process import LogitsProcessor
from tinyhf.generation.preparation import read_ids, read_mask
from tinyhf.generation.steps import on_device


class UnbatchedClassifierFreeGuidanceLogitsProcessor(LogitsProcessor):
    """without + scale · (with - without): log-probabilities with and without the prompt.

    Sanchez et al. 2023, arXiv:2306.17806. At each step the model is called a second time, on a text
    and a cache of its own: the negative prompt, or just the last token of the prompt, and after it
    the same new tokens.

    Args:
        guidance_scale: above 1 the prompt counts more than it does alone, below 1 less.
        model: the model that generates.
        unconditional_ids: the negative prompt, int64 (rows, seq).
        unconditional_attention_mask: (rows, seq), 1 for tokens and 0 for padding; None: no padding.
        use_cache: False calls the model on all tokens each time.
    """

    def __init__(
        self,
        guidance_scale,
        model,
        unconditional_ids=None,
        unconditional_attention_mask=None,
        use_cache=True,
    ):
        self.guidance_scale = guidance_scale
        self.model = model
        self.input_ids = unconditional_ids
        self.attention_mask = unconditional_attention_mask
        self.use_cache = use_cache
        self.past_key_values = None
        self.is_prefill = True

    def __call__(self, input_ids, scores):
        scores = log_softmax(scores)
        if self.guidance_scale == 1:
            return scores
        self._update_text(input_ids[:, -1:])
        without = log_softmax(self.get_unconditional_logits())
        return self.guidance_scale * (scores - without) + without

    def _update_text(self, last_ids):
        """Start with the negative prompt; then each new token goes behind it."""
        if self.is_prefill:
            self.input_ids = last_ids if self.input_ids is None else self.input_ids
            self.is_prefill = False
            return
        self.input_ids = np.append(self.input_ids, last_ids, axis=1)
        if self.attention_mask is not None:
            self.attention_mask = np.append(self.attention_mask, np.ones_like(last_ids), axis=1)

    def get_unconditional_logits(self):
        """What the model says after the other text: float32 (rows, vocabulary)."""
        seen = 0 if self.past_key_values is None else self.past_key_values.get_seq_length()
        inputs = {"input_ids": self.input_ids[:, seen:], "attention_mask": self.attention_mask}
        outputs = self.model(
            **on_device(inputs, self.model.device),
            use_cache=self.use_cache,
            past_key_values=self.past_key_values,
            return_dict=True,
        )
        self.past_key_values = outputs.past_key_values
        return to_host(outputs.logits[:, -1]).astype(np.float32)


def get_guidance(model, generation_config, rows, ids, attention_mask):
    """A list with the processor that the settings ask for; an empty one if the scale is 1.

    Args:
        rows: how many prompts there are.
        ids, attention_mask: the negative prompt and its mask, as the caller gave them.

    Raises:
        ArgumentError: the arguments contradict one another.
    """
    scale = generation_config.guidance_scale
    if scale is None:
        fix = "It says how far the text is to stay away from negative_prompt_ids."
        raise ArgumentError("is missing", where="guidance_scale", wanted="a number", fix=fix)
    if ids is None and attention_mask is not None:
        raise ArgumentError("is missing, its mask is not", where="negative_prompt_ids")
    if model.text_mask != "attention_mask":
        raise ArgumentError("is for models without encoder", where="guidance_scale", got=scale)
    if generation_config.num_beams > 1:
        got = generation_config.num_beams
        raise ArgumentError("guidance_scale needs one beam", where="num_beams", wanted=1, got=got)
    if ids is not None:
        ids, attention_mask = prepare_negative_prompt(model, rows, ids, attention_mask)
        repeats = generation_config.num_return_sequences
        ids = ids.repeat(repeats, axis=0)
        attention_mask = None if attention_mask is None else attention_mask.repeat(repeats, axis=0)
    if scale == 1:
        return []
    use_cache = generation_config.use_cache
    kind = UnbatchedClassifierFreeGuidanceLogitsProcessor
    return [kind(scale, model, ids, attention_mask, use_cache)]


def prepare_negative_prompt(model, rows, ids, attention_mask):
    """The negative prompt and its mask on the host, int64, one row for each prompt."""
    ids = read_ids(ids, model.config.vocab_size, "negative_prompt_ids")
    if len(ids) != rows:
        problem, where = "has not a row for each prompt", "negative_prompt_ids"
        raise ArgumentError(problem, where=where, wanted=rows, got=len(ids))
    if attention_mask is None:
        return ids, None
    where = "negative_prompt_attention_mask"
    return ids, read_mask(attention_mask, ids.shape, where)
