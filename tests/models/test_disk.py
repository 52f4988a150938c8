"""Weights that stay on disk, proved by a limit: python -m pytest -m slow tests/models/test_disk.py

The limit is RLIMIT_DATA: it counts all memory of the process's own, but not files that are mapped.
That the mapped pages are let go as well is seen in VmHWM, the most that was ever resident.
"""

import json
import subprocess
import sys

import numpy
import pytest

from tests.tiny_llamas import OWN_TOLERANCE, assert_close
from tinyhf import LlamaConfig, LlamaForCausalLM
from tinyhf.backend import bfloat16

pytestmark = pytest.mark.slow

SIZES = {
    "vocab_size": 8000,
    "hidden_size": 1024,
    "intermediate_size": 2816,
    "num_hidden_layers": 12,
    "num_attention_heads": 16,
    "max_position_embeddings": 64,
    "eos_token_id": None,
}
MEGABYTES = 10**6
LIMIT = 200 * MEGABYTES

CHILD = """
import json, resource, sys
folder, limit, options = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
import numpy
from tinyhf import LlamaForCausalLM
from tinyhf.errors import NotEnoughMemoryError
if limit:
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    try:
        numpy.ones(limit // 8)
    except MemoryError:
        pass
    else:
        raise SystemExit("the limit does not hold")
model = LlamaForCausalLM.from_pretrained(folder, **options)
ids = numpy.arange(1, 13)[None]
numpy.save(f"{folder}/logits.npy", model(ids).logits)
print(json.dumps({
    "ids": model.generate(ids, max_new_tokens=4, do_sample=False).tolist(),
    "devices": model.hf_device_map,
    "peak": next(int(s.split()[1]) for s in open("/proc/self/status") if "VmHWM" in s) * 1024,
}))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """340 MB of bfloat16."""
    folder, rng = tmp_path_factory.mktemp("large"), numpy.random.default_rng(0)
    model = LlamaForCausalLM(LlamaConfig(**SIZES))
    for name, place in model.state_dict().items():
        values = rng.standard_normal(place.shape, "float32") * numpy.float32(0.02)
        model.set_parameter(name, (values + ("norm" in name)).astype(bfloat16))
    model.save_pretrained(folder, max_shard_size="150MB")
    return folder


def run(folder, limit=0, **options):
    """What the child prints, and its logits; or what it ends with."""
    command = [sys.executable, "-c", CHILD, str(folder), str(limit), json.dumps(options)]
    child = subprocess.run(command, capture_output=True, text=True, check=False)
    if child.returncode:
        raise MemoryError(child.stderr.splitlines()[-1])
    return {**json.loads(child.stdout), "logits": numpy.load(folder / "logits.npy")}


@pytest.fixture(scope="module")
def ordinary(folder):
    return run(folder, dtype="bfloat16")


def test_in_memory_the_weights_do_not_fit(folder, ordinary):
    nbytes = sum(shard.stat().st_size for shard in folder.glob("*.safetensors"))
    assert nbytes > 1.5 * LIMIT
    assert ordinary["peak"] > nbytes
    with pytest.raises(MemoryError, match=r"NotEnoughMemoryError.*are free on 'cpu'"):
        run(folder, LIMIT, dtype="bfloat16")


@pytest.mark.parametrize(
    "options",
    [{"device_map": "disk"}, {"device_map": "auto", "max_memory": {"cpu": "40MB"}}],
    ids=["disk", "auto"],
)
def test_on_disk_the_same_logits(folder, ordinary, options):
    ours = run(folder, LIMIT, dtype="bfloat16", **options)
    assert_close(ours["logits"], ordinary["logits"], OWN_TOLERANCE)
    assert ours["ids"] == ordinary["ids"]
    assert "disk" in ours["devices"].values()
    assert ours["peak"] < LIMIT
    print(options, ours["peak"] / MEGABYTES, "MB, ordinary", ordinary["peak"] / MEGABYTES)
