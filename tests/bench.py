"""How fast tinyhf is, side by side with transformers (eager attention, float32, the same threads).

    pip install -e '.[test,parity]'
    python -m tests.bench                      # 15M and 1.1B, CPU
    python -m tests.bench --shapes 15M --rounds 9
    python -m tests.bench --device cuda        # where there is a GPU
    python -m tests.bench --beams 4            # also beam search on a GPT-2 of 124M

Both run in one process and take turns, so that a busy machine slows both; each figure is the median
of the rounds after a warm-up, and what counts is the ratio. Peak memory is measured in a process of
its own for each library.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy
from rich.console import Console
from rich.table import Table

SHAPES = {
    "15M": {
        "hidden_size": 288,
        "intermediate_size": 768,
        "num_hidden_layers": 6,
        "num_attention_heads": 6,
        "num_key_value_heads": 6,
        "tie_word_embeddings": True,
    },
    "1.1B": {
        "hidden_size": 2048,
        "intermediate_size": 5632,
        "num_hidden_layers": 22,
        "num_attention_heads": 32,
        "num_key_value_heads": 4,
    },
}
PROMPT, NEW = 128, {"15M": 64, "1.1B": 8}
BEAM_PROMPT, BEAM_NEW = 16, 32
PEAK = """
{load}
(line,) = [line for line in open("/proc/self/status") if line.startswith("VmHWM")]
print(int(line.split()[1]) * 1024)
"""
LOAD = {
    "tinyhf": "import tinyhf; m = tinyhf.AutoModelForCausalLM.from_pretrained({0!r})",
    "transformers": "import torch, transformers; m = transformers.AutoModelForCausalLM"
    ".from_pretrained({0!r}, dtype=torch.float32)",
}
IMPORT = {"tinyhf": "import tinyhf", "transformers": "import torch, transformers.models.llama"}


def make_checkpoint(folder, shape):
    """A random Llama of this shape, stored as bfloat16 by tinyhf itself."""
    from tinyhf import LlamaConfig, LlamaForCausalLM
    from tinyhf.backend import bfloat16
    from tinyhf.models.initialization import init_weights

    model = LlamaForCausalLM(LlamaConfig(vocab_size=32000, **SHAPES[shape]))
    init_weights(model, list(model.state_dict()), 0, bfloat16)
    model.save_pretrained(folder)
    return model.num_parameters()


def make_gpt2(folder):
    """A random GPT-2 of 124M, float32."""
    from tinyhf import GPT2Config, GPT2LMHeadModel

    GPT2LMHeadModel(GPT2Config()).init_weights(seed=0).save_pretrained(folder)


def seconds(function, *args):
    """(time taken, result)."""
    start = time.perf_counter()
    result = function(*args)
    return time.perf_counter() - start, result


class Tinyhf:
    """The four things measured, by tinyhf."""

    def __init__(self, folder, device):
        self.folder, self.device = folder, device

    def load(self):
        from tinyhf import AutoModelForCausalLM

        self.model = AutoModelForCausalLM.from_pretrained(self.folder, device_map=self.device)

    def prefill(self, ids):
        from tinyhf.backend import to_device

        ids = to_device(numpy.array(ids), self.device)
        return self.finish(self.model(ids, logits_to_keep=1, use_cache=True))

    def decode(self, output, steps):
        for _ in range(steps):
            newest = output.logits[:, -1:].argmax(-1)
            output = self.finish(self.model(newest, past_key_values=output.past_key_values))

    def search(self, ids, num_beams):
        settings = {"num_beams": num_beams, "max_new_tokens": BEAM_NEW, "pad_token_id": 0}
        return self.model.generate(self.as_ids(ids), **settings, eos_token_id=None)

    def as_ids(self, ids):
        return numpy.array(ids)

    def finish(self, output):
        """A GPU works on by itself; reading a number waits for it."""
        float(output.logits[0, -1, 0])
        return output


class Transformers(Tinyhf):
    """The same by transformers."""

    def load(self):
        import torch
        from transformers import AutoModelForCausalLM

        torch.set_grad_enabled(False)
        options = {"dtype": torch.float32, "attn_implementation": "eager"}
        self.model = AutoModelForCausalLM.from_pretrained(self.folder, **options).to(self.device)

    def prefill(self, ids):
        ids = self.as_ids(ids)
        return self.finish(self.model(ids, logits_to_keep=1, use_cache=True))

    def as_ids(self, ids):
        import torch

        return torch.tensor(ids, device=self.device)


def measure_beams(num_beams, folder, device, rounds):
    """Median seconds of a beam search: (tinyhf's, transformers'); both find the same text."""
    engines = Tinyhf(folder, device), Transformers(folder, device)
    ids = numpy.random.RandomState(0).randint(0, 50000, (1, BEAM_PROMPT)).tolist()
    times = [], []
    for engine in engines:
        engine.load()
    for _ in range(rounds + 1):
        runs = [seconds(engine.search, ids, num_beams) for engine in engines]
        assert runs[0][1].tolist() == runs[1][1].tolist()
        for values, (duration, _) in zip(times, runs, strict=True):
            values.append(duration)
    return [statistics.median(values[1:]) for values in times]


def measure(shape, folder, device, rounds):
    """Median seconds of load, prefill and decode: {what: (tinyhf's, transformers')}."""
    engines = Tinyhf(folder, device), Transformers(folder, device)
    ids = numpy.random.RandomState(0).randint(0, 32000, (1, PROMPT)).tolist()
    times = {what: ([], []) for what in ("load", "prefill", "decode")}
    for turn in range(rounds + 1):
        for mine, engine in enumerate(engines):
            if turn < 6:
                engine.model = None
                times["load"][mine].append(seconds(engine.load)[0])
            prefill, output = seconds(engine.prefill, ids)
            decode, _ = seconds(engine.decode, output, NEW[shape])
            times["prefill"][mine].append(prefill)
            times["decode"][mine].append(decode)
    return {
        what: [statistics.median(values[1:]) for values in both] for what, both in times.items()
    }


def peak_memory(library, folder):
    """Bytes that loading adds to a process, at its highest."""

    def run(statement):
        command = [sys.executable, "-c", PEAK.format(load=statement)]
        return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    return run(LOAD[library].format(str(folder))) - run(IMPORT[library])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shapes", nargs="*", default=list(SHAPES), choices=SHAPES)
    parser.add_argument("--beams", type=int, help="also a beam search with so many beams")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--json", help="also write the figures to this file")
    options = parser.parse_args()
    import torch

    torch.set_num_threads(options.threads)
    table = Table("shape", "what", "tinyhf", "transformers", "ratio", title=f"on {options.device}")
    figures = {}
    for shape in options.shapes:
        with tempfile.TemporaryDirectory() as folder:
            count = make_checkpoint(folder, shape)
            medians = measure(shape, folder, options.device, options.rounds)
            peaks = [peak_memory(library, Path(folder)) for library in LOAD]
        rows = {
            "prefill, tokens/s": [PROMPT / value for value in medians["prefill"]],
            "decode, tokens/s": [NEW[shape] / value for value in medians["decode"]],
            "loads/s": [1 / value for value in medians["load"]],
            "peak of a load / weights": [peak / (count * 4) for peak in peaks],
        }
        for what, (ours, theirs) in rows.items():
            table.add_row(shape, what, f"{ours:.3g}", f"{theirs:.3g}", f"{ours / theirs:.2f}")
        figures[shape] = rows
    if options.beams:
        with tempfile.TemporaryDirectory() as folder:
            make_gpt2(folder)
            medians = measure_beams(options.beams, folder, options.device, options.rounds)
        what = f"{options.beams} beams, tokens/s"
        ours, theirs = (BEAM_NEW / value for value in medians)
        table.add_row("GPT-2 124M", what, f"{ours:.3g}", f"{theirs:.3g}", f"{ours / theirs:.2f}")
        figures["GPT-2 124M"] = {what: [ours, theirs]}
    Console().print(table)
    if options.json:
        Path(options.json).write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
