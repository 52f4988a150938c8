"""Floor 6 · What ``generate(return_dict_in_generate=True)`` returns.

Mirrors the output classes of transformers/generation/utils.py.
"""

from dataclasses import dataclass
from typing import Any

from tinyhf.nn import ModelOutput


@dataclass(repr=False, eq=False)
class GenerateDecoderOnlyOutput(ModelOutput):
    """What ``generate(return_dict_in_generate=True)`` returns; what nobody asked for is None.

    Args:
        sequences: int64 (rows, tokens), prompt included.
        scores: a step each, (rows, vocabulary): what the choice was made from.
        logits: a step each, (rows, vocabulary): what the model said.
        attentions, hidden_states: a step each, those of every layer.
        past_key_values: the cache.
        steps: ``GenerationSteps``: how each token was chosen, with ``record_steps``.
    """

    sequences: Any = None
    scores: Any = None
    logits: Any = None
    attentions: Any = None
    hidden_states: Any = None
    past_key_values: Any = None
    steps: Any = None


@dataclass(repr=False, eq=False)
class GenerateBeamDecoderOnlyOutput(ModelOutput):
    """The same after beam search.

    Args:
        sequences: int64 (batch * num_return_sequences, tokens), the best of each prompt first.
        sequences_scores: float32 (batch * num_return_sequences,), with ``output_scores``: the sum
            of the tokens' log-probabilities / number of tokens ** length_penalty.
        scores: a step each, (batch * num_beams, vocabulary): log-probabilities of one token.
        beam_indices: int64 (batch * num_return_sequences, new tokens): the row of ``scores`` that
            each token was chosen from; -1 after the end.
        logits, attentions, hidden_states: a step each, of batch * num_beams rows.
        past_key_values: the cache.
    """

    sequences: Any = None
    sequences_scores: Any = None
    scores: Any = None
    logits: Any = None
    beam_indices: Any = None
    attentions: Any = None
    hidden_states: Any = None
    past_key_values: Any = None


@dataclass(repr=False, eq=False)
class GenerateEncoderDecoderOutput(ModelOutput):
    """The same of an encoder–decoder, for each half.

    Args:
        sequences: int64 (rows, tokens): what the decoder read and wrote.
        scores, logits: as above.
        encoder_attentions, encoder_hidden_states: those of every layer; the encoder runs once.
        decoder_attentions, cross_attentions, decoder_hidden_states: a step each, of every layer.
        past_key_values, steps: as above.
    """

    sequences: Any = None
    scores: Any = None
    logits: Any = None
    encoder_attentions: Any = None
    encoder_hidden_states: Any = None
    decoder_attentions: Any = None
    cross_attentions: Any = None
    decoder_hidden_states: Any = None
    past_key_values: Any = None
    steps: Any = None


@dataclass(repr=False, eq=False)
class GenerateBeamEncoderDecoderOutput(ModelOutput):
    """The same of an encoder–decoder; the encoder's fields have a row for each prompt."""

    sequences: Any = None
    sequences_scores: Any = None
    scores: Any = None
    logits: Any = None
    beam_indices: Any = None
    encoder_attentions: Any = None
    encoder_hidden_states: Any = None
    decoder_attentions: Any = None
    cross_attentions: Any = None
    decoder_hidden_states: Any = None
    past_key_values: Any = None
