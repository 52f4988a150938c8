"""`python -m tinyhf.recipes.little_tales --stories 5 --seed 0` shows some stories."""

import argparse

from tinyhf.recipes.little_tales.stories import corpus

parser = argparse.ArgumentParser(prog="python -m tinyhf.recipes.little_tales")
parser.add_argument("--stories", type=int, default=5, help="how many stories to tell")
parser.add_argument("--seed", type=int, default=0, help="the seed of the first story")
arguments = parser.parse_args()

for told in corpus(arguments.stories, arguments.seed):
    print(told, end="\n\n* * *\n\n")
