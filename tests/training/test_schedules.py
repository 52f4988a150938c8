"""Schedules: a few points by hand, every step against transformers, going on, wrong input."""

import numpy
import pytest

from tinyhf import training
from tinyhf.autograd import Tensor
from tinyhf.errors import ArgumentError

#: name → (warm-up steps, all steps, further arguments)
CASES = {
    "constant": [(None, None, {})],
    "constant_with_warmup": [(0, None, {}), (7, None, {})],
    "linear": [(0, 20, {}), (7, 20, {}), (30, 20, {}), (0, 0, {})],
    "cosine": [(0, 20, {}), (7, 20, {}), (5, 20, {"num_cycles": 1.25})],
    "cosine_with_restarts": [(0, 20, {}), (5, 20, {"num_cycles": 3})],
    "polynomial": [(0, 20, {}), (5, 20, {"power": 2.0, "lr_end": 1e-3})],
    "inverse_sqrt": [(0, None, {}), (5, None, {}), (5, None, {"timescale": 9})],
    "warmup_stable_decay": [
        (0, 20, {"num_decay_steps": 5}),
        (7, 20, {"num_decay_steps": 6, "num_stable_steps": 4, "warmup_type": "cosine"}),
        (7, 20, {"num_decay_steps": 7, "warmup_type": "1-sqrt", "decay_type": "1-sqrt"}),
        (7, 20, {"num_decay_steps": 9, "decay_type": "linear", "min_lr_ratio": 0.1}),
    ],
}


def optimizer(lr=0.5):
    a, b = Tensor(numpy.ones(1, "float32")), Tensor(numpy.ones(1, "float32"))
    return training.SGD([{"params": [a]}, {"params": [b], "lr": lr / 5}], lr=lr)


def walk(scheduler, steps=27):
    rates = [scheduler.get_last_lr()]
    for _ in range(steps):
        scheduler.step()
        rates.append(scheduler.get_last_lr())
    return rates


def test_linear_goes_up_and_down():
    scheduler = training.get_scheduler("linear", optimizer(1.0), 2, 6)
    assert [rate for rate, _ in walk(scheduler, 7)] == [0, 0.5, 1, 0.75, 0.5, 0.25, 0, 0]


def test_the_lr_is_the_optimizers():
    own = optimizer(1.0)
    training.get_linear_schedule_with_warmup(own, 4, 8).step()
    assert [group["lr"] for group in own.param_groups] == [0.25, 0.05]


@pytest.mark.parametrize("name", CASES)
def test_going_on_from_a_state(name):
    warmup, steps, arguments = CASES[name][-1]
    through = walk(training.get_scheduler(name, optimizer(), warmup, steps, arguments))
    first = training.get_scheduler(name, optimizer(), warmup, steps, arguments)
    walk(first, 9)
    again = training.get_scheduler(name, optimizer(), warmup, steps, arguments)
    again.load_state_dict(first.state_dict())
    assert walk(again, 18) == through[9:]


@pytest.mark.parity
@pytest.mark.parametrize("name", CASES)
def test_every_step_is_transformers(name):
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    for warmup, steps, arguments in CASES[name]:
        own = training.get_scheduler(name, optimizer(), warmup, steps, arguments)
        groups = [{"params": [torch.ones(1)]}, {"params": [torch.ones(1)], "lr": 0.1}]
        theirs = torch.optim.SGD(groups, lr=0.5)
        theirs = transformers.get_scheduler(name, theirs, warmup, steps, arguments)
        assert walk(own) == walk(theirs)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda o: training.get_scheduler("linnear", o, 0, 1), "unknown schedule (wanted linear,"),
        (lambda o: training.get_scheduler("linear", o, 0), "num_training_steps: schedule"),
        (lambda o: training.get_scheduler("cosine", o, None, 5), "num_warmup_steps: schedule"),
        (lambda o: training.get_scheduler("polynomial", o, 0, 5, {"lr_end": 1}), "lr_end"),
        (lambda o: training.get_wsd_schedule(o, 2, 2, 9, decay_type="log"), "decay_type: is no"),
        (lambda o: training.get_scheduler("linear", o, -1, 5), "num_warmup_steps: out of range"),
    ],
)
def test_wrong_input_is_a_sentence(make, words):
    with pytest.raises(ArgumentError) as caught:
        make(optimizer())
    assert words in str(caught.value)


def test_adafactor_that_makes_its_own_lr():
    own = training.Adafactor([Tensor(numpy.ones(1, "float32"))])
    with pytest.raises(ArgumentError, match="a schedule needs an lr"):
        training.get_constant_schedule(own)
