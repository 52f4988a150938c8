"""Floor 2 · Losses: how far the scores are from the labels.

Mirrors transformers/loss/loss_utils.py.
"""

from tinyhf.autograd import differentiable
from tinyhf.backend import array_module, float32
from tinyhf.errors import ArgumentError
from tinyhf.functional.softmax import log_softmax, softmax

IGNORE_INDEX = -100


@differentiable
def cross_entropy(logits, labels, ignore_index=IGNORE_INDEX, num_items_in_batch=None):
    """Mean of -log softmax(logits)[label] over the labels that are not ``ignore_index``.

    Args:
        logits: (rows, classes).
        labels: (rows,), whole numbers.
        ignore_index: the label of rows that do not count.
        num_items_in_batch: what the sum is divided by, where these rows are only a part of the
            batch for one step of the optimizer; None counts the rows.

    Returns:
        A scalar array; NaN when every label is ignored, as in torch.

    Raises:
        ArgumentError: another number of labels than rows, or a label that is no class.
    """
    xp = array_module(logits)
    counted = labels != ignore_index
    classes = xp.where(counted, labels, 0)
    _check_labels(classes, logits)
    shifted = _wide(logits)  # log_softmax follows, but of the labels only:
    shifted = shifted - shifted.max(axis=-1, keepdims=True)  # here are most numbers of a model
    picked = shifted[xp.arange(len(labels)), classes]
    picked -= xp.log(xp.exp(shifted, out=shifted).sum(axis=-1))
    return -xp.where(counted, picked, 0.0).sum() / _items(counted, num_items_in_batch, picked)


@cross_entropy.wrt("logits")
def cross_entropy_grad_logits(
    grad, out, logits, labels, ignore_index=IGNORE_INDEX, num_items_in_batch=None
):
    xp = array_module(logits)
    counted = labels != ignore_index
    slope = softmax(_wide(logits))
    slope[xp.arange(len(labels)), xp.where(counted, labels, 0)] -= 1.0
    slope *= (grad * counted / _items(counted, num_items_in_batch, slope))[:, None]
    return slope.astype(logits.dtype, copy=False)


def _wide(x):
    """In float32, or wider if it is."""
    return x.astype(max(float32, x.dtype), copy=False)


def _items(counted, num_items_in_batch, like):
    """What a sum over rows is divided by, in the type of ``like``: the quotient stays as it is."""
    if num_items_in_batch is not None:
        return float(num_items_in_batch)
    return counted.sum().astype(like.dtype)


def causal_lm_loss(logits, labels, num_items_in_batch=None):
    """Cross entropy of each token's logits with the *next* token.

    Args:
        logits: (batch, seq, vocabulary).
        labels: (batch, seq): the input ids themselves; they are shifted here.
        num_items_in_batch: as for ``cross_entropy``.
    """
    xp = array_module(labels)
    nothing = xp.full_like(labels[:, :1], IGNORE_INDEX)  # what follows the last token is unknown
    labels = xp.concatenate((labels[:, 1:], nothing), axis=1)
    return classification_loss(logits, labels, num_items_in_batch)


def classification_loss(logits, labels, num_items_in_batch=None):
    """Cross entropy of each row of scores with its label: of a token, or of a text.

    The loss of masked language models, token classifiers, and classifiers with one label a text.

    Args:
        logits: (..., classes).
        labels: (...); -100 is not counted.
        num_items_in_batch: as for ``cross_entropy``.
    """
    rows, labels = logits.reshape(-1, logits.shape[-1]), labels.reshape(-1)
    return cross_entropy(rows, labels, num_items_in_batch=num_items_in_batch)


def smoothed_cross_entropy(logits, labels, epsilon=0.1, num_items_in_batch=None):
    """Cross entropy with labels that are not quite sure: ε of each is spread over all classes.

    Mirrors LabelSmoother of transformers/trainer_pt_utils.py (Szegedy et al., 2015).

    Args:
        logits: (..., classes).
        labels: (...); -100 is not counted.
        epsilon: from 0 to 1.
        num_items_in_batch: as for ``cross_entropy``.
    """
    rows, labels = logits.reshape(-1, logits.shape[-1]), labels.reshape(-1)
    xp = array_module(labels)
    counted = labels != IGNORE_INDEX
    classes = xp.where(counted, labels, 0)
    _check_labels(classes, rows)
    log_probs = log_softmax(_wide(rows))
    of_label, of_all = log_probs[xp.arange(len(labels)), classes], log_probs.mean(axis=-1)
    surprise = of_label * (epsilon - 1.0) - of_all * epsilon
    return (surprise * counted).sum() / _items(counted, num_items_in_batch, surprise)


@differentiable
def mean_squared_error(logits, labels):
    """Mean of (logit - label)²: regression, where a "label" is any number.

    Args:
        logits: (batch, numbers).
        labels: (batch, numbers), or (batch,) for one number a text.
    """
    _require_as_many(labels, logits.size)
    wide = _wide(logits)
    difference = wide.reshape(-1) - labels.reshape(-1)
    return (difference * difference).mean().astype(wide.dtype, copy=False)


@mean_squared_error.wrt("logits")
def mean_squared_error_grad_logits(grad, out, logits, labels):
    difference = logits - labels.reshape(logits.shape)
    return ((2.0 / logits.size) * grad * difference).astype(logits.dtype, copy=False)


@differentiable
def binary_cross_entropy(logits, labels):
    """Mean of -log p where the label is 1 and -log(1 - p) where it is 0, p = sigmoid(logit).

    The loss where a text may have several labels; both logs in one: log(1 + eˣ) - x · label.

    Args:
        logits, labels: (batch, classes).
    """
    _require_as_many(labels, logits.size)
    x, labels = _wide(logits), labels.reshape(logits.shape)
    return (array_module(x).logaddexp(x, 0.0) - x * labels).mean().astype(x.dtype, copy=False)


@binary_cross_entropy.wrt("logits")
def binary_cross_entropy_grad_logits(grad, out, logits, labels):
    sigmoid = 0.5 * (1.0 + array_module(logits).tanh(logits * 0.5))
    slope = (grad / logits.size) * (sigmoid - labels.reshape(logits.shape))
    return slope.astype(logits.dtype, copy=False)


#: ``problem_type`` of a config → the loss of a sequence classifier.
PROBLEM_LOSSES = {
    "regression": mean_squared_error,
    "single_label_classification": classification_loss,
    "multi_label_classification": binary_cross_entropy,
}


def question_answering_loss(start_logits, end_logits, start_positions, end_positions):
    """Mean of the cross entropies of where the answer starts and where it ends.

    Args:
        start_logits, end_logits: (batch, seq).
        start_positions, end_positions: (batch,); beyond the text (it was cut) they do not count.
    """
    seq = start_logits.shape[1]
    start_loss = cross_entropy(start_logits, start_positions.reshape(-1).clip(0, seq), seq)
    end_loss = cross_entropy(end_logits, end_positions.reshape(-1).clip(0, seq), seq)
    return (start_loss + end_loss) * 0.5


def _check_labels(classes, logits):
    """NumPy counts negative labels from the end, CuPy wraps large ones: both would be silent."""
    _require_as_many(classes, len(logits))
    if classes.dtype.kind not in "iu":
        raise ArgumentError("labels must be whole numbers", where="labels", got=classes.dtype)
    if classes.size and not 0 <= int(classes.min()) <= int(classes.max()) < logits.shape[1]:
        raise ArgumentError(
            "a label is none of the classes",
            where="labels",
            wanted=f"0 to {logits.shape[1] - 1}",
            got=[int(classes.min()), int(classes.max())],
            fix="num_labels of the config says how many classes there are",
        )


def _require_as_many(labels, wanted):
    if labels.size != wanted:
        raise ArgumentError(
            "there must be one label for each score that counts",
            where="labels",
            wanted=f"{wanted} numbers",
            got=tuple(labels.shape),
        )
