"""`python -m tinyhf.recipes.little_tasks sentiment --examples 5 --seed 0` shows some examples."""

import argparse
import json
from importlib import import_module

TASKS = ["gaps", "sentiment", "tags", "questions"]

parser = argparse.ArgumentParser(prog="python -m tinyhf.recipes.little_tasks")
parser.add_argument("task", choices=TASKS, help="what the examples are for")
parser.add_argument("--examples", type=int, default=5, help="how many to show")
parser.add_argument("--seed", type=int, default=0, help="other examples for each seed")
parser.add_argument("--held-out", action="store_true", help="show those kept for the test")
arguments = parser.parse_args()

task = import_module(f"tinyhf.recipes.little_tasks.{arguments.task}")
for example in task.examples(arguments.examples, arguments.seed, held_out=arguments.held_out):
    print(json.dumps(example, ensure_ascii=False))
