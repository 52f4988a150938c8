"""Floor 2 · Losses: how far the scores are from the labels.

Mirrors transformers/loss/loss_utils.py.
"""

from tinyhf.backend import array_module, float32
from tinyhf.functional.softmax import log_softmax

IGNORE_INDEX = -100


def cross_entropy(logits, labels):
    """Mean of -log softmax(logits)[label] over the labels that are not -100.

    Args:
        logits: (rows, classes).
        labels: (rows,), whole numbers.

    Returns:
        A scalar array; NaN when every label is ignored, as in torch.
    """
    xp = array_module(logits)
    counted = labels != IGNORE_INDEX
    rows = xp.arange(len(labels))
    picked = log_softmax(logits.astype(float32, copy=False))[rows, xp.where(counted, labels, 0)]
    return -xp.where(counted, picked, 0.0).sum() / counted.sum().astype(float32)


def causal_lm_loss(logits, labels):
    """Cross entropy of each token's logits with the *next* token.

    Args:
        logits: (batch, seq, vocabulary).
        labels: (batch, seq): the input ids themselves; they are shifted here.
    """
    return cross_entropy(logits[:, :-1].reshape(-1, logits.shape[-1]), labels[:, 1:].reshape(-1))
