"""The tasks transformers 5 dropped answer as transformers 4.57 did: stored answers."""

import itertools
import json

import pytest

from tests.golden.make_golden_dropped_pipelines import GOLDEN, make_folder
from tinyhf import pipeline

CASES = json.loads(GOLDEN.read_text(encoding="utf-8"))
PIPES = itertools.groupby(CASES, key=lambda case: (case["folder"], case["task"]))


def rounded(answer):
    """Scores become approximate, all else stays."""
    if isinstance(answer, list):
        return [rounded(one) for one in answer]
    return {n: pytest.approx(v, rel=1e-4) if n == "score" else v for n, v in answer.items()}


@pytest.mark.parametrize("cases", [list(cases) for _, cases in PIPES], ids=lambda c: c[0]["task"])
def test_answers(cases, tmp_path):
    folder = make_folder(cases[0]["folder"], tmp_path)
    pipe = pipeline(cases[0]["task"], model=str(folder))
    for case in cases:
        assert pipe(*case["given"], **case["call"]) == rounded(case["answer"]), case["call"]
