"""Eight mistakes that ports of models have, planted in a tiny model of tinyhf or transformers.

Each is (family, how it is planted, the first stage that differs, a word of the hint). ``plant``
gets the model and pytest's ``monkeypatch``; where the two libraries differ there are two of it.
"""

from typing import NamedTuple

import numpy as np

from tinyhf.models import shared_stages
from tinyhf.models.llama import LlamaAttention

LAYER = "model.layers.0"


class Bug(NamedTuple):
    family: str
    ours: object
    theirs: object
    first: str
    hint: str


def interleaved(query, key, cos, sin):
    """Rotary positions that turn neighbours, for arrays and tensors."""

    def turn(x):
        half = x.shape[-1] // 2
        c, s = cos[:, None, :, :half], sin[:, None, :, :half]
        turned = 0 * x
        turned[..., 0::2] = x[..., 0::2] * c - x[..., 1::2] * s
        turned[..., 1::2] = x[..., 1::2] * c + x[..., 0::2] * s
        return turned

    return turn(query), turn(key)


def our_interleaved_rotary(model, monkeypatch):
    monkeypatch.setattr(LlamaAttention, "rotate", staticmethod(interleaved))


def their_interleaved_rotary(model, monkeypatch):
    def rotate(q, k, cos, sin, *_, **__):
        return interleaved(q, k, cos, sin)

    name = "transformers.models.llama.modeling_llama.apply_rotary_pos_emb"
    monkeypatch.setattr(name, rotate)


def norms_of(model):
    return [module for path, module in model.named_modules() if path.endswith("norm")]


def our_eps(model, monkeypatch):
    for norm in norms_of(model):
        norm.variance_epsilon = 1e-5


their_eps = our_eps


def our_mask_off_by_one(model, monkeypatch):
    causal_mask = shared_stages.causal_mask

    def one_more(attention_mask, seq, total, dtype, xp, window=None):
        mask = causal_mask(attention_mask, seq, total, dtype, xp, window)
        seen = xp.tri(seq, total, total - seq + 1, dtype=bool)
        seen = seen & (attention_mask[:, None, None] == 1)
        return xp.where(seen, dtype.type(0), mask.min())

    monkeypatch.setattr(shared_stages, "causal_mask", one_more)


def their_mask_off_by_one(model, monkeypatch):
    import torch
    from transformers.models.llama import modeling_llama

    right = modeling_llama.create_causal_mask

    def one_more(**kwargs):
        mask = right(**kwargs)
        seq, total = mask.shape[-2:]
        seen = torch.ones(seq, total, dtype=bool).tril(total - seq + 1)
        seen = seen & (kwargs["attention_mask"][:, None, None] == 1)
        return torch.where(seen, 0.0, mask.min())

    monkeypatch.setattr(modeling_llama, "create_causal_mask", one_more)


def swapped_gate_and_up(model, monkeypatch):
    for layer in model.model.layers:
        gate, up = layer.mlp.gate_proj, layer.mlp.up_proj
        gate.weight, up.weight = up.weight, gate.weight


def transposed_conv1d(model, monkeypatch):
    conv = model.transformer.h[0].attn.c_proj
    if isinstance(conv.weight, np.ndarray):
        conv.weight = conv.weight.T.copy()
    else:
        conv.weight.data = conv.weight.data.T.contiguous()


def missing_scale(model, monkeypatch):
    for layer in model.model.layers:
        layer.self_attn.scaling = 1.0


def our_position_offset(model, monkeypatch):
    positions = shared_stages.SharedStages.default_positions

    def later(self, position_ids, hidden_states, past_key_values):
        given = np.arange(hidden_states.shape[1])[None] + 1
        return positions(self, given, hidden_states, past_key_values)

    monkeypatch.setattr(shared_stages.SharedStages, "default_positions", later)


def their_position_offset(model, monkeypatch):
    def later(module, args, kwargs):
        return args, {**kwargs, "position_ids": kwargs["position_ids"] + 1}

    model.model.rotary_emb.register_forward_pre_hook(later, with_kwargs=True)


def our_float64_leak(model, monkeypatch):
    for layer in model.model.layers:
        layer.self_attn.scaling = 1 / np.sqrt(layer.self_attn.head_dim)


def their_float64_leak(model, monkeypatch):
    model.model.norm.register_forward_hook(lambda module, args, output: output.double())
    model.lm_head.double()


BUGS = {
    "interleaved rotary": Bug(
        "llama",
        our_interleaved_rotary,
        their_interleaved_rotary,
        f"{LAYER}.self_attn.q_rotary",
        "b turns neighbours",
    ),
    "eps": Bug("llama", our_eps, their_eps, f"{LAYER}.input_layernorm", "larger in a.*eps"),
    "mask off by one": Bug(
        "llama",
        our_mask_off_by_one,
        their_mask_off_by_one,
        "model.causal_mask",
        "b lets each token see the next one.*off by one",
    ),
    "swapped gate and up": Bug(
        "llama",
        swapped_gate_and_up,
        swapped_gate_and_up,
        f"{LAYER}.mlp.gate_proj",
        "gate_proj and up_proj are swapped",
    ),
    "transposed Conv1D": Bug(
        "gpt2",
        transposed_conv1d,
        transposed_conv1d,
        "transformer.h.0.attn.c_proj",
        "transpose of this weight",
    ),
    "missing scale": Bug(
        "llama",
        missing_scale,
        missing_scale,
        f"{LAYER}.self_attn.scores",
        r"times 2\.82843, which is the square root of head_dim \(8\)",
    ),
    "position offset": Bug(
        "llama",
        our_position_offset,
        their_position_offset,
        "model.position_ids",
        r"b counts positions from \+1",
    ),
    "float64 leak": Bug(
        "llama",
        our_float64_leak,
        their_float64_leak,
        (f"{LAYER}.self_attn.scores", "model.norm"),
        "b computes in float64 from here on",
    ),
}
