"""Optimizers against torch's and transformers', on given gradients and on a tiny Llama."""

import numpy
import pytest

from tests import tiny_llamas
from tinyhf import training
from tinyhf.autograd import Tensor
from tinyhf.backend import bfloat16, float16

pytestmark = pytest.mark.parity
STEPS, SHAPES = 50, ((6, 5), (5,), (2, 3, 4), ())
RELATIVE = 1e-6  # of the largest number of a parameter

FACTORED = {"lr": 1e-2, "relative_step": False}
CASES = {
    "sgd": ("SGD", {"lr": 0.05}),
    "momentum": ("SGD", {"lr": 0.05, "momentum": 0.9, "weight_decay": 0.1}),
    "nesterov": ("SGD", {"lr": 0.05, "momentum": 0.9, "nesterov": True}),
    "adam": ("Adam", {"lr": 1e-2, "weight_decay": 0.1}),
    "adamw": ("AdamW", {"lr": 1e-2}),
    "adamw_betas": ("AdamW", {"lr": 1e-2, "betas": (0.5, 0.95), "eps": 1e-3, "weight_decay": 0.3}),
    "adafactor": ("Adafactor", FACTORED | {"scale_parameter": False}),
    "adafactor_scaled": ("Adafactor", FACTORED | {"beta1": 0.9, "weight_decay": 0.1}),
    "adafactor_relative": ("Adafactor", {}),
    "adafactor_warmup": ("Adafactor", {"warmup_init": True, "clip_threshold": 0.5}),
}


def classes(name):
    """(torch's or transformers' class, ours)."""
    torch = pytest.importorskip("torch")
    if name == "Adafactor":
        from transformers.optimization import Adafactor

        return Adafactor, training.Adafactor
    return getattr(torch.optim, name), getattr(training, name)


def difference(ours, theirs):
    """The largest difference, relative to the largest number."""
    theirs = theirs.detach().double().numpy()
    return abs(ours.astype("float64") - theirs).max() / max(abs(theirs).max(), 1e-30)


@pytest.mark.parametrize("case", CASES)
def test_fifty_steps_on_the_same_gradients(case):
    """Two groups, one without weight decay; the lr changes; one parameter pauses."""
    torch = pytest.importorskip("torch")
    name, settings = CASES[case]
    their_class, our_class = classes(name)
    draw = numpy.random.default_rng(0).standard_normal
    arrays = [numpy.asarray(draw(shape), "float32") for shape in SHAPES]
    ours = [Tensor(array.copy()) for array in arrays]
    theirs = [torch.nn.Parameter(torch.from_numpy(array.copy())) for array in arrays]

    def build(kind, p):
        return kind([{"params": p[:2]}, {"params": p[2:], "weight_decay": 0.0}], **settings)

    our, their = build(our_class, ours), build(their_class, theirs)
    for step in range(STEPS):
        for number, (p, q) in enumerate(zip(ours, theirs, strict=True)):
            p.grad = q.grad = None
            if number != 1 or step % 3:
                p.grad = numpy.asarray(draw(p.shape) * 10.0 ** (step % 5 - 3), "float32")
                q.grad = torch.from_numpy(p.grad.copy())
        if settings.get("lr") and step == 20:
            for group in (*our.param_groups, *their.param_groups):
                group["lr"] *= 0.3
        our.step()
        their.step()
        assert max(difference(p.array, q) for p, q in zip(ours, theirs, strict=True)) < RELATIVE


#: Measured 7e-7; Adafactor 4e-5: it divides by the root of row · column, so where gradients are
#: next to nothing their rounding counts as much as others' values.
@pytest.mark.parametrize(
    ("case", "tolerance"),
    [("nesterov", 1e-6), ("adamw_betas", 1e-6), ("adam", 1e-6), ("adafactor", 2e-4)],
)
def test_fifty_steps_of_a_llama(case, tolerance):
    """Each goes its own way: forward, backward, clipping, a step."""
    torch = pytest.importorskip("torch")
    name, settings = CASES[case]
    settings = settings | {"lr": settings["lr"] / 10}
    their_class, our_class = classes(name)
    our_model, their_model = same_llamas()
    our = our_class(our_model.named_parameters(), **settings)
    their = their_class(their_model.parameters(), **settings)
    x = tiny_llamas.inputs(3, 9)
    for step in range(STEPS):
        our_loss = our_model(**x, use_cache=False).loss
        their_loss = their_model(**tiny_llamas.as_tensors(x), use_cache=False).loss
        assert float(our_loss) == pytest.approx(their_loss.item(), rel=tolerance), step
        our_loss.backward()
        their_loss.backward()
        our_norm = training.clip_grad_norm_(our_model.parameters(), 1.0)
        their_norm = torch.nn.utils.clip_grad_norm_(their_model.parameters(), 1.0)
        assert our_norm == pytest.approx(their_norm.item(), rel=10 * tolerance), step
        for optimizer in (our, their):
            optimizer.step()
            optimizer.zero_grad()
    worst = max(
        difference(p.array, q)
        for (_, p), q in zip(our_model.named_parameters(), their_model.parameters(), strict=True)
    )
    assert worst < tolerance


def same_llamas():
    """(ours, transformers'), with the same weights, ready to train."""
    ours, theirs = tiny_llamas.our_llama("gqa"), tiny_llamas.their_llama("gqa")
    for name, weight in theirs.state_dict().items():
        ours.set_parameter(name, weight.numpy().copy())
    return ours.requires_grad_().train(), theirs.train()


@pytest.mark.parametrize("dtype", [float16, bfloat16])
def test_half_weights_are_the_rounded_ones_of_float32(dtype):
    """The masters go the way of float32, and the weights are those, rounded."""
    torch = pytest.importorskip("torch")
    start = numpy.random.default_rng(0).standard_normal((4, 5)).astype(dtype)
    half, wide = Tensor(start.copy()), torch.nn.Parameter(torch.tensor(start.astype("float32")))
    our, their = training.AdamW([half], lr=1e-3), torch.optim.AdamW([wide], lr=1e-3)
    for step in range(STEPS):
        half.grad = numpy.random.default_rng(step).standard_normal((4, 5)).astype("float32")
        wide.grad = torch.from_numpy(half.grad.copy())
        our.step()
        their.step()
    assert difference(our.state[half]["master"], wide) < RELATIVE
    rounding = {float16: 2**-11, bfloat16: 2**-8}[dtype]
    assert difference(half.array.astype("float32"), wide) <= rounding * 1.001


def test_the_scaler_finds_the_scale_of_torch():
    torch = pytest.importorskip("torch")
    settings = {"init_scale": 64.0, "growth_interval": 3}
    our, their = training.GradScaler(**settings), torch.amp.GradScaler("cpu", **settings)
    p, q = Tensor(numpy.ones(2, "float32")), torch.nn.Parameter(torch.ones(2))
    ours, theirs = training.SGD([p], lr=0.1), torch.optim.SGD([q], lr=0.1)
    for step in range(12):
        value = float("inf") if step in (4, 5, 9) else 1.0
        for loss, optimizer, scaler in (
            ((p * value).sum(), ours, our),
            ((q * value).sum(), theirs, their),
        ):
            optimizer.zero_grad()
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
        assert our.get_scale() == their.get_scale()
    assert difference(p.array, q) < RELATIVE
