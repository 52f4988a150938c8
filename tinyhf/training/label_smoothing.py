"""Floor 6 · A loss that does not want to be too sure: ``label_smoothing_factor``.

Mirrors LabelSmoother of transformers/trainer_pt_utils.py (Szegedy et al., 2016): a share ε of what
is wanted goes to all classes alike.
"""

from tinyhf.backend import float32
from tinyhf.functional import cross_entropy, log_softmax


def label_smoothed_loss(logits, labels, epsilon, shift_labels=False):
    """(1 - ε) · cross entropy + ε · mean of -log softmax over all classes.

    Args:
        logits: (batch, seq, classes), or (batch, classes).
        labels: (batch, seq), or (batch,); -100 is not counted.
        shift_labels: each token's logits are for the *next* label.
    """
    if shift_labels:
        logits, labels = logits[:, :-1], labels[:, 1:]
    classes = logits.shape[-1]
    logits, labels = logits.reshape((-1, classes)), labels.reshape(-1)
    counted = (labels != -100).astype(float32)
    surprise = (log_softmax(logits) * counted[:, None]).sum() * (-1.0 / float(counted.sum()))
    return cross_entropy(logits, labels) * (1.0 - epsilon) + surprise * (epsilon / classes)
