"""Floor 6 · After ``generate``: how probable each of its tokens was.

Mirrors ``compute_transition_scores`` of transformers/generation/utils.py.
"""

import numpy as np

from tinyhf.errors import ArgumentError
from tinyhf.functional import log_softmax


def compute_transition_scores(model, sequences, scores, beam_indices=None, normalize_logits=False):
    """The score of every token that ``generate(return_dict_in_generate=True)`` wrote.

    Args:
        sequences: its ``sequences``, int64 (rows, tokens).
        scores: its ``scores``, with output_scores=True; or its ``logits``.
        beam_indices: its ``beam_indices``, after beam search.
        normalize_logits: make them log-probabilities first; after beam search they are.

    Returns:
        float32 (rows, new tokens); 0 after the end of a beam's text. The sum of a row /
        its number of tokens ** length_penalty is the beam's ``sequences_scores``.

    Raises:
        ArgumentError: no scores were kept, or beam_indices are missing.
    """
    if not scores:
        fix = "Call generate(return_dict_in_generate=True, output_scores=True)."
        raise ArgumentError("are missing", where="scores", fix=fix)
    scores = np.stack(scores)  # (steps, rows of the loop, vocabulary)
    if normalize_logits:
        scores = log_softmax(scores)
    if beam_indices is None:
        check_rows_of_scores(sequences, scores)
        beam_indices = np.arange(len(sequences))[:, None].repeat(len(scores), axis=1)
    steps = (beam_indices >= 0).sum(axis=1).max()  # of the longest text
    beam_indices, tokens = beam_indices[:, :steps], sequences[:, sequences.shape[1] - steps :]
    transition_scores = scores[np.arange(steps), beam_indices, tokens]
    return np.where(beam_indices < 0, np.float32(0), transition_scores)


def check_rows_of_scores(sequences, scores):
    """Raise ArgumentError unless row and row belong together, as they do without beams."""
    if scores.shape[1] != len(sequences):
        fix = "After beam search pass the beam_indices of the output too."
        got = f"{scores.shape[1]} for {len(sequences)} sequences"
        raise ArgumentError("has other rows", where="scores", got=got, fix=fix)
