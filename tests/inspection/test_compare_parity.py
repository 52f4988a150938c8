"""Right implementations compare as equal: every family against transformers."""

import pytest

import tinyhf
from tests.inspection.pairs import DECODERS, NAMES, make_pair
from tests.tiny_chatglms import needs_reference, reference_case, reference_model
from tests.tiny_llamas import our_llama, their_llama

pytestmark = pytest.mark.parity

#: What transformers' hooks cannot see.
OURS_ALONE = {"encoder_mask", "position_ids", "dropout", "attn_dropout", "causal_mask"}


@pytest.fixture(autouse=True)
def there():
    pytest.importorskip("transformers")


def own(name):
    return name.rpartition(".")[2]


@pytest.mark.parametrize("name", NAMES)
def test_every_family(name):
    ours, theirs, text = make_pair(name)
    before = theirs.config._attn_implementation
    result = tinyhf.compare(ours, theirs, inputs=text)
    assert result, result.summary()
    assert len(result.stages) > 35 and not result.only_b
    in_between = {"scores", "pattern", "z", "q", "k", "v"} if "upcast" in name else set()
    assert {own(x) for x in result.only_a} <= OURS_ALONE | in_between
    assert theirs.config._attn_implementation == before
    assert not any(
        module._forward_hooks or module._forward_pre_hooks for module in theirs.modules()
    )


@pytest.mark.parametrize("name", DECODERS)
def test_generated_with_a_cache(name):
    ours, theirs, text = make_pair(name)
    with tinyhf.trace(ours) as t:
        ours.generate(**text, max_new_tokens=4, do_sample=False, eos_token_id=None)
    result = tinyhf.compare(t, theirs)
    assert result, result.summary()
    assert sum(stage.name.startswith("step 3: ") for stage in result.stages) > 35
    assert tinyhf.compare(theirs, t, step=2)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_halves(dtype):
    import torch

    ours, theirs, text = make_pair("llama gqa")
    for name, weight in ours.state_dict().items():
        ours.set_parameter(name, weight.astype(tinyhf.backend.as_dtype(dtype)))
    ours.tie_weights()
    result = tinyhf.compare(ours, theirs.to(getattr(torch, dtype)), inputs=text)
    assert result, result.summary()


@pytest.mark.parametrize("use_repr", [True, False])
def test_transformers_own_debugger(use_repr, tmp_path):
    import torch
    from transformers import model_addition_debugger_context

    theirs, wrong = their_llama(), our_llama()
    ids = torch.arange(5, 45).reshape(2, 20)
    with model_addition_debugger_context(
        theirs, debug_path=str(tmp_path), do_prune_layers=False, use_repr=use_repr
    ):
        theirs(input_ids=ids)
    result = tinyhf.compare(our_llama(), tmp_path)
    assert result, result.summary()
    assert len(result.stages) > 20
    wrong.model.layers[1].self_attn.v_proj.weight *= 1.01
    found = tinyhf.compare(wrong, tmp_path)
    assert found.first.name == "model.layers.1.self_attn.v_proj"
    assert "b is a times 0.9900" in found.hint


@needs_reference
@pytest.mark.parametrize("case", ["gmask", "gmask_with_suffix", "mask_in_middle"])
def test_chatglm_and_its_own_code(case):
    """Recorded from the model's published code, under names of its own."""
    names = {"embeddings": "transformer.word_embeddings", "final_ln": "transformer.final_layernorm"}
    names["logits_last4"] = "logits"
    for layer in range(3):
        ours = f"transformer.layers.{layer}"
        parts = {"qkv": "attention.query_key_value", "attn_out": "attention", "mlp_out": "mlp"}
        names |= {f"layer{layer}_{theirs}": f"{ours}.{own}" for theirs, own in parts.items()}
        names[f"layer{layer}_out"] = ours
    recorded = reference_case(case)
    model = reference_model("model_fp16_safetensors")
    result = tinyhf.compare(
        model, recorded, inputs={"input_ids": recorded["input_ids"]}, rename=names
    )
    assert result, result.summary()
    assert {"input_ids", "logits"} < {stage.name for stage in result.stages}


def test_any_torch_module(tmp_path):
    """A port in plain torch, with HF's names; it has no attention interface to look through."""
    import torch

    class Port(torch.nn.Module):
        def __init__(self, weight):
            super().__init__()
            self.model = torch.nn.Module()
            self.model.embed_tokens = torch.nn.Embedding.from_pretrained(torch.from_numpy(weight))

        def forward(self, input_ids):
            return {"hidden": self.model.embed_tokens(input_ids)}

    ours, (_, _, text) = our_llama(), make_pair("llama gqa")
    port = Port(ours.model.embed_tokens.weight)
    with tinyhf.trace(ours) as t:
        ours(**text)
    assert [stage.name for stage in tinyhf.compare(t, port).stages] == [
        "input_ids",
        "model.embed_tokens",
    ]
    port.model.embed_tokens.weight.data *= 2
    assert "b is a times 2" in tinyhf.compare(t, port).hint
