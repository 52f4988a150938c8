"""Adapters against PEFT with torch: outputs, gradients, files both ways, merged weights."""

import numpy
import pytest

from tests.tiny_encoder_decoders import our_model
from tests.tiny_llamas import as_tensors, inputs, our_llama
from tinyhf import BertConfig, BertForSequenceClassification, GPT2Config, GPT2LMHeadModel
from tinyhf import peft as our_peft
from tinyhf.autograd import Tensor, plain
from tinyhf.backend.random import set_seed

pytestmark = pytest.mark.parity
OUTPUTS, GRADIENTS = 1e-5, 1e-4  # relative to the largest number

QV = {"target_modules": ["q_proj", "v_proj"]}
CLM = {"task_type": "CAUSAL_LM"}
CASES = {
    "lora": ("llama", "LoraConfig", {"r": 4, "lora_alpha": 32, **CLM}),
    "all-linear": ("llama", "LoraConfig", {"target_modules": "all-linear", "use_rslora": True}),
    "gaussian": ("llama", "LoraConfig", {**QV, "init_lora_weights": "gaussian"}),
    "random": ("llama", "LoraConfig", {**QV, "init_lora_weights": False}),
    "regex": ("llama", "LoraConfig", {"target_modules": r".*\.1\..*(up|k)_proj", "r": 2}),
    "layers": ("llama", "LoraConfig", {**QV, "layers_to_transform": [1]}),
    "pattern": ("llama", "LoraConfig", {**QV, "rank_pattern": {"v_proj": 3}}),
    "dora": ("llama", "LoraConfig", {**QV, "use_dora": True}),
    "dora-bias": ("biases", "LoraConfig", {**QV, "use_dora": True, "bias": "all"}),
    "bias-all": ("biases", "LoraConfig", {**QV, "bias": "all"}),
    "lora-only": ("biases", "LoraConfig", {**QV, "bias": "lora_only"}),
    "save": ("llama", "LoraConfig", {**QV, "modules_to_save": ["lm_head", "norm"]}),
    "embedding": ("llama", "LoraConfig", {"target_modules": ["embed_tokens", "q_proj"]}),
    "embedding-dora": (
        "llama",
        "LoraConfig",
        {"target_modules": ["embed_tokens"], "use_dora": True},
    ),
    "gpt2": ("gpt2", "LoraConfig", {"r": 4, "fan_in_fan_out": True, **CLM}),
    "gpt2-dora": ("gpt2", "LoraConfig", {"target_modules": ["c_fc"], "use_dora": True}),
    "bert": ("bert", "LoraConfig", {"r": 4, "task_type": "SEQ_CLS"}),
    "t5": ("t5", "LoraConfig", {"r": 4, "task_type": "SEQ_2_SEQ_LM"}),
    "bart": ("bart", "LoraConfig", {"r": 4, "task_type": "SEQ_2_SEQ_LM"}),
    "ia3": ("llama", "IA3Config", CLM),
    "ia3-t5": ("t5", "IA3Config", {"task_type": "SEQ_2_SEQ_LM"}),
    "ia3-bert": ("bert", "IA3Config", {"task_type": "SEQ_CLS"}),
    "ia3-biases": ("biases", "IA3Config", CLM),
    "ia3-gpt2": ("gpt2", "IA3Config", CLM),
    "prefix": ("llama", "PrefixTuningConfig", {**CLM, "num_virtual_tokens": 5}),
    "prefix-gpt2": ("gpt2", "PrefixTuningConfig", {**CLM, "num_virtual_tokens": 3}),
    "prefix-network": (
        "llama",
        "PrefixTuningConfig",
        {**CLM, "num_virtual_tokens": 5, "prefix_projection": True, "encoder_hidden_size": 12},
    ),
    "prompt": ("llama", "PromptTuningConfig", {**CLM, "num_virtual_tokens": 5}),
    "prompt-words": (
        "llama",
        "PromptTuningConfig",
        {**CLM, "num_virtual_tokens": 5, "prompt_tuning_init": "SAMPLE_VOCAB"},
    ),
    "prompt-gpt2": ("gpt2", "PromptTuningConfig", {**CLM, "num_virtual_tokens": 4}),
}
PROMPTS = {name for name in CASES if name.startswith("pr")}


def our_base(family):
    if family == "llama":
        return our_llama("gqa")
    if family in ("t5", "bart"):
        return our_model(family)
    if family == "biases":
        return our_llama("biases")
    sizes = {"vocab_size": 96, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64}
    drops = dict.fromkeys(("attn_pdrop", "resid_pdrop", "embd_pdrop"), 0.0)
    if family == "gpt2":
        return GPT2LMHeadModel(GPT2Config(**sizes, **drops)).init_weights(0)
    config = BertConfig(
        vocab_size=96,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=48,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    return BertForSequenceClassification(config).init_weights(0)


def their_base(folder, ours):
    transformers = pytest.importorskip("transformers")
    ours.save_pretrained(folder)
    kind = getattr(transformers, type(ours).__name__)
    return kind.from_pretrained(folder, attn_implementation="eager")


def batch(family):
    arrays = inputs(3, 9)
    if family == "bert":
        arrays["labels"] = numpy.array([0, 1, 1])
    elif family in ("t5", "bart"):
        del arrays["attention_mask"]
        arrays["input_ids"] = arrays["input_ids"].clip(4, 38)
        arrays["labels"] = arrays["input_ids"][:, :5].copy()
    else:
        arrays["use_cache"] = False
    return arrays


def error(ours, theirs):
    ours, theirs = numpy.asarray(plain(ours)), theirs.detach().numpy()
    assert ours.shape == theirs.shape
    return abs(ours - theirs).max() / max(abs(theirs).max(), 1e-12)


def randomize(model):
    """So that no adapter is without effect."""
    import torch

    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter += 0.2 * torch.randn(parameter.shape, generator=generator)


@pytest.fixture(params=CASES)
def case(request, tmp_path):
    """(name, family, our config, our base, their config, their base)."""
    peft = pytest.importorskip("peft")
    family, config, fields = CASES[request.param]
    ours = our_base(family)
    theirs = their_base(tmp_path / "base", ours)
    ours.name_or_path = str(tmp_path / "base")
    our_config = getattr(our_peft, config)(**fields)
    return request.param, family, our_config, ours, getattr(peft, config)(**fields), theirs


def test_first_values(case):
    """The same seed makes the same adapter, in the same words."""
    import torch
    from peft import get_peft_model

    _, _, our_config, our_model, their_config, their_model = case
    torch.manual_seed(5)
    theirs = get_peft_model(their_model, their_config)
    set_seed(5)
    ours = our_peft.get_peft_model(our_model, our_config)
    assert type(ours).__name__ == type(theirs).__name__
    assert ours.get_nb_trainable_parameters() == theirs.get_nb_trainable_parameters()
    learnt = {n: p for n, p in theirs.named_parameters() if p.requires_grad}
    parameters = dict(ours.named_parameters())
    assert {n for n, p in parameters.items() if isinstance(p, Tensor)} == set(learnt)
    for name, parameter in learnt.items():
        assert error(parameters[name], parameter) < 1e-6, name
        if "lora_A" in name and case[0] != "gaussian":  # of the bell curve within 5e-7
            assert (plain(parameters[name]) == parameter.detach().numpy()).all(), name


def test_their_folder_our_gradients(case, tmp_path):
    from peft import get_peft_model

    name, family, _, our_model, their_config, their_model = case
    theirs = get_peft_model(their_model, their_config)
    randomize(theirs)
    theirs.save_pretrained(tmp_path / "adapter")
    if name == "prefix-network":
        ours = our_peft.PeftModel.from_pretrained(our_model, tmp_path / "adapter")
        our_out, their_out = ours(**batch(family)), theirs(**as_tensors(batch(family)))
        assert error(our_out.logits, their_out.logits) < OUTPUTS
        return
    ours = our_peft.PeftModel.from_pretrained(our_model, tmp_path / "adapter", is_trainable=True)
    our_out, their_out = ours(**batch(family)), theirs(**as_tensors(batch(family)))
    assert error(our_out.logits, their_out.logits) < OUTPUTS
    assert error(our_out.loss, their_out.loss) < OUTPUTS
    our_out.loss.backward()
    their_out.loss.backward()
    parameters = dict(ours.named_parameters())
    learnt = {n: p for n, p in theirs.named_parameters() if p.requires_grad}
    assert {n for n, p in parameters.items() if isinstance(p, Tensor)} == set(learnt)
    largest = max(float(abs(p.grad).max()) for p in learnt.values() if p.grad is not None)
    for name, parameter in learnt.items():
        if parameter.grad is None:
            assert parameters[name].grad is None
        else:
            difference = abs(parameters[name].grad - parameter.grad.numpy()).max()
            scale = max(float(abs(parameter.grad).max()), 1e-3 * largest)
            assert difference / scale < GRADIENTS, name


def test_our_folder_their_outputs(case, tmp_path):
    import torch
    from peft import PeftModel

    name, family, our_config, our_model, _, their_model = case
    ours = our_peft.get_peft_model(our_model, our_config)
    rng = numpy.random.default_rng(0)
    for parameter in ours.parameters():
        if isinstance(parameter, Tensor):
            noise = rng.normal(0.0, 0.2, parameter.shape).astype("float32")
            parameter.array = parameter.array + noise
    before = ours(**batch(family)).logits
    ours.save_pretrained(tmp_path / "adapter")
    theirs = PeftModel.from_pretrained(their_model, tmp_path / "adapter")
    with torch.no_grad():
        assert error(before, theirs(**as_tensors(batch(family))).logits) < OUTPUTS
    again = our_peft.PeftModel.from_pretrained(our_base(family), tmp_path / "adapter")
    assert (plain(again(**batch(family)).logits) == plain(before)).all() or name in PROMPTS
    if name in PROMPTS:
        return
    our_merged, their_merged = again.merge_and_unload(), theirs.merge_and_unload()
    own = our_merged.state_dict()
    for key, value in their_merged.state_dict().items():
        if key in own:
            assert error(own[key], value) < OUTPUTS, key
    assert error(our_merged(**batch(family)).logits, torch.from_numpy(plain(before))) < OUTPUTS


@pytest.mark.parametrize("name", ["lora", "ia3", "prefix", "prompt", "gpt2", "prefix-gpt2"])
@pytest.mark.parametrize("options", [{}, {"num_beams": 2}], ids=["greedy", "beams"])
def test_generate(name, options, tmp_path):
    import peft
    import torch
    from peft import get_peft_model

    family, config, fields = CASES[name]
    ours = our_base(family)
    theirs = get_peft_model(their_base(tmp_path / "base", ours), getattr(peft, config)(**fields))
    randomize(theirs)
    theirs.eval().save_pretrained(tmp_path / "adapter")
    ours = our_peft.PeftModel.from_pretrained(ours, tmp_path / "adapter", is_trainable=True)
    prompt = {k: v for k, v in inputs(2, 6).items() if k != "labels"}
    prompt["input_ids"][:, -1] = 7
    settings = {"max_new_tokens": 6, "do_sample": False, "eos_token_id": None, **options}
    tokens = ours.generate(**prompt, **settings)
    with torch.no_grad():
        expected = theirs.generate(**as_tensors(prompt), **settings)
    assert tokens.tolist() == expected.tolist()


@pytest.mark.parametrize("fields", [{}, {"use_dora": True}], ids=["lora", "dora"])
def test_dropout(fields, tmp_path):
    """The same seed leaves out the same inputs in training."""
    import torch
    from peft import LoraConfig, get_peft_model

    fields = {**QV, **CLM, "lora_dropout": 0.4, **fields}
    ours = our_base("biases")
    theirs = get_peft_model(their_base(tmp_path / "base", ours), LoraConfig(**fields))
    randomize(theirs)
    theirs.save_pretrained(tmp_path / "adapter")
    ours = our_peft.PeftModel.from_pretrained(ours, tmp_path / "adapter", is_trainable=True)
    torch.manual_seed(1)
    their_loss = theirs.train()(**as_tensors(batch("llama"))).loss
    set_seed(1)
    our_loss = ours.train()(**batch("llama")).loss
    assert error(our_loss, their_loss) < OUTPUTS
    our_loss.backward()
    their_loss.backward()
    parameters = dict(ours.named_parameters())
    for name, parameter in theirs.named_parameters():
        if parameter.requires_grad:
            assert error(parameters[name].grad, parameter.grad) < GRADIENTS, name
