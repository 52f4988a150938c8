"""What bans, forces and cuts off beyond the common settings: on small rows, and as transformers."""

import math

import numpy as np
import pytest

from tinyhf import generation
from tinyhf.configuration.generation import GLOBAL_DEFAULTS, GenerationConfig
from tinyhf.errors import ArgumentError
from tinyhf.generation import (
    EncoderNoRepeatNGramLogitsProcessor,
    EncoderRepetitionPenaltyLogitsProcessor,
    EpsilonLogitsWarper,
    EtaLogitsWarper,
    ExponentialDecayLengthPenalty,
    ForcedBOSTokenLogitsProcessor,
    ForcedEOSTokenLogitsProcessor,
    InfNanRemoveLogitsProcessor,
    LogitNormalization,
    NoBadWordsLogitsProcessor,
    SequenceBiasLogitsProcessor,
    SuppressTokensAtBeginLogitsProcessor,
    SuppressTokensLogitsProcessor,
    TopHLogitsWarper,
)
from tinyhf.generation.assembly import get_logits_processor

X = -math.inf
LARGEST = np.finfo(np.float32).max
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


@pytest.mark.parametrize("form", [dict, lambda pairs: [[list(ids), bias] for ids, bias in pairs]])
def test_sequence_bias_waits_for_the_last_token(form):
    bias = form([((2,), 1.0), ((1, 0, 1), -2.0), ((1, 1), 9.0), ((0, 1, 0, 1, 0), 9.0)])
    check(SequenceBiasLogitsProcessor(bias), [5, 6, 7], [5, 4, 8])


def test_sequence_bias_outside_the_vocabulary():
    processor = SequenceBiasLogitsProcessor([[[1, 3], 1.0]])
    with pytest.raises(ArgumentError, match=r"sequence_bias: is outside.*wanted 0 to 2, got 3"):
        processor(IDS, np.zeros((1, 3), np.float32))


def test_bad_words_are_banned_but_not_the_end():
    check(NoBadWordsLogitsProcessor([[2], [0, 1], [1, 1]], [2]), [5, 6, 7], [5, X, 7])
    check(NoBadWordsLogitsProcessor([[2], [0, 1]], 0), [5, 6, 7], [5, X, X])


def test_encoder_repetition_penalty_pulls_up_what_was_read():
    processor = EncoderRepetitionPenaltyLogitsProcessor(2.0, np.array([[0, 1, 0]]))
    check(processor, [3, -3, 1], [6, -1.5, 1], np.array([[2]]))
    rows = EncoderRepetitionPenaltyLogitsProcessor(2.0, np.array([[0], [1]]))
    scores = rows(np.zeros((4, 1), int), np.ones((4, 2), np.float32))
    assert scores.tolist() == [[2, 1], [2, 1], [1, 2], [1, 2]]


def test_encoder_no_repeat_ngram_bans_runs_of_what_was_read():
    processor = EncoderNoRepeatNGramLogitsProcessor(3, np.array([[5, 1, 2, 4]]))
    check(processor, [0] * 6, [0, 0, X, 0, 0, 0], np.array([[3, 5, 1]]))
    check(processor, [0] * 6, [0] * 6, np.array([[5]]))


def test_forced_tokens_come_second_and_last():
    check(ForcedBOSTokenLogitsProcessor(2), [5, 6, 7], [X, X, 0], np.array([[1]]))
    check(ForcedBOSTokenLogitsProcessor(2), [5, 6, 7], [5, 6, 7])
    check(ForcedEOSTokenLogitsProcessor(4, [0, 1]), [5, 6, 7], [0, 0, X])
    check(ForcedEOSTokenLogitsProcessor(5, 1), [5, 6, 7], [5, 6, 7])
    with pytest.raises(ArgumentError, match=r"forced_eos_token_id: is outside the vocabulary"):
        ForcedEOSTokenLogitsProcessor(4, 3)(IDS, np.zeros((1, 3), np.float32))


def test_invalid_values_are_removed():
    check(InfNanRemoveLogitsProcessor(), [math.nan, math.inf, X, 2], [0, LARGEST, -LARGEST, 2])


def test_the_end_grows_exponentially_after_the_start():
    scores = [-4, 6, X]
    check(ExponentialDecayLengthPenalty((1, 2.0), [0, 2], 1), scores, [0, 6, X])  # n = 1
    check(ExponentialDecayLengthPenalty((0, 2.0), [0, 2], 1), scores, [8, 6, X])  # n = 2
    check(ExponentialDecayLengthPenalty((2, 2.0), [0, 2], 1), scores, scores)


def test_suppressed_tokens():
    check(SuppressTokensLogitsProcessor([0, 99]), [5, 6, 7], [X, 6, 7])
    check(SuppressTokensLogitsProcessor([]), [5, 6, 7], [5, 6, 7])
    check(SuppressTokensAtBeginLogitsProcessor([0, 2], 3), [5, 6, 7], [X, 6, X])
    check(SuppressTokensAtBeginLogitsProcessor([0, 2], 2), [5, 6, 7], [5, 6, 7])


def test_top_h_keeps_a_share_of_the_entropy():
    scores = log(0.25, 0.25, 0.25, 0.25)  # each has a quarter of the entropy
    check(TopHLogitsWarper(0.6), scores, [scores[0], scores[1], X, X])
    scores = log(0.1, 0.6, 0.3)  # entropy 0.898 = 0.230 + 0.306 + 0.361
    check(TopHLogitsWarper(0.1), scores, [X, scores[1], X])
    check(TopHLogitsWarper(0.8), [*scores, X], [X, scores[1], scores[2], X])


def test_epsilon_keeps_the_best_in_any_case():
    scores = log(0.1, 0.5, 0.4)
    check(EpsilonLogitsWarper(0.2), scores, [X, scores[1], scores[2]])
    check(EpsilonLogitsWarper(0.9), scores, [X, scores[1], X])
    check(EpsilonLogitsWarper(0.9, min_tokens_to_keep=2), scores, [X, scores[1], scores[2]])


def test_eta_is_lower_where_the_entropy_is_high():
    flat = log(0.1, 0.3, 0.3, 0.3)  # entropy 1.31: √0.3 · exp(-1.31) = 0.147
    check(EtaLogitsWarper(0.3), flat, [X, *flat[1:]])
    sure = log(0.05, 0.95)  # entropy 0.2: 0.04 is less than √0.04 · exp(-0.2) = 0.16
    check(EtaLogitsWarper(0.04), sure, sure)


def test_normalization_makes_log_probabilities():
    scores = LogitNormalization()(IDS, np.array([[1.0, 1.0, X]], np.float32))
    np.testing.assert_allclose(scores, [[-math.log(2), -math.log(2), X]], rtol=1e-6)


# ---- in generate ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({"sequence_bias": {(1, 2): -9.0}}, [0, 1, 0, 1, 0]),
        ({"bad_words_ids": [[2]]}, [0, 1, 0, 1, 0]),
        ({"suppress_tokens": [3]}, [0, 1, 2, 0, 1]),
        ({"begin_suppress_tokens": [1]}, [0, 0, 1, 2, 3]),
        ({"begin_suppress_tokens": [6], "forced_bos_token_id": 5}, [0, 5, 0, 1, 2]),
        ({"forced_bos_token_id": 5}, [0, 5, 6, 7, 8]),
        ({"forced_eos_token_id": 0}, [0, 1, 2, 3, 0]),
        ({"encoder_no_repeat_ngram_size": 1}, [0, 1, 2, 3, 4]),
    ],
    ids=str,
)
def test_greedy_counting_is_diverted(counting_model, settings, wanted):
    model = counting_model()
    assert model.generate([[0]], max_new_tokens=4, **settings).tolist() == [wanted]


def test_processors_stand_in_the_order_of_transformers():
    config = GenerationConfig(**{**GLOBAL_DEFAULTS, **ALL})
    processors = get_logits_processor(config, IDS, None, lambda *_: [0], [])
    names = [type(processor).__name__ for processor in processors]
    assert names == ORDER.split()


ALL = {
    "sequence_bias": [[[1], 1.0]],
    "encoder_repetition_penalty": 1.2,
    "min_length": 2,
    "repetition_penalty": 1.2,
    "no_repeat_ngram_size": 2,
    "encoder_no_repeat_ngram_size": 2,
    "bad_words_ids": [[3]],
    "forced_bos_token_id": 0,
    "forced_eos_token_id": 0,
    "remove_invalid_values": True,
    "exponential_decay_length_penalty": (1, 1.1),
    "suppress_tokens": [1],
    "begin_suppress_tokens": [2],
    "eos_token_id": [0],
    "max_length": 9,
    "do_sample": True,
    "temperature": 0.5,
    "top_h": 0.5,
    "top_k": 5,
    "top_p": 0.9,
    "min_p": 0.1,
    "typical_p": 0.9,
    "epsilon_cutoff": 0.1,
    "eta_cutoff": 0.1,
    "renormalize_logits": True,
}
ORDER = """
SequenceBiasLogitsProcessor EncoderRepetitionPenaltyLogitsProcessor RepetitionPenaltyLogitsProcessor
NoRepeatNGramLogitsProcessor EncoderNoRepeatNGramLogitsProcessor NoBadWordsLogitsProcessor
MinLengthLogitsProcessor PrefixConstrainedLogitsProcessor ForcedBOSTokenLogitsProcessor
ForcedEOSTokenLogitsProcessor InfNanRemoveLogitsProcessor ExponentialDecayLengthPenalty
SuppressTokensLogitsProcessor SuppressTokensAtBeginLogitsProcessor TemperatureLogitsWarper
TopHLogitsWarper TopKLogitsWarper TopPLogitsWarper MinPLogitsWarper TypicalLogitsWarper
EpsilonLogitsWarper EtaLogitsWarper LogitNormalization
"""


def test_a_decay_without_end_token(counting_model):
    with pytest.raises(ArgumentError, match=r"eos_token_id: is missing.*exponential_decay"):
        counting_model().generate([[0]], exponential_decay_length_penalty=(1, 1.1))


# ---- against transformers ------------------------------------------------------------------------

WORDS = [[3], [4, 5], [6, 7, 8], [1], [9, 3]]
BIAS = [[word, 1.5 - position] for position, word in enumerate(WORDS)]
FILTER_VALUE = -math.inf  # an argument that ours have not
ENCODER_IDS = np.random.default_rng(5).integers(0, 12, (2, 30))


@pytest.mark.parity
@pytest.mark.parametrize("vocab_size", [50, 1000])
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("SequenceBiasLogitsProcessor", (BIAS,)),
        ("NoBadWordsLogitsProcessor", (WORDS, [1])),
        ("EncoderRepetitionPenaltyLogitsProcessor", (1.7, ENCODER_IDS)),
        ("EncoderNoRepeatNGramLogitsProcessor", (2, ENCODER_IDS)),
        ("EncoderNoRepeatNGramLogitsProcessor", (1, ENCODER_IDS)),
        ("ForcedBOSTokenLogitsProcessor", (3,)),
        ("ForcedEOSTokenLogitsProcessor", (41, [3, 4])),
        ("InfNanRemoveLogitsProcessor", ()),
        ("ExponentialDecayLengthPenalty", ((7, 1.05), [1, 2], 20)),
        ("SuppressTokensLogitsProcessor", ([3, 7],)),
        ("SuppressTokensAtBeginLogitsProcessor", ([3, 7], 40)),
        ("TopHLogitsWarper", (0.3,)),
        ("TopHLogitsWarper", (0.7,)),
        ("EpsilonLogitsWarper", (0.01,)),
        ("EpsilonLogitsWarper", (0.5, FILTER_VALUE, 3)),
        ("EtaLogitsWarper", (0.01,)),
        ("EtaLogitsWarper", (0.3,)),
        ("LogitNormalization", ()),
    ],
)
def test_values_equal_transformers(name, arguments, vocab_size):
    torch = pytest.importorskip("torch")
    theirs = pytest.importorskip("transformers.generation.logits_process")
    as_torch = [torch.tensor(a) if isinstance(a, np.ndarray) else a for a in arguments]
    their_processor = getattr(theirs, name)(*as_torch)
    processor = getattr(generation, name)(*[a for a in arguments if a is not FILTER_VALUE])
    numbers = np.random.default_rng(vocab_size)
    for length in [1, 40, 40, 40, 40]:
        scores = (numbers.normal(size=(4, vocab_size)) * numbers.uniform(0.5, 8)).astype(np.float32)
        scores[:, numbers.integers(0, vocab_size, vocab_size // 3)] = X  # banned before
        ids = numbers.integers(0, 12, (4, length))
        wanted = their_processor(torch.tensor(ids), torch.tensor(scores)).numpy()
        rounding = 1e-5 if name == "LogitNormalization" else 0
        np.testing.assert_allclose(processor(ids, scores), wanted, rtol=0, atol=rounding)
