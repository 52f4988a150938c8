"""A model stored in half types learns like one of float32 whose weights are always rounded."""

import numpy
import pytest

from tests import tiny_llamas
from tinyhf.backend import bfloat16, float16
from tinyhf.training import AdamW, GradScaler


def llama(dtype):
    model = tiny_llamas.our_llama("gqa")
    for name, weight in model.state_dict().items():
        model.set_parameter(name, weight.astype(dtype))
    return model.requires_grad_().train()


@pytest.mark.parametrize("dtype", [float16, bfloat16])
def test_halves_learn_as_rounded_float32(dtype):
    """On the CPU all is computed in float32: what differs is only how weights are stored."""
    x = tiny_llamas.inputs(2, 7)
    half, wide = llama(dtype), llama(dtype)
    ours = AdamW(half.parameters(), lr=1e-3)
    scaler = GradScaler(init_scale=1024.0, enabled=dtype == float16)
    masters = wide.parameters()
    for p in masters:
        p.array = p.array.astype("float32")
    reference = AdamW(masters, lr=1e-3)
    for _ in range(20):
        kept = [p.array for p in masters]
        for p in masters:  # the model sees rounded weights …
            p.array = p.array.astype(dtype).astype("float32")
        wide_loss = wide(**x, use_cache=False).loss
        wide_loss.backward()
        for p, array in zip(masters, kept, strict=True):
            p.array = array  # … and the masters move
        reference.step()
        reference.zero_grad()

        loss = half(**x, use_cache=False).loss
        scaler.scale(loss).backward()
        scaler.step(ours)
        scaler.update()
        ours.zero_grad()
        assert float(loss) == pytest.approx(float(wide_loss), rel=2e-5)
    assert {p.dtype for p in half.parameters()} == {numpy.dtype(dtype)}
