"""`python -m tinyhf.recipes.little_french --examples 5 --seed 0` shows some pairs."""

import argparse
import json

from tinyhf.recipes.little_french.pairs import examples

parser = argparse.ArgumentParser(prog="python -m tinyhf.recipes.little_french")
parser.add_argument("--examples", type=int, default=5, help="how many to show")
parser.add_argument("--seed", type=int, default=0, help="other examples for each seed")
parser.add_argument("--held-out", action="store_true", help="show those kept for the test")
arguments = parser.parse_args()

for example in examples(arguments.examples, arguments.seed, held_out=arguments.held_out):
    print(json.dumps(example, ensure_ascii=False))
