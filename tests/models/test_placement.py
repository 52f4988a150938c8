"""Where the parts of a model go: the plan on made-up sizes, and real models spread over devices.

The second device is the strict one of tests/strict_device.py: an array that was not brought along
by a hook is refused there.
"""

import itertools
import logging

import numpy
import pytest

from tests.tiny_llamas import OWN_TOLERANCE, assert_close, fields_of, inputs, our_llama, their_llama
from tinyhf import (
    AutoModelForCausalLM,
    ChatGLMConfig,
    ChatGLMForConditionalGeneration,
    LlamaConfig,
    LlamaForCausalLM,
)
from tinyhf.backend import bfloat16, device_of, float32, to_device, to_host
from tinyhf.errors import ArgumentError, DeviceError, NotEnoughMemoryError
from tinyhf.models import dispatch, placement
from tinyhf.models.auto import FAMILIES
from tinyhf.models.parts import count_bytes, count_parameters, find_parts, group_parts
from tinyhf.models.placement import Placement, place_model, plan_devices

PARTS = [
    "model.embed_tokens",
    "model.layers.0",
    "model.layers.1",
    "model.norm",
    "model.rotary_emb",
    "lm_head",
]


@pytest.fixture
def saved(tmp_path):
    """(folder, model) of a float32 checkpoint in shards."""
    model = our_llama("gqa")
    model.save_pretrained(tmp_path, max_shard_size="20KB")
    return tmp_path, model


@pytest.fixture
def heard(caplog):
    caplog.set_level(logging.WARNING, "tinyhf")
    return caplog


def place(model, device_map, max_memory=None, dtype=float32):
    return place_model(model, model.state_dict(), device_map, dtype, max_memory)


# ---- the plan ------------------------------------------------------------------------------------

SIZES = {"embed": 30, "0": 10, "1": 10, "2": 10, "norm": 1, "head": 30}


@pytest.mark.parametrize(
    ("room", "devices"),
    [
        ({"cpu": None}, ["cpu"] * 6),
        ({"cpu": 91}, ["cpu"] * 6),
        ({"cpu": 90}, ["cpu"] * 5 + ["disk"]),
        ({"cpu": 0}, ["disk"] * 6),
        ({"cuda:0": 91, "cpu": 91}, ["cuda:0"] * 6),
        ({"cuda:0": 45, "cpu": 91}, ["cuda:0"] * 2 + ["cpu"] * 4),
        ({"cuda:0": 40, "cuda:1": 21, "cpu": None}, ["cuda:0"] * 2 + ["cuda:1"] * 3 + ["cpu"]),
        ({"cuda:0": 40, "cuda:1": 20, "cpu": 5}, ["cuda:0"] * 2 + ["cuda:1"] * 2 + ["cpu", "disk"]),
        ({"cuda:0": 5, "cuda:1": 91, "cpu": 91}, ["cuda:1"] * 6),
        ({}, ["disk"] * 6),
    ],
)
def test_one_device_after_the_other(room, devices):
    assert plan_devices(SIZES, room) == dict(zip(SIZES, devices, strict=True))


def test_parts_never_go_back_to_an_earlier_device():
    rng = numpy.random.default_rng(0)
    for _ in range(200):
        sizes = dict(enumerate(rng.integers(0, 20, 12).tolist()))
        room = {f"cuda:{n}": int(size) for n, size in enumerate(rng.integers(0, 60, 3))}
        plan = plan_devices(sizes, room)
        order = [*room, "disk"]
        places = [order.index(device) for device in plan.values()]
        assert places == sorted(places)
        for device, size in room.items():
            assert sum(sizes[part] for part in sizes if plan[part] == device) <= size


def test_a_tenth_is_left_free(monkeypatch):
    monkeypatch.setattr(placement, "gpus", lambda: ["cuda:0"])
    monkeypatch.setattr(placement, "free_memory", {"cuda:0": 1000, "cpu": None}.get)
    assert placement.room_for_weights() == {"cuda:0": 900, "cpu": None}


def test_max_memory_takes_the_place_of_what_is_free(strict_library):
    room = placement.room_for_weights({"disk": "1TB", "cpu": "1MB", "strict": "10KiB"})
    assert room == {"strict:0": 10240, "cpu": 10**6}
    assert list(room) == ["strict:0", "cpu"]
    with pytest.raises(ArgumentError, match="max_memory: no such size"):
        placement.room_for_weights({"cpu": "much"})


def test_llama_2_7b_on_a_machine_with_8_gb():
    """The real sizes: 13.5 GB of bfloat16, of which 8 GB minus a tenth fit."""
    model = LlamaForCausalLM(LlamaConfig())
    plan = place(model, "auto", {"cpu": int(8e9 * 0.9)}, bfloat16)
    assert plan.device_map["model.layers.16"] == "cpu"
    assert plan.device_map["model.layers.17"] == "disk"
    assert plan.device_map["lm_head"] == "disk"
    assert plan.nbytes["cpu"] < 7.2e9 < plan.nbytes["cpu"] + 2 * 202_383_360
    assert str(plan).splitlines() == [
        "cpu       7.14 GB  model.embed_tokens … model.layers.16",
        "disk      6.33 GB  model.layers.17 … lm_head",
    ]


def test_tied_parts_stay_together():
    model = LlamaForCausalLM(LlamaConfig(**fields_of("tied")))
    groups = group_parts(model, model.state_dict())
    assert groups[0].parts == ["model.embed_tokens", "lm_head"]
    assert sum(count_parameters(group.places) for group in groups) == model.num_parameters()
    plan = place(model, {"model.embed_tokens": "disk", "": "cpu"})
    assert plan.device_map["lm_head"] == "disk"
    assert "disk      12.3 kB  model.embed_tokens, lm_head" in str(plan)


def test_parts_of_a_model():
    assert list(find_parts(our_llama())) == PARTS


# ---- maps ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("device_map", "whole"),
    [(None, "cpu"), ("cpu", "cpu"), ("disk", "disk"), ("strict", "strict:0"), ("strict:0",) * 2],
)
def test_one_device(strict_library, device_map, whole):
    assert place(our_llama(), device_map).device_map == {"": whole}
    assert place(our_llama(), {"": device_map}).device_map == {"": whole}


def test_the_longest_path_decides(strict_library):
    given = {"": "cpu", "model": "strict", "model.layers.1": "disk", "model.norm": "cpu"}
    plan = place(our_llama(), given)
    devices = ["strict:0", "strict:0", "disk", "cpu", "strict:0", "cpu"]
    assert plan.device_map == dict(zip(PARTS, devices, strict=True))
    assert plan.device_of("model.layers.1.mlp.up_proj.weight") == "disk"
    assert plan.device_of("lm_head.weight") == "cpu"


def test_numbers_do_not_match_by_their_first_digit():
    model = LlamaForCausalLM(LlamaConfig(**fields_of(num_hidden_layers=12)))
    plan = place(model, {"": "cpu", "model.layers.1": "disk"})
    on_disk = [part for part, device in plan.device_map.items() if device == "disk"]
    assert on_disk == ["model.layers.1"]
    assert plan.device_of("model.layers.10.input_layernorm.weight") == "cpu"


@pytest.mark.parametrize(
    ("device_map", "problem"),
    [
        ({"model": "cpu"}, r"device_map: says nothing of lm_head\. Give a default"),
        (
            {"": "cpu", "model.layer.0": "cpu"},
            r"no part 'model\.layer\.0'.*mean 'model\.layers\.0'",
        ),
        ({"": "cpu", "model.layers.0.mlp": "disk"}, r"on its own.*mean 'model\.layers\.0'\?"),
        ({"": "cpu", "lm_head.weight": "disk"}, r"on its own.*mean 'lm_head'\?"),
        ({"": ["cpu"]}, "no such map"),
        (["cpu"], "no such map"),
        (1.5, "no such map"),
        ({}, "says nothing of model.embed_tokens"),
    ],
)
def test_maps_that_do_not_fit(device_map, problem):
    with pytest.raises(ArgumentError, match=problem):
        place(our_llama(), device_map)


@pytest.mark.parametrize("device", ["gpu", "cuda:x", "", "auto"])
def test_devices_that_do_not_exist(device):
    with pytest.raises(DeviceError, match="there is no such device"):
        place(our_llama(), {"": device})


# ---- models that are spread out ------------------------------------------------------------------

SPREAD = [
    {"": "cpu", "model.layers.1": "strict"},
    {"": "strict", "model.layers.0": "cpu"},
    {"": "strict", "model.embed_tokens": "cpu", "lm_head": "disk"},
    {"": "cpu", "model.layers": "disk", "model.norm": "strict"},
    {"model": "strict", "lm_head": "disk"},
    dict(zip(PARTS, ["strict", "disk", "strict", "cpu", "disk", "strict"], strict=True)),
    "disk",
]


@pytest.mark.parametrize("device_map", SPREAD, ids=str)
def test_the_same_numbers(saved, strict_library, device_map):
    folder, host = saved
    model = AutoModelForCausalLM.from_pretrained(folder, device_map=device_map)
    plan = place(our_llama(), device_map)
    assert model.hf_device_map == plan.device_map
    for name, array in model.state_dict().items():
        where = plan.device_of(name)
        assert device_of(array) == ("cpu" if where == "disk" else where)
        assert (where == "disk") == (device_of(array) == "cpu" and not array.flags.writeable)
        numpy.testing.assert_array_equal(to_host(array), host.get_parameter(name))

    batch = inputs(2, 9)
    there = {name: strict_library.asarray(x) for name, x in batch.items()}
    batch_there = there if model.device == "strict:0" else batch
    options = {"output_hidden_states": True, "output_attentions": True}
    strict_library.Device.current = None
    theirs, ours = host(**batch, **options), model(**batch_there, **options)
    in_use = "strict:0" in plan.device_map.values() and len(set(plan.device_map.values())) > 1
    assert strict_library.Device.current == (0 if in_use else None)
    assert device_of(ours.logits) == model.device
    assert_close(to_host(ours.logits), theirs.logits, OWN_TOLERANCE)
    assert_close(to_host(ours.loss), theirs.loss, OWN_TOLERANCE)
    for a, b in zip(ours.hidden_states, theirs.hidden_states, strict=True):
        assert_close(to_host(a), b, OWN_TOLERANCE)
    settings = {"max_new_tokens": 6, "do_sample": True, "seed": 3, "pad_token_id": 0}
    numpy.testing.assert_array_equal(
        model.generate(batch["input_ids"], **settings),
        host.generate(batch["input_ids"], **settings),
    )


@pytest.mark.parametrize("device_map", [{"": "strict", "lm_head": "cpu"}, "disk"], ids=str)
def test_tied_weights_are_one_array(tmp_path, strict_library, device_map):
    our_llama("tied").save_pretrained(tmp_path)
    model = AutoModelForCausalLM.from_pretrained(tmp_path, device_map=device_map)
    assert model.lm_head.weight is model.model.embed_tokens.weight
    ids = to_device(numpy.array([[1, 2]]), model.device)
    theirs = our_llama("tied")(numpy.array([[1, 2]])).logits
    assert_close(to_host(model(ids).logits), theirs, OWN_TOLERANCE)


def test_auto_spills_and_says_so(saved, strict_library, heard):
    folder, host = saved
    model = AutoModelForCausalLM.from_pretrained(
        folder, device_map="auto", max_memory={"strict": "45KB", "cpu": "35KB"}
    )
    devices = ["strict:0", "strict:0", "cpu", "cpu", "cpu", "disk"]
    assert model.hf_device_map == dict(zip(PARTS, devices, strict=True))
    assert f"{folder} is spread over several devices:" in heard.text
    assert "cpu       31.1 kB  model.layers.1 … model.rotary_emb" in heard.text
    ids = strict_library.asarray(inputs(1, 5)["input_ids"])
    assert_close(to_host(model(ids).logits), host(to_host(ids)).logits, OWN_TOLERANCE)


def test_a_model_in_one_place_has_no_hooks(saved, strict_library, heard):
    folder, _ = saved
    for device_map in (None, "cpu", "auto", "strict", {"": "strict"}):
        model = AutoModelForCausalLM.from_pretrained(folder, device_map=device_map)
        assert not any(module._forward_hooks for module in model.modules())
    assert heard.text == ""


def test_missing_parameters_are_made_where_they_belong(tmp_path, strict_library, heard):
    our_llama("gqa").save_pretrained(tmp_path)
    model = AutoModelForCausalLM.from_pretrained(
        tmp_path, attention_bias=True, device_map={"": "cpu", "model.layers.1": "strict"}
    )
    biases = {name: x for name, x in model.state_dict().items() if name.endswith("bias")}
    assert {device_of(x) for n, x in biases.items() if "layers.1" in n} == {"strict:0"}
    assert {device_of(x) for n, x in biases.items() if "layers.0" in n} == {"cpu"}
    model(numpy.array([[1, 2]]))


def test_a_model_that_is_spread_out_cannot_be_moved(saved, strict_library):
    folder, _ = saved
    for device_map in ({"": "cpu", "lm_head": "strict"}, "disk"):
        model = AutoModelForCausalLM.from_pretrained(folder, device_map=device_map)
        with pytest.raises(DeviceError, match=r"to: its parts stay where they are .*Load it with"):
            model.to("cpu")
    model = AutoModelForCausalLM.from_pretrained(folder).to("strict")
    assert model.hf_device_map == {"": "strict:0"}


def test_a_spread_model_can_be_saved(saved, strict_library, tmp_path):
    folder, host = saved
    model = AutoModelForCausalLM.from_pretrained(folder, device_map={"": "strict", "model": "disk"})
    model.save_pretrained(folder)  # onto the very files that are mapped
    again = AutoModelForCausalLM.from_pretrained(folder)
    for name, array in again.state_dict().items():
        numpy.testing.assert_array_equal(array, host.get_parameter(name))


#: The sizes of every family, under every name that one of them has.
TINY = {
    **dict.fromkeys(("hidden_size", "n_embd", "dim", "d_model"), 32),
    **dict.fromkeys(("intermediate_size", "hidden_dim", "d_ff", "inner_hidden_size"), 48),
    **dict.fromkeys(("encoder_ffn_dim", "decoder_ffn_dim"), 48),
    **dict.fromkeys(("num_hidden_layers", "n_layer", "n_layers", "num_layers"), 2),
    **dict.fromkeys(("encoder_layers", "decoder_layers"), 2),
    **dict.fromkeys(("num_attention_heads", "n_head", "n_heads", "num_heads"), 4),
    **dict.fromkeys(("encoder_attention_heads", "decoder_attention_heads"), 4),
    **dict.fromkeys(("max_position_embeddings", "n_positions", "max_sequence_length"), 32),
    **dict.fromkeys(("head_dim", "d_kv"), 8),
    **dict.fromkeys(("pad_token_id", "decoder_start_token_id"), 3),
    "vocab_size": 64,
    "num_key_value_heads": 2,
    "bos_token_id": 62,
    "eos_token_id": 63,
    "mask_token_id": 60,
    "gmask_token_id": 61,
}
#: Of each family the class with the most on top.
CLASSES = [list(heads.values())[-1] for heads in FAMILIES.values()]


@pytest.mark.parametrize("model_class", dict.fromkeys(CLASSES), ids=lambda made: made.__name__)
def test_every_family_can_be_spread(tmp_path, strict_library, model_class):
    """Every part on another device than its neighbours."""
    default = model_class.config_class()
    config = type(default)(**{name: TINY[name] for name in TINY if hasattr(default, name)})
    model_class(config).init_weights(seed=0).save_pretrained(tmp_path)
    host = model_class.from_pretrained(tmp_path)
    devices = itertools.cycle(["strict", "cpu", "disk"])
    device_map = dict(zip(find_parts(host), devices, strict=False))
    spread = model_class.from_pretrained(tmp_path, device_map=device_map)
    assert len(set(spread.hf_device_map.values())) == 3

    ids = {"input_ids": numpy.array([[5, 6, 7, 8, 61, 62]])}
    if getattr(config, "is_encoder_decoder", False):
        ids["decoder_input_ids"] = numpy.array([[3, 9, 10]])
    there = {name: to_device(array, spread.device) for name, array in ids.items()}
    ours, theirs = spread(**there).to_tuple()[0], host(**ids).to_tuple()[0]
    assert_close(to_host(ours), theirs, OWN_TOLERANCE)


# ---- half types ----------------------------------------------------------------------------------


@pytest.fixture
def half(tmp_path):
    """(folder, model in float32) of a checkpoint in bfloat16."""
    model = our_llama("gqa")
    for name, array in model.state_dict().items():
        model.set_parameter(name, array.astype(bfloat16))
    model.save_pretrained(tmp_path)
    return tmp_path, AutoModelForCausalLM.from_pretrained(tmp_path)


@pytest.mark.parametrize("dtype", [None, "auto", "bfloat16"])
def test_half_types_on_disk_are_widened_as_they_are_used(half, dtype):
    folder, wide = half
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, device_map="disk")
    assert {array.dtype for array in model.parameters()} == {bfloat16}
    batch = inputs(2, 9)
    assert_close(model(**batch).logits, wide(**batch).logits, OWN_TOLERANCE)


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_weights_on_disk_cannot_be_rounded(half, dtype):
    problem = r"dtype: weights that stay on disk cannot be rounded.*bfloat16.*dtype=\"auto\""
    with pytest.raises(ArgumentError, match=problem):
        AutoModelForCausalLM.from_pretrained(half[0], dtype=dtype, device_map="disk")


def test_numbers_change_their_width_at_the_border(strict_library):
    """A GPU computes in half types, the CPU in float32; what hides a token stays finite."""
    wide = numpy.array([1.5, numpy.finfo("float32").min], "float32")
    there = dispatch.carry([wide, numpy.arange(2), None, "text"], "strict", bfloat16)
    assert [device_of(x) for x in there[:2]] == ["strict:0", "strict:0"]
    assert there[0].dtype == bfloat16
    assert numpy.isfinite(to_host(there[0]).astype("float32")).all()
    assert there[1].dtype == "int64"
    back = dispatch.carry(tuple(there[:2]), "cpu", float32)
    assert back[0].dtype == float32
    assert back[0][0] == 1.5
    assert dispatch.carry(wide, "cpu", float32) is wide


# ---- memory --------------------------------------------------------------------------------------


def test_every_device_is_asked_for_room(saved, strict_library, monkeypatch):
    folder, model = saved
    head = model.lm_head.weight.nbytes
    monkeypatch.setattr(dispatch, "free_memory", {"cpu": 10**9, "strict:0": head - 1}.get)
    with pytest.raises(NotEnoughMemoryError, match=r"12\.3 kB are free on 'strict:0'.*\"auto\""):
        AutoModelForCausalLM.from_pretrained(folder, device_map={"": "cpu", "lm_head": "strict"})
    monkeypatch.setattr(dispatch, "free_memory", {"cpu": 0}.get)
    AutoModelForCausalLM.from_pretrained(folder, device_map="disk")


def test_a_plan_prints_as_a_table():
    device_map = {"a": "cuda:0", "b": "cuda:0", "c": "cpu", "d": "cuda:0"}
    counts, nbytes = {"cuda:0": 10**9, "cpu": 250}, {"cuda:0": 4 * 10**9, "cpu": 1000}
    plan = Placement(device_map, counts, nbytes, float32)
    assert str(plan) == "cuda:0       4 GB  a … b, d\ncpu          1 kB  c"


@pytest.mark.parity
@pytest.mark.parametrize("kilobytes", [45, 60, 75, 100])
def test_maps_of_accelerate_are_understood(kilobytes):
    """Ours are not the same: accelerate reserves room to load a layer of the disk as a whole."""
    accelerate = pytest.importorskip("accelerate")
    theirs = accelerate.infer_auto_device_map(
        their_llama("gqa"), {"cpu": kilobytes * 1000}, no_split_module_classes=["LlamaDecoderLayer"]
    )
    plan = place(our_llama(), theirs)
    assert {part: plan.device_of(part) for part in PARTS} == {
        part: placement.device_in(theirs, part) for part in PARTS
    }
    ours = place(our_llama(), "auto", {"cpu": kilobytes * 1000})
    assert ours.counts.get("cpu", 0) >= plan.counts.get("cpu", 0)


def test_quantized_weights_count_as_what_they_are():
    """ChatGLM's int4 weights stay one byte for two numbers, whatever the model's dtype is."""
    sizes = {"vocab_size": 130, "hidden_size": 32, "num_layers": 2, "num_attention_heads": 4}
    sizes |= {"inner_hidden_size": 64, "bos_token_id": 126, "eos_token_id": 127}
    sizes |= {"mask_token_id": 124, "gmask_token_id": 125, "pad_token_id": 3}
    small, large = (
        ChatGLMForConditionalGeneration(ChatGLMConfig(**sizes, quantization_bit=bits))
        for bits in (4, 0)
    )
    needed = [count_bytes(model.state_dict(), float32) for model in (small, large)]
    assert large.num_parameters() * 4 == needed[1]
    matrices = sum(place.size for place in small.state_dict().values() if place.itemsize == 1)
    others = small.num_parameters() - matrices
    assert needed[0] == matrices + 4 * others
