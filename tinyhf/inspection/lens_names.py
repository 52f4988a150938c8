"""Floor 6 · TransformerLens's names for what a trace holds under HF's.

    model.layers.0.self_attn.pattern  →  blocks.0.attn.hook_pattern

The values are HF's: heads stand before positions, ``scores`` come before the mask, and weights are
not folded, so that they differ from TransformerLens's where that library changes the model.
"""

import re

LAYER = re.compile(r"(?:.*\.)?(?:layers|layer|h)\.(\d+)(?:\.(.+))?")
ATTENTION = re.compile(r"(?:self_attn|attn|attention\.self|attention)\.(.+)")

#: What follows the number of the layer, with HF's name first.
IN_A_LAYER = {
    None: "hook_resid_post",
    "residual_mid": "hook_resid_mid",
    **dict.fromkeys(("self_attn", "attn", "attention"), "hook_attn_out"),
    "mlp": "hook_mlp_out",
    **dict.fromkeys(("input_layernorm", "ln_1"), "ln1.hook_normalized"),
    **dict.fromkeys(("post_attention_layernorm", "ln_2"), "ln2.hook_normalized"),
    **dict.fromkeys(("mlp.gate_proj", "mlp.c_fc", "mlp.dense_h_to_4h"), "mlp.hook_pre"),
    "mlp.up_proj": "mlp.hook_pre_linear",
    "mlp.act": "mlp.hook_post",
}
IN_ATTENTION = {
    **{name: f"attn.hook_{name}" for name in ("q", "k", "v", "z", "pattern")},
    "q_rotary": "attn.hook_rot_q",
    "k_rotary": "attn.hook_rot_k",
    "scores": "attn.hook_attn_scores",
}
OUTSIDE = {
    **dict.fromkeys(("embed_tokens", "wte", "word_embeddings"), "hook_embed"),
    "wpe": "hook_pos_embed",
    **dict.fromkeys(("norm", "ln_f", "final_layernorm"), "ln_final.hook_normalized"),
}


def to_lens_name(name):
    """TransformerLens's name for one of HF's, or None."""
    match = LAYER.fullmatch(name)
    if match is None:
        return OUTSIDE.get(name.rpartition(".")[2])
    attention = ATTENTION.fullmatch(match[2] or "")
    below = IN_ATTENTION.get(attention[1]) if attention else IN_A_LAYER.get(match[2])
    return below and f"blocks.{match[1]}.{below}"


def from_lens_name(name, known):
    """HF's name, one of those ``known``, for one of TransformerLens's; or None.

    ``blocks.N.hook_resid_pre`` is what the layer before left, or what the embeddings gave.
    """
    wanted = {name}
    if match := re.fullmatch(r"blocks\.(\d+)\.hook_resid_pre", str(name)):
        number = int(match[1])
        wanted = {f"blocks.{number - 1}.hook_resid_post"} if number else {"hook_embed"}
    return next((path for path in known if to_lens_name(path) in wanted), None)
