"""How fast tinyhf learns, side by side with transformers (eager attention, float32, same threads).

    pip install -e '.[test,parity]'
    python -m tests.bench_training
    python -m tests.bench_training --shapes 1.4M --rounds 9 --threads 1

A step is forward, backward and AdamW on 8 texts of 128 tokens. Both run in one process and take
turns, so that a busy machine slows both; each figure is the median of the rounds after a warm-up.
Peak memory is measured in a process of its own for each, without what its import takes.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time

import numpy
from rich.console import Console
from rich.table import Table

SHAPES = {
    "15M": {
        "vocab_size": 32000,
        "hidden_size": 288,
        "intermediate_size": 768,
        "num_hidden_layers": 6,
        "num_attention_heads": 6,
    },
    "1.4M": {  # that of the bundled little-tales
        "vocab_size": 1536,
        "hidden_size": 128,
        "intermediate_size": 352,
        "num_hidden_layers": 6,
        "num_attention_heads": 8,
        "num_key_value_heads": 4,
    },
}
BATCH, SEQ, LR, STEPS_FOR_PEAK = 8, 128, 1e-4, 3


class Tinyhf:
    """A model that learns, by tinyhf."""

    def __init__(self, shape, is_checkpointed=False):
        from tinyhf import LlamaConfig, LlamaForCausalLM
        from tinyhf.training import AdamW

        model = LlamaForCausalLM(LlamaConfig(**SHAPES[shape], tie_word_embeddings=True))
        self.model = model.init_weights(seed=0).requires_grad_().train()
        self.optimizer = AdamW(self.model.parameters(), lr=LR)
        if is_checkpointed:
            self.model.gradient_checkpointing_enable()

    def step(self, ids):
        loss = self.model(input_ids=ids, labels=ids, use_cache=False).loss
        loss.backward()
        self.optimizer.step()
        self.optimizer.zero_grad()
        return loss.item()


class Transformers(Tinyhf):
    """The same by transformers and torch."""

    def __init__(self, shape, is_checkpointed=False):
        import torch
        from transformers import LlamaConfig, LlamaForCausalLM

        fields = SHAPES[shape] | {"tie_word_embeddings": True, "attn_implementation": "eager"}
        self.model = LlamaForCausalLM(LlamaConfig(**fields)).train()
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=LR)
        if is_checkpointed:
            self.model.gradient_checkpointing_enable()

    def step(self, ids):
        import torch

        return super().step(torch.as_tensor(ids))


LIBRARIES = {"tinyhf": Tinyhf, "transformers": Transformers}
IMPORTS = {
    "tinyhf": "import tinyhf.training",
    "transformers": "import torch, transformers.models.llama",
}
PEAK = """
{imports}
{work}
(line,) = [line for line in open("/proc/self/status") if line.startswith("VmHWM")]
print(int(line.split()[1]) * 1024)
"""


def texts(shape):
    """Ids (batch, seq)."""
    return numpy.random.RandomState(1).randint(0, SHAPES[shape]["vocab_size"], (BATCH, SEQ))


def measure(shape, rounds, is_checkpointed):
    """Median seconds of a step: [(tinyhf's, transformers') by the clock, the same of CPU time]."""
    engines, ids = [make(shape, is_checkpointed) for make in LIBRARIES.values()], texts(shape)
    clocks = {time.perf_counter: ([], []), time.process_time: ([], [])}
    for _ in range(rounds + 1):
        for number, engine in enumerate(engines):
            starts = [clock() for clock in clocks]
            engine.step(ids)
            for clock, start in zip(clocks, starts, strict=True):
                clocks[clock][number].append(clock() - start)
    return [[statistics.median(v[1:]) for v in both] for both in clocks.values()]


def work(library, shape, is_checkpointed):
    """What the process does whose memory is measured."""
    engine = LIBRARIES[library](shape, is_checkpointed)
    for _ in range(STEPS_FOR_PEAK):
        engine.step(texts(shape))


def peak_memory(library, shape, is_checkpointed, threads):
    """Bytes that model, optimizer and steps add to a process, at its highest."""

    def run(statement):
        code = PEAK.format(imports=IMPORTS[library], work=statement)
        environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
        command = [sys.executable, "-c", code]
        result = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=environment)
        return int(result.stdout)

    call = f"from tests.bench_training import work; work({library!r}, {shape!r}, {is_checkpointed})"
    return run(call) - run("")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shapes", nargs="*", default=list(SHAPES), choices=SHAPES)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    options = parser.parse_args()
    import torch

    torch.set_num_threads(options.threads)
    table = Table("shape", "what", "tinyhf", "transformers", "ratio")
    for shape in options.shapes:
        for is_checkpointed in (False, True):
            wall, cpu = measure(shape, options.rounds, is_checkpointed)
            peaks = [
                peak_memory(library, shape, is_checkpointed, options.threads) / 2**20
                for library in LIBRARIES
            ]
            rows = {
                "steps/s": [1 / value for value in wall],
                "steps per CPU second": [1 / value for value in cpu],
                "peak memory, MiB": peaks,
            }
            name = f"{shape}, checkpointed" if is_checkpointed else shape
            for what, (ours, theirs) in rows.items():
                table.add_row(name, what, f"{ours:.3g}", f"{theirs:.3g}", f"{ours / theirs:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
