"""The same weights in tinyhf and in transformers, for every family, with inputs for both."""

import tinyhf
from tests import tiny_encoder_decoders, tiny_encoders, tiny_gpt2s, tiny_llamas
from tests.models.test_llama_variants_parity import SIZES
from tests.models.test_llama_variants_parity import VARIANTS as LLAMA_LIKE

NAMES = [
    *(f"llama {variant}" for variant in tiny_llamas.VARIANTS),
    *LLAMA_LIKE,
    *tiny_gpt2s.VARIANTS,
    *tiny_encoders.CLASSES,
    *tiny_encoder_decoders.VARIANTS,
]
#: These generate, and so run with a cache.
DECODERS = NAMES[: NAMES.index(tiny_encoders.CLASSES[0])]


def make_pair(name):
    """(ours, theirs, inputs): padded ones, on the left for decoders."""
    text = {key: x for key, x in tiny_llamas.inputs(3, 11, 60).items() if key != "labels"}
    if name in tiny_encoders.CLASSES:
        ours, theirs = tiny_encoders.our_encoder(name), tiny_encoders.their_encoder(name)
        text = tiny_encoders.inputs(name)
    elif name in tiny_encoder_decoders.VARIANTS:
        ours = tiny_encoder_decoders.our_model(name)
        theirs = tiny_encoder_decoders.their_model(name)
        text = tiny_encoder_decoders.inputs(name)
    elif name in tiny_gpt2s.VARIANTS:
        ours, theirs = tiny_gpt2s.our_model(name), tiny_gpt2s.their_model(name)
        text = tiny_gpt2s.inputs_of(name, 3, 11)
        del text["labels"]
    elif name in LLAMA_LIKE:
        ours, theirs = like_llama(*LLAMA_LIKE[name])
    else:
        variant = name.partition(" ")[2]
        ours, theirs = tiny_llamas.our_llama(variant), tiny_llamas.their_llama(variant)
    copy_weights(theirs, ours)
    return ours, theirs, text


def like_llama(family, fields):
    """Mistral, Qwen2 or Qwen3; theirs with random weights that show mistakes."""
    import torch
    import transformers

    config = getattr(transformers, f"{family}Config")(**SIZES, **fields)
    theirs = getattr(transformers, f"{family}ForCausalLM")(config).eval()
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    our_config = tinyhf.AutoConfig.for_model(config.model_type, **SIZES, **fields)
    return tinyhf.AutoModelForCausalLM.from_config(our_config), theirs


def copy_weights(theirs, ours):
    known = ours.state_dict()
    for name, tensor in theirs.state_dict().items():
        if name in known:
            ours.set_parameter(name, tensor.numpy().copy())
    ours.tie_weights()
