"""Each processor on rows small enough to follow, and against transformers on random rows."""

import math

import numpy as np
import pytest

from tinyhf.errors import ArgumentError
from tinyhf.generation import (
    LogitsProcessor,
    LogitsProcessorList,
    MinLengthLogitsProcessor,
    MinNewTokensLengthLogitsProcessor,
    MinPLogitsWarper,
    NoRepeatNGramLogitsProcessor,
    PrefixConstrainedLogitsProcessor,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
    TypicalLogitsWarper,
)

X = -math.inf
IDS = np.array([[0, 1, 0]])


def check(processor, scores, wanted, input_ids=IDS):
    scores = np.array([scores], np.float32)
    before = scores.copy()
    processed = processor(input_ids, scores)
    assert processed.dtype == np.float32
    np.testing.assert_array_equal(scores, before)  # the model's own logits stay as they are
    np.testing.assert_array_equal(processed, np.array([wanted], np.float32))


def log(*probabilities):
    return np.log(np.array(probabilities, np.float32)).tolist()


def test_repetition_penalty_pulls_what_was_said_down_once():
    check(RepetitionPenaltyLogitsProcessor(2.0), [3.0, -3.0, 1.0], [1.5, -6.0, 1.0])


def test_repetition_penalty_ignores_the_padding_of_each_row():
    processor = RepetitionPenaltyLogitsProcessor(2.0, np.array([1, 0]))
    processed = processor(np.array([[2, 0], [2, 0]]), np.ones((2, 3), np.float32))
    assert processed.tolist() == [[0.5, 1.0, 1.0], [0.5, 1.0, 0.5]]
    check(RepetitionPenaltyLogitsProcessor(2.0, 1), [4, 4], [2, 2], np.array([[0, 0, 1]]))


def test_no_repeat_ngram_bans_the_end_of_a_known_run():
    ids = np.array([[5, 1, 2, 5, 1, 3, 5, 1]])
    check(NoRepeatNGramLogitsProcessor(3), [0] * 6, [0, 0, X, X, 0, 0], ids)
    check(NoRepeatNGramLogitsProcessor(1), [0] * 6, [0, X, X, X, 0, X], ids)
    check(NoRepeatNGramLogitsProcessor(9), [0] * 6, [0] * 6, ids)


def test_min_length_holds_back_every_end():
    check(MinLengthLogitsProcessor(4, [1, 2, 99]), [5, 6, 7], [5, X, X])
    check(MinLengthLogitsProcessor(3, 1), [5, 6, 7], [5, 6, 7])


def test_min_new_tokens_does_not_count_the_prompt():
    check(MinNewTokensLengthLogitsProcessor(2, 2, 1), [5, 6, 7], [5, X, 7])
    check(MinNewTokensLengthLogitsProcessor(2, 1, 1), [5, 6, 7], [5, 6, 7])


def test_prefix_constrained_keeps_what_is_allowed():
    seen = []

    def allowed(batch_id, ids):
        seen.append((batch_id, ids.tolist()))
        return [0, 2]

    check(PrefixConstrainedLogitsProcessor(allowed), [5, 6, 7], [5, X, 7])
    assert seen == [(0, [0, 1, 0])]
    check(PrefixConstrainedLogitsProcessor(allowed), [X, 6, X], [0, X, 0])


def test_prefix_constrained_without_any_token():
    processor = PrefixConstrainedLogitsProcessor(lambda batch_id, ids: [])
    with pytest.raises(ArgumentError, match="batch id 0: allows no token"):
        processor(IDS, np.zeros((1, 3), np.float32))


def test_temperature_divides():
    check(TemperatureLogitsWarper(2), [3, -4, X], [1.5, -2, X])


def test_top_k_keeps_ties_with_the_last():
    check(TopKLogitsWarper(2), [1, 3, 2, 2, 0], [X, 3, 2, 2, X])
    check(TopKLogitsWarper(9), [1, 3], [1, 3])
    check(TopKLogitsWarper(1, min_tokens_to_keep=2), [1, 3, 2], [X, 3, 2])


def test_top_p_keeps_the_token_that_crosses_the_line():
    scores = log(0.1, 0.5, 0.25, 0.15)
    check(TopPLogitsWarper(0.6), scores, [X, scores[1], scores[2], X])
    check(TopPLogitsWarper(0.0), scores, [X, scores[1], X, X])
    check(TopPLogitsWarper(0.0, min_tokens_to_keep=2), scores, [X, scores[1], scores[2], X])


def test_min_p_measures_by_the_best():
    scores = log(0.1, 0.5, 0.3, 0.1)
    check(MinPLogitsWarper(0.5), scores, [X, scores[1], scores[2], X])
    check(MinPLogitsWarper(1.0, min_tokens_to_keep=2), scores, [X, scores[1], scores[2], X])


def test_typical_drops_the_too_obvious_and_the_too_rare():
    scores = log(0.6, 0.1, 0.1, 0.1, 0.1)  # entropy 1.23: -log 0.6 = 0.5 is nearer than 2.3
    check(TypicalLogitsWarper(0.5), scores, [scores[0], X, X, X, X])
    scores = log(0.4, 0.2, 0.15, 0.15, 0.1)  # entropy 1.49: -log 0.2 = 1.6 is the nearest
    check(TypicalLogitsWarper(0.1), scores, [X, scores[1], X, X, X])


def test_a_list_applies_one_after_the_other():
    processors = LogitsProcessorList([TemperatureLogitsWarper(2.0), TopKLogitsWarper(1)])
    check(processors, [2, 4], [X, 2])


def test_a_processor_without_call_says_so():
    with pytest.raises(NotImplementedError, match="LogitsProcessor has no __call__"):
        LogitsProcessor()(IDS, None)


@pytest.mark.parity
@pytest.mark.parametrize("vocab_size", [50, 1000, 32000])
@pytest.mark.parametrize(
    ("ours", "name", "arguments"),
    [
        (RepetitionPenaltyLogitsProcessor, "RepetitionPenaltyLogitsProcessor", (1.3,)),
        (NoRepeatNGramLogitsProcessor, "NoRepeatNGramLogitsProcessor", (1,)),
        (NoRepeatNGramLogitsProcessor, "NoRepeatNGramLogitsProcessor", (3,)),
        (MinLengthLogitsProcessor, "MinLengthLogitsProcessor", (99, [1, 2])),
        (MinNewTokensLengthLogitsProcessor, "MinNewTokensLengthLogitsProcessor", (5, 60, 1)),
        (TemperatureLogitsWarper, "TemperatureLogitsWarper", (0.7,)),
        (TopKLogitsWarper, "TopKLogitsWarper", (40,)),
        (TopPLogitsWarper, "TopPLogitsWarper", (0.95,)),
        (TopPLogitsWarper, "TopPLogitsWarper", (0.3,)),
        (MinPLogitsWarper, "MinPLogitsWarper", (0.05,)),
        (TypicalLogitsWarper, "TypicalLogitsWarper", (0.9,)),
        (TypicalLogitsWarper, "TypicalLogitsWarper", (0.2,)),
    ],
)
def test_values_equal_transformers(ours, name, arguments, vocab_size):
    torch = pytest.importorskip("torch")
    theirs = pytest.importorskip("transformers.generation.logits_process")
    numbers = np.random.default_rng(vocab_size)
    for _ in range(8):
        scores = (numbers.normal(size=(4, vocab_size)) * numbers.uniform(0.5, 8)).astype(np.float32)
        scores[:, numbers.integers(0, vocab_size, vocab_size // 3)] = X  # banned before
        ids = numbers.integers(0, min(vocab_size, 60), (4, 40))
        wanted = getattr(theirs, name)(*arguments)(torch.tensor(ids), torch.tensor(scores))
        np.testing.assert_array_equal(ours(*arguments)(ids, scores), wanted.numpy())
