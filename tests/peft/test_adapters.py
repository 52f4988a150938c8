"""Adapters of every method: they begin without effect, learn alone, and come off again."""

import numpy
import pytest

import tinyhf
from tests.tiny_llamas import OWN_TOLERANCE, inputs, our_llama, relative_error
from tinyhf.autograd import Tensor, gradcheck, no_grad, plain
from tinyhf.backend import to_device, to_host
from tinyhf.backend.random import set_seed
from tinyhf.nn import Linear
from tinyhf.peft import (
    BottleneckConfig,
    IA3Config,
    LoraConfig,
    PeftModel,
    PrefixTuningConfig,
    PromptTuningConfig,
    get_peft_model,
)
from tinyhf.peft.bottleneck import BottleneckLayer
from tinyhf.peft.ia3 import IA3Linear
from tinyhf.peft.lora_layers import LoraLinear

TEXT = {"task_type": "CAUSAL_LM", "num_virtual_tokens": 4}
CONFIGS = {
    "lora": lambda: LoraConfig(r=4, lora_alpha=16),
    "dora": lambda: LoraConfig(r=4, use_dora=True, target_modules=["embed_tokens", "up_proj"]),
    "ia3": IA3Config,
    "bottleneck": lambda: BottleneckConfig(bottleneck_size=6),
    "prefix": lambda: PrefixTuningConfig(**TEXT),
    "prompt": lambda: PromptTuningConfig(**TEXT),
}
INSIDE = ("lora", "dora", "ia3")


def batch(seed=1):
    return inputs(3, 9, seed=seed)


def logits(model):
    return plain(model(**batch()).logits)[:, -9:]  # of the text, without virtual tokens


def trained(model, seed=0):
    """The model after noise was learnt."""
    rng = numpy.random.default_rng(seed)
    for parameter in model.parameters():
        if isinstance(parameter, Tensor):
            noise = rng.normal(0, 0.1, parameter.shape).astype("float32")
            parameter.array = parameter.array + noise
    return model


def linear_layer(seq=5, features=(4, 3)):
    """A Linear in float64."""
    layer = Linear(*features)
    rng = numpy.random.default_rng(seq)
    layer.weight, layer.bias = rng.normal(size=features[::-1]), rng.normal(size=features[1])
    return layer


@pytest.mark.parametrize("method", ["lora", "ia3", "ia3 of inputs", "bottleneck"])
def test_layer_gradients_are_slopes(method):
    """Of x and of every parameter, in float64. DoRA's are not whole slopes: see the parity test."""
    config = CONFIGS[method.split()[0]]()
    kind = {"lora": LoraLinear, "bottleneck": BottleneckLayer}.get(method, IA3Linear)
    config.feedforward_modules = ["down_proj"]
    layer = kind(linear_layer())
    layer.add_adapter("default", config, "down_proj" if "inputs" in method else "k_proj")
    layer.active_adapters = ["default"]
    names = [name for name in layer.state_dict() if "base_layer" not in name]
    rng = numpy.random.default_rng(0)
    values = [rng.normal(size=layer.get_parameter(name).shape) for name in names]

    def forward(x, *parameters):
        for name, parameter in zip(names, parameters, strict=True):
            layer.set_parameter(name, parameter)
        return layer(x)

    gradcheck(forward, rng.normal(size=(2, 5, 4)), *values)
    assert names


@pytest.mark.parametrize("method", CONFIGS)
def test_only_the_adapter_learns(method):
    model = get_peft_model(our_llama(), CONFIGS[method]())
    model(**batch()).loss.backward()
    learnt = {name: p for name, p in model.named_parameters() if isinstance(p, Tensor)}
    assert learnt and all("default" in name for name in learnt)
    assert all(parameter.grad is not None for parameter in learnt.values())


@pytest.mark.parametrize("method", ["lora", "dora", "ia3"])
def test_a_new_adapter_changes_nothing(method):
    before = logits(our_llama())
    assert relative_error(logits(get_peft_model(our_llama(), CONFIGS[method]())), before) < 2e-6


@pytest.mark.parametrize("method", CONFIGS)
def test_disable_and_unload(method):
    before = logits(our_llama())
    model = trained(get_peft_model(our_llama(), CONFIGS[method]()))
    assert relative_error(logits(model), before) > 1e-4
    with model.disable_adapter():
        assert (logits(model) == before).all()
    assert relative_error(logits(model), before) > 1e-4
    base = model.unload()
    assert (logits(base) == before).all()
    assert list(base.state_dict()) == list(our_llama().state_dict())


@pytest.mark.parametrize("method", INSIDE)
def test_merge(method):
    model = trained(get_peft_model(our_llama("biases"), CONFIGS[method]()))
    expected = logits(model)
    model.merge_adapter()
    assert relative_error(logits(model), expected) < OWN_TOLERANCE
    model.unmerge_adapter()
    assert (logits(model) == expected).all()
    base = model.merge_and_unload()
    assert relative_error(logits(base), expected) < OWN_TOLERANCE
    assert not any(isinstance(parameter, Tensor) for parameter in base.parameters())


@pytest.mark.parametrize("method", CONFIGS)
def test_files(method, tmp_path):
    model = trained(get_peft_model(our_llama(), CONFIGS[method]()))
    model.save_pretrained(tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"adapter_config.json", "adapter_model.safetensors"}
    again = PeftModel.from_pretrained(our_llama(), tmp_path)
    assert (logits(again) == logits(model)).all()
    assert again.get_nb_trainable_parameters()[0] == 0
    going_on = PeftModel.from_pretrained(our_llama(), tmp_path, is_trainable=True)
    assert going_on.get_nb_trainable_parameters() == model.get_nb_trainable_parameters()


@pytest.mark.parametrize("method", CONFIGS)
def test_several_adapters(method, tmp_path):
    first = trained(get_peft_model(our_llama(), CONFIGS[method]()), seed=1)
    second = trained(get_peft_model(our_llama(), CONFIGS[method]()), seed=2)
    second.save_pretrained(tmp_path)
    one, two = logits(first), logits(second)
    first.load_adapter(tmp_path, "other")
    assert (logits(first) == one).all()
    first.set_adapter("other")
    assert (logits(first) == two).all()
    first.delete_adapter("other")
    assert (logits(first) == one).all() and list(first.peft_config) == ["default"]


@pytest.mark.parametrize("method", CONFIGS)
@pytest.mark.parametrize("options", [{}, {"num_beams": 2}], ids=["greedy", "beams"])
def test_generate_equals_forward(method, options):
    """With a cache, token by token, the same as reading the whole text again each time."""
    model = trained(get_peft_model(our_llama(), CONFIGS[method]()))
    ids = batch()["input_ids"][:1]
    tokens = model.generate(ids, max_new_tokens=4, do_sample=False, **options)
    assert tokens.shape == (1, 13)
    if not options:
        for length in range(9, 13):
            with no_grad():
                scores = model(input_ids=tokens[:, :length]).logits
            assert scores[0, -1].argmax() == tokens[0, length]


def test_dropout_only_in_training():
    model = trained(get_peft_model(our_llama(), LoraConfig(lora_dropout=0.5)))
    assert (logits(model) == logits(model)).all()
    model.train()
    assert (logits(model) != logits(model)).any()
    model.eval()
    assert (logits(model) == logits(model)).all()


def test_printing(capsys):
    get_peft_model(our_llama(), LoraConfig(r=4)).print_trainable_parameters()
    wanted = "trainable params: 896 || all params: 22,560 || trainable%: 3.9716\n"
    assert capsys.readouterr().out == wanted


def test_modules_to_save(tmp_path):
    model = get_peft_model(our_llama(), LoraConfig(modules_to_save=["lm_head"]))
    before = logits(model)
    trained(model).save_pretrained(tmp_path)
    again = PeftModel.from_pretrained(our_llama(), tmp_path)
    assert (logits(again) == logits(model)).all()
    with model.disable_adapter():
        assert (logits(model) == before).all()


@pytest.mark.parametrize("method", CONFIGS)
def test_on_a_device(method, strict_library):
    """The strict device refuses to mix host arrays with its own."""
    expected = trained(get_peft_model(our_llama(), CONFIGS[method]()))
    set_seed(0)
    model = get_peft_model(our_llama().to("strict"), CONFIGS[method]())
    for name, parameter in expected.named_parameters():
        if isinstance(parameter, Tensor):
            model.get_parameter(name).array = to_device(parameter.array, "strict")
    arrays = {name: to_device(value, "strict") for name, value in batch().items()}
    output = model(**arrays)
    assert relative_error(to_host(plain(output.logits))[:, -9:], logits(expected)) < OWN_TOLERANCE
    output.loss.backward()
    assert all(p.grad is not None for p in model.parameters() if isinstance(p, Tensor))
    tokens = model.generate(batch()["input_ids"][:1], max_new_tokens=3, do_sample=False)
    assert tokens.shape == (1, 12)


def test_a_prompt_may_begin_as_a_text():
    base = tinyhf.AutoModelForCausalLM.from_pretrained("tinyhf/little-tales")
    table = base.get_input_embeddings().weight
    tokenizer = tinyhf.AutoTokenizer.from_pretrained("tinyhf/little-tales")
    ids = tokenizer("Once upon a time")["input_ids"]
    config = PromptTuningConfig(
        task_type="CAUSAL_LM",
        num_virtual_tokens=len(ids) + 2,
        prompt_tuning_init="TEXT",
        prompt_tuning_init_text="Once upon a time",
        tokenizer_name_or_path="tinyhf/little-tales",
    )
    learnt = get_peft_model(base, config).prompt_encoder.default.embedding.weight
    assert (plain(learnt) == table[[*ids, *ids[:2]]]).all()


def test_a_prompt_may_begin_as_words_of_the_vocabulary():
    table = our_llama().get_input_embeddings().weight
    config = PromptTuningConfig(**TEXT, prompt_tuning_init="SAMPLE_VOCAB")
    learnt = get_peft_model(our_llama(), config).prompt_encoder.default.embedding.weight
    assert all((table == vector).all(axis=1).any() for vector in plain(learnt))
