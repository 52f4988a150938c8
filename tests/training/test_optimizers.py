"""Optimizers, clipping and files, without torch."""

import math

import numpy
import pytest

from tests import tiny_llamas
from tinyhf.autograd import Tensor
from tinyhf.backend import bfloat16, float16, to_device
from tinyhf.errors import ArgumentError, CheckpointError, NumericsError
from tinyhf.training import (
    SGD,
    Adafactor,
    Adam,
    AdamW,
    GradScaler,
    clip_grad_norm_,
    load_optimizer,
    save_optimizer,
)

KINDS = {
    "sgd": lambda p: SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    "adam": lambda p: Adam(p, lr=0.1, weight_decay=0.1),
    "adamw": lambda p: AdamW(p, lr=0.1),
    "adafactor": lambda p: Adafactor(p, lr=0.1, relative_step=False, beta1=0.9),
}


def parameters(*shapes, dtype="float32", seed=0):
    draw = numpy.random.default_rng(seed).standard_normal
    return [Tensor(draw(shape).astype(dtype)) for shape in shapes]


def give_gradients(tensors, seed):
    draw = numpy.random.default_rng(seed).standard_normal
    for tensor in tensors:
        tensor.grad = draw(tensor.shape).astype("float32")


def run(optimizer, tensors, seeds):
    for seed in seeds:
        give_gradients(tensors, seed)
        optimizer.step()


def test_the_first_step_of_adam_is_as_long_as_lr():
    (p,) = parameters((3,))
    before, p.grad = p.array.copy(), numpy.array([1e-3, -5.0, 200.0], "float32")
    AdamW([p], lr=0.01, weight_decay=0.0).step()
    numpy.testing.assert_allclose(p.array - before, [-0.01, 0.01, -0.01], rtol=2e-5)


def test_adamw_by_hand():
    """The formula of the paper, with Python's numbers."""
    (p,) = parameters((1,))
    w, m, v = p.array.item(), 0.0, 0.0
    optimizer = AdamW([p], lr=0.1, betas=(0.8, 0.9), eps=0.01, weight_decay=0.5)
    for t, g in enumerate([0.3, -2.0, 0.7], start=1):
        p.grad = numpy.array([g], "float32")
        optimizer.step()
        m, v = 0.8 * m + 0.2 * g, 0.9 * v + 0.1 * g**2
        w -= 0.1 * 0.5 * w
        w -= 0.1 * (m / (1 - 0.8**t)) / (math.sqrt(v / (1 - 0.9**t)) + 0.01)
        assert p.array.item() == pytest.approx(w, rel=1e-5)


@pytest.mark.parametrize("nesterov", [False, True])
def test_sgd_by_hand(nesterov):
    (p,) = parameters((1,))
    w, b = p.array.item(), 0.0
    optimizer = SGD([p], lr=0.1, momentum=0.8, weight_decay=0.5, nesterov=nesterov)
    for g in [0.3, -2.0, 0.7]:
        p.grad = numpy.array([g], "float32")
        optimizer.step()
        g += 0.5 * w
        b = 0.8 * b + g
        w -= 0.1 * (g + 0.8 * b if nesterov else b)
        assert p.array.item() == pytest.approx(w, rel=1e-5)


def test_decay_of_adam_goes_through_the_gradient():
    p, q = (Tensor(numpy.full(1, 2.0, "float32")) for _ in range(2))
    p.grad, q.grad = numpy.full(1, 0.5, "float32"), numpy.full(1, 0.5 + 0.1 * 2.0, "float32")
    Adam([p], lr=0.1, eps=1.0, weight_decay=0.1).step()
    Adam([q], lr=0.1, eps=1.0).step()
    assert p.array == q.array


def test_adafactor_rebuilds_squares_that_are_row_times_column():
    """Then its first step is as long as lr everywhere."""
    (p,) = parameters((2, 3, 4))
    before = p.array.copy()
    grad = numpy.outer([1.0, -20.0, 300.0], [0.1, 2.0, -5.0, 7.0])
    p.grad = numpy.stack((grad, 50.0 * grad)).astype("float32")  # each matrix for itself
    optimizer = Adafactor([p], lr=0.01, relative_step=False, scale_parameter=False)
    optimizer.step()
    numpy.testing.assert_allclose(before - p.array, 0.01 * numpy.sign(p.grad), rtol=1e-4)
    assert {k: getattr(v, "shape", ()) for k, v in optimizer.state[p].items()} == {
        "step": (),
        "exp_avg_sq_row": (2, 3),
        "exp_avg_sq_col": (2, 4),
        "RMS": (),
    }


@pytest.mark.parametrize("kind", KINDS)
def test_a_bowl_is_rolled_down(kind):
    (p,) = parameters((2, 3))
    optimizer = KINDS[kind]([p])
    start = float((p * p).sum())
    for _ in range(60):
        loss = (p * p).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert float(loss) < 0.1 * start


@pytest.mark.parametrize("kind", KINDS)
def test_arrays_are_changed_in_place_and_gradients_are_left(kind):
    tensors = parameters((5, 7), (7,))
    arrays, optimizer = [p.array for p in tensors], KINDS[kind](tensors)
    give_gradients(tensors, 1)
    grads = [p.grad.copy() for p in tensors]
    optimizer.step()
    assert all(p.array is array for p, array in zip(tensors, arrays, strict=True))
    assert all((p.grad == grad).all() for p, grad in zip(tensors, grads, strict=True))


def test_weights_mapped_from_a_file_become_our_own():
    array = numpy.ones((2, 2), "float32")
    array.flags.writeable = False
    p = Tensor(array)
    run(AdamW([p]), [p], [0])
    assert (array == 1).all() and (p.array != 1).all()


@pytest.mark.parametrize("dtype", ["float32", float16])
@pytest.mark.parametrize("kind", KINDS)
def test_another_device_gives_the_same(kind, dtype, strict_library):
    """Nothing goes over the host but norms and steps."""
    results = []
    for device in ("cpu", "strict"):
        tensors = parameters((4, 3), (3,), dtype=dtype)
        for p in tensors:
            p.array = to_device(p.array, device)
        optimizer, scaler = KINDS[kind](tensors), GradScaler(init_scale=1.0)
        for seed in range(3):
            give_gradients(tensors, seed)
            for p in tensors:
                p.grad = to_device(p.grad, device)
            scaler.unscale_(optimizer)
            clip_grad_norm_(tensors, 1.0)
            assert scaler.step(optimizer)
            scaler.update()
        results.append([p.get() for p in tensors])
    for on_cpu, on_strict in zip(*results, strict=True):
        assert (on_cpu == on_strict).all()


def test_blocks_do_not_show():
    """More numbers than a block; the same as each number on its own."""
    (large,) = parameters((70_001,))
    small = [Tensor(large.array[70_000:].copy()), Tensor(large.array[:3].copy())]
    large.grad = numpy.cos(numpy.arange(70_001, dtype="float32"))
    small[0].grad, small[1].grad = large.grad[70_000:], large.grad[:3]
    AdamW([large]).step()
    AdamW(small).step()
    assert large.array[70_000] == small[0].array[0]
    assert (large.array[:3] == small[1].array).all()


@pytest.mark.parametrize("kind", KINDS)
def test_saved_and_loaded_goes_on_bit_for_bit(kind, tmp_path):
    through, stopped = parameters((4, 3), (3,)), parameters((4, 3), (3,))
    optimizer = KINDS[kind](through)
    run(optimizer, through, range(3))

    first = KINDS[kind](stopped)
    run(first, stopped, range(3))
    first.param_groups[0]["lr"] = optimizer.param_groups[0]["lr"] = 0.02
    save_optimizer(first, tmp_path)
    again = KINDS[kind](stopped)
    load_optimizer(again, tmp_path)
    run(again, stopped, range(3, 6))
    run(optimizer, through, range(3, 6))
    for p, q in zip(through, stopped, strict=True):
        assert (p.array == q.array).all()
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "optimizer.json",
        "optimizer.safetensors",
    ]


def test_state_dict_has_the_form_of_torch():
    first, second = parameters((2,), (3,))
    groups = [{"params": [first], "weight_decay": 0.0}, {"params": [("b", second)], "lr": 0.5}]
    optimizer = AdamW(groups, lr=0.1, weight_decay=0.2)
    run(optimizer, [second], [0])
    state_dict = optimizer.state_dict()
    assert list(state_dict["state"]) == [1]
    assert set(state_dict["state"][1]) == {"step", "exp_avg", "exp_avg_sq"}
    assert [g["params"] for g in state_dict["param_groups"]] == [[0], [1]]
    assert [g["lr"] for g in state_dict["param_groups"]] == [0.1, 0.5]
    assert [g["weight_decay"] for g in state_dict["param_groups"]] == [0.0, 0.2]


def test_asking_for_gradients_twice_keeps_the_parameters():
    """Otherwise an optimizer would go on to move Tensors that no model holds."""
    model = tiny_llamas.our_llama("tied").requires_grad_()
    before = model.parameters()
    model.requires_grad_()
    assert all(p is q for p, q in zip(before, model.parameters(), strict=True))


def test_frozen_arrays_are_left_out():
    (p,) = parameters((2,))
    optimizer = SGD([numpy.ones(3), p], lr=1.0)
    assert optimizer.param_groups[0]["params"] == [p]


# ---- half types --------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [float16, bfloat16])
def test_masters_remember_what_halves_forget(dtype):
    half = Tensor(numpy.ones(3, dtype))
    wide = Tensor(numpy.ones(3, "float32"))
    optimizers = [SGD([half], lr=1e-4), SGD([wide], lr=1e-4)]
    for _ in range(50):  # 1 - 0.0001 is 1 in both half types
        half.grad = wide.grad = numpy.ones(3, "float32")
        for optimizer in optimizers:
            optimizer.step()
    assert half.dtype == dtype and (half.array != 1).all()
    assert (half.array == wide.array.astype(dtype)).all()
    assert (optimizers[0].state[half]["master"] == wide.array).all()


def test_loading_a_half_keeps_its_master(tmp_path):
    p = Tensor(numpy.ones(3, bfloat16))
    p.grad, first = numpy.ones(3, "float32"), SGD([p], lr=1e-4)
    first.step()
    save_optimizer(first, tmp_path)
    load_optimizer(again := SGD([p], lr=1e-4), tmp_path)
    assert again.state[p]["master"][0] == numpy.float32(1) - numpy.float32(1e-4)


def test_the_scaler_leaves_out_bad_steps_and_finds_its_scale():
    p = Tensor(numpy.ones(2, "float32"))
    optimizer, scaler = SGD([p], lr=0.5), GradScaler(init_scale=8.0, growth_interval=2)
    p.grad = numpy.array([numpy.inf, 1.0], "float32")
    assert not scaler.step(optimizer)
    scaler.update()
    assert (p.array == 1).all() and scaler.get_scale() == 4.0
    for _ in range(2):
        optimizer.zero_grad()
        scaler.scale((p * 1.0).sum()).backward()
        scaler.unscale_(optimizer)
        assert (p.grad == 1.0).all()
        assert scaler.step(optimizer)  # does not divide a second time
        scaler.update()
    assert (p.array == 0).all() and scaler.get_scale() == 8.0
    other = GradScaler()
    other.load_state_dict(scaler.state_dict())
    assert other.get_scale() == 8.0


def test_a_scaler_that_is_off_changes_nothing():
    (p,) = parameters((2,))
    scaler, loss = GradScaler(enabled=False), p.sum()
    assert scaler.scale(loss) is loss and scaler.get_scale() == 1.0
    loss.backward()
    assert scaler.step(SGD([p]))


# ---- clipping ------------------------------------------------------------------------------------


def test_clipping_keeps_the_direction():
    tensors = parameters((2, 3), (3,), (1,))
    give_gradients(tensors[:2], 3)
    before = [p.grad.copy() for p in tensors[:2]]
    norm = clip_grad_norm_(tensors, 0.5)
    assert norm == pytest.approx(math.sqrt(sum((g**2).sum() for g in before)))
    for p, g in zip(tensors, before, strict=False):
        numpy.testing.assert_allclose(p.grad, g * 0.5 / norm, rtol=1e-5)
    assert clip_grad_norm_(tensors, 9.0) == pytest.approx(0.5, rel=1e-5)
    assert clip_grad_norm_([], 1.0) == 0.0


def test_a_gradient_that_two_share_is_shrunk_once():
    a, b = parameters((2,), (2,))
    (a + b).sum().backward()
    assert clip_grad_norm_([a, b], 1.0) == 2.0
    assert clip_grad_norm_([a, b], 1.0) == pytest.approx(1.0, rel=1e-5)


# ---- bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda p: AdamW(p, lr=-1.0), "lr: out of range (wanted 0.0 or more, got -1.0)"),
        (lambda p: AdamW(p, lr=math.nan), "lr: out of range"),
        (lambda p: AdamW(p, betas=(0.9, 1.0)), "betas[1]: out of range (wanted 0.0 to below 1.0"),
        (lambda p: Adam(p, eps=-1e-8), "eps: out of range"),
        (lambda p: SGD(p, weight_decay=-1), "weight_decay: out of range"),
        (lambda p: SGD(p, nesterov=True), "momentum: nesterov needs it"),
        (lambda p: SGD([]), "params: nothing to train"),
        (lambda p: SGD([numpy.ones(2)]), "Call model.requires_grad_() first."),
        (lambda p: SGD(p[0]), "takes a list of parameters"),
        (lambda p: SGD(["weight"]), "parameter 0: a parameter must be a Tensor"),
        (lambda p: SGD(p + p), "params: a parameter comes twice"),
        (lambda p: SGD([{"params": p, "rate": 1}]), "unknown setting"),
        (lambda p: SGD([{"lr": 1}]), 'a group has no "params"'),
        (lambda p: Adafactor(p, lr=0.1), "lr and relative_step exclude each other"),
        (lambda p: Adafactor(p, lr=0.1, relative_step=False, warmup_init=True), "warmup_init"),
        (lambda p: clip_grad_norm_(p, 0), "max_norm: out of range"),
    ],
)
def test_wrong_settings_are_sentences(make, words):
    with pytest.raises(ArgumentError) as caught:
        make(parameters((2,)))
    assert words in str(caught.value)


@pytest.mark.parametrize(("bad", "kind"), [(math.nan, "NaN"), (math.inf, "infinite")])
def test_a_bad_gradient_is_named_and_nothing_moves(bad, kind):
    first, second = parameters((2,), (2,))
    give_gradients([first, second], 0)
    second.grad[1], before = bad, first.array.copy()
    with pytest.raises(NumericsError, match=f"layers.3.weight: the gradient is {kind}"):
        SGD([("layers.0.weight", first), ("layers.3.weight", second)], lr=1.0).step()
    assert (first.array == before).all()


@pytest.mark.filterwarnings("ignore:overflow")
def test_large_gradients_are_no_error():
    (p,) = parameters((2,))
    p.grad = numpy.full(2, 1e30, "float32")  # their squares are infinite
    SGD([p], lr=1e-30).step()
    assert numpy.isfinite(p.array).all()


def test_the_state_of_another_model():
    a, b = parameters((2,), (3,))
    optimizer = AdamW([a])
    run(optimizer, [a], [0])
    with pytest.raises(ArgumentError, match=r"other parameters .* \(wanted \[2\], got \[1\]\)"):
        AdamW([a, b]).load_state_dict(optimizer.state_dict())
    with pytest.raises(ArgumentError, match=r"parameter 0, exp_avg: the state has another shape"):
        AdamW([b]).load_state_dict(optimizer.state_dict())


def test_damaged_files(tmp_path):
    (p,) = parameters((2,))
    optimizer = AdamW([p])
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_optimizer(optimizer, tmp_path)
    run(optimizer, [p], [0])
    save_optimizer(optimizer, tmp_path)
    file = tmp_path / "optimizer.safetensors"
    file.write_bytes(file.read_bytes()[:-4])
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_optimizer(optimizer, tmp_path)
