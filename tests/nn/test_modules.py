"""The tree of modules: names, order, hooks, printing, moving; layers that refuse wrong input."""

import copy

import numpy
import pytest

from tests.tiny_llamas import our_llama
from tinyhf.backend.random import TorchGenerator
from tinyhf.errors import ArgumentError, TinyHFError
from tinyhf.functional import relu, silu
from tinyhf.nn import ACT2FN, Embedding, Linear, Module, ModuleList, RMSNorm, Unloaded
from tinyhf.nn.initialization import initial_values


class Block(Module):
    parameter_names = ("scale", "shift")

    def __init__(self):
        self.up = Linear(2, 3)
        self.table = numpy.zeros(4)
        self.scale = numpy.ones(2, "float32")
        self.shift = None

    def forward(self, x):
        return self.up(x * self.scale)


class Net(Module):
    def __init__(self):
        self.blocks = ModuleList(Block() for _ in range(3))
        self.head = Linear(3, 2, bias=False)


def filled(layer, *values):
    for name, value in zip(layer.state_dict(), values, strict=True):
        layer.set_parameter(name, numpy.array(value, "float32"))
    return layer


# ---- the tree ------------------------------------------------------------------------------------


def test_paths_are_names_in_the_order_they_were_made():
    assert list(Net().state_dict())[:4] == [
        "blocks.0.scale",
        "blocks.0.up.weight",
        "blocks.0.up.bias",
        "blocks.1.scale",
    ]
    assert list(Net().state_dict())[-1] == "head.weight"
    assert [path for path, _ in Net().named_modules()][:4] == [
        "",
        "blocks",
        "blocks.0",
        "blocks.0.up",
    ]


def test_what_is_computed_or_absent_is_no_parameter():
    assert not any("table" in name or "shift" in name for name in Net().state_dict())


def test_set_and_get_by_full_name():
    net = Net()
    net.set_parameter("blocks.2.up.bias", numpy.arange(3.0))
    assert net.blocks[2].up.bias.tolist() == [0, 1, 2]
    assert net.get_submodule("blocks.2") is net.blocks[2]
    assert net.get_submodule("") is net
    assert net.get_parameter("blocks.2.up.bias") is net.blocks[2].up.bias
    with pytest.raises(AttributeError):
        net.get_submodule("blocks.3")


def test_a_tied_array_counts_once():
    net = Net()
    net.head.weight = net.blocks[0].up.weight
    assert len(list(net.parameters())) == len(net.state_dict()) - 1
    assert [name for name, _ in net.named_parameters()] == list(net.state_dict())[:-1]


def test_lists():
    blocks = Net().blocks
    assert len(blocks) == 3
    assert list(blocks)[-1] is blocks[-1]
    assert blocks[:2] == list(blocks)[:2]


def test_train_and_eval_reach_every_module():
    net = Net()
    assert all(module.training for module in net.train().modules())
    assert not any(module.training for module in net.eval().modules())


def test_a_module_without_forward_says_so():
    with pytest.raises(NotImplementedError, match="Net has no forward"):
        Net()(1)


def test_moving_keeps_ties(strict_library):
    model = our_llama("tied").to("strict")
    assert model.lm_head.weight is model.model.embed_tokens.weight
    assert model.device == "strict:0"
    assert model.model.rotary_emb.inv_freq.__class__ is strict_library.ndarray
    back = model.to("cpu")
    numpy.testing.assert_array_equal(back.lm_head.weight, our_llama("tied").lm_head.weight)


# ---- hooks ---------------------------------------------------------------------------------------


def test_hooks_see_and_may_replace_the_output():
    layer, seen = filled(Linear(2, 2), numpy.eye(2), [1, 1]), []
    x = numpy.array([[2.0, 3.0]], "float32")
    forget = layer.register_forward_hook(lambda module, args, output: seen.append((args, output)))
    replace = layer.register_forward_hook(lambda module, args, output: output * 10)
    assert layer(x).tolist() == [[30, 40]]
    (args, output) = seen[0]
    assert args[0] is x
    assert output.tolist() == [[3, 4]]
    replace()
    assert layer(x).tolist() == [[3, 4]]
    forget()
    layer(x)
    assert len(seen) == 2
    assert layer._forward_hooks == ()


def test_hooks_before_may_replace_the_arguments():
    layer, seen = filled(Linear(2, 2), numpy.eye(2), [1, 1]), []
    x = numpy.array([[2.0, 3.0]], "float32")
    note = layer.register_forward_pre_hook(lambda module, args, kwargs: seen.append(kwargs))
    double = layer.register_forward_pre_hook(lambda module, args, kwargs: ((args[0] * 2,), kwargs))
    assert layer(x).tolist() == [[5, 7]]
    double()
    assert layer(x=x).tolist() == [[3, 4]]
    assert [list(kwargs) for kwargs in seen] == [[], ["x"]]
    note()
    assert layer._forward_hooks == ()


def test_hooks_belong_to_one_module():
    one, other = Linear(1, 1), Linear(1, 1)
    one.register_forward_hook(lambda *_: None)
    assert other._forward_hooks == ()


# ---- printing ------------------------------------------------------------------------------------


def test_print_joins_equal_children():
    net = Net()
    net.blocks[2].up = Linear(2, 5)
    assert repr(net) == (
        "Net(\n"
        "  (blocks): ModuleList(\n"
        "    (0-1): 2 x Block(\n"
        "      (up): Linear(in_features=2, out_features=3, bias=True)\n"
        "    )\n"
        "    (2): Block(\n"
        "      (up): Linear(in_features=2, out_features=5, bias=True)\n"
        "    )\n"
        "  )\n"
        "  (head): Linear(in_features=3, out_features=2, bias=False)\n"
        ")"
    )


# ---- layers --------------------------------------------------------------------------------------


def test_linear():
    layer = filled(Linear(2, 1), [[2, 3]], [10])
    assert layer(numpy.array([[[1.0, 1.0]]], "float32")).tolist() == [[[15]]]
    assert Linear(2, 1, bias=False).bias is None


@pytest.mark.parametrize("ids", [[[0, 3]], [[-1, 0]]])
def test_embedding_refuses_ids_outside_the_table(ids):
    table = filled(Embedding(3, 2), numpy.ones((3, 2)))
    with pytest.raises(ArgumentError, match=r"input_ids.*outside the vocabulary.*wanted 0 to 2"):
        table(numpy.array(ids))


def test_embedding_refuses_fractions():
    with pytest.raises(ArgumentError, match="ids must be whole numbers"):
        Embedding(3, 2)(numpy.array([[0.0]]))


def test_embedding_of_nothing_is_nothing():
    table = filled(Embedding(3, 2), numpy.ones((3, 2)))
    assert table(numpy.zeros((1, 0), int)).shape == (1, 0, 2)


def test_activations_by_their_names_in_a_config():
    x = numpy.array([-1.0, 2.0], "float32")
    for name, function in (("silu", silu), ("swish", silu), ("relu", relu)):
        numpy.testing.assert_array_equal(ACT2FN[name]()(x), function(x))


def test_norm_prints_its_eps():
    assert repr(RMSNorm(4, 1e-5)) == "RMSNorm((4,), eps=1e-05)"


# ---- parameters without values -------------------------------------------------------------------


def test_unloaded_has_a_shape_and_no_values():
    place = Unloaded(3, 4)
    assert (place.shape, place.size, repr(place)) == ((3, 4), 12, "Unloaded(3, 4)")
    with pytest.raises(TinyHFError, match=r"shape \(3, 4\) has no values.*from_pretrained"):
        place.T  # noqa: B018 - the look-up is what fails
    with pytest.raises(TinyHFError, match="has no values"):
        place[0]
    assert copy.deepcopy(place).shape == (3, 4)
    assert not hasattr(place, "get")


def test_a_model_of_any_size_costs_nothing_before_it_is_loaded():
    place = Unloaded(128256, 8192)
    assert place.size == 128256 * 8192


def test_random_start():
    generator = TorchGenerator(0)
    assert initial_values("bias", (3,), 0.02, generator).tolist() == [0, 0, 0]
    assert initial_values("weight", (3,), 0.02, generator).tolist() == [1, 1, 1]
    table = initial_values("weight", (500, 20), 0.02, generator, padding_idx=7)
    assert not table[7].any()
    assert table.std() == pytest.approx(0.02, rel=0.05)
    assert table.dtype == numpy.float32
