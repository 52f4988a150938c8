"""Floor 2 · Losses: how far the scores are from the labels.

Mirrors transformers/loss/loss_utils.py.
"""

from tinyhf.autograd import differentiable
from tinyhf.backend import array_module, float32
from tinyhf.errors import ArgumentError
from tinyhf.functional.softmax import log_softmax, softmax

IGNORE_INDEX = -100


@differentiable
def cross_entropy(logits, labels, ignore_index=IGNORE_INDEX):
    """Mean of -log softmax(logits)[label] over the labels that are not ``ignore_index``.

    Args:
        logits: (rows, classes).
        labels: (rows,), whole numbers.
        ignore_index: the label of rows that do not count.

    Returns:
        A scalar array; NaN when every label is ignored, as in torch.

    Raises:
        ArgumentError: another number of labels than rows, or a label that is no class.
    """
    xp = array_module(logits)
    counted = labels != ignore_index
    classes = xp.where(counted, labels, 0)
    _check_labels(classes, logits)
    picked = log_softmax(logits.astype(float32, copy=False))[xp.arange(len(labels)), classes]
    return -xp.where(counted, picked, 0.0).sum() / counted.sum().astype(float32)


@cross_entropy.wrt("logits")
def cross_entropy_grad_logits(grad, out, logits, labels, ignore_index=IGNORE_INDEX):
    xp = array_module(logits)
    counted = labels != ignore_index
    slope = softmax(logits.astype(float32, copy=False))
    slope[xp.arange(len(labels)), xp.where(counted, labels, 0)] -= 1.0
    slope *= (grad * counted / counted.sum().astype(float32))[:, None]
    return slope


def causal_lm_loss(logits, labels):
    """Cross entropy of each token's logits with the *next* token.

    Args:
        logits: (batch, seq, vocabulary).
        labels: (batch, seq): the input ids themselves; they are shifted here.
    """
    return classification_loss(logits[:, :-1], labels[:, 1:])


def classification_loss(logits, labels):
    """Cross entropy of each row of scores with its label: of a token, or of a text.

    The loss of masked language models, token classifiers, and classifiers with one label a text.

    Args:
        logits: (..., classes).
        labels: (...); -100 is not counted.
    """
    return cross_entropy(logits.reshape(-1, logits.shape[-1]), labels.reshape(-1))


@differentiable
def mean_squared_error(logits, labels):
    """Mean of (logit - label)²: regression, where a "label" is any number.

    Args:
        logits: (batch, numbers).
        labels: (batch, numbers), or (batch,) for one number a text.
    """
    _require_as_many(labels, logits.size)
    difference = logits.astype(float32, copy=False).reshape(-1) - labels.reshape(-1)
    return (difference * difference).mean().astype(float32, copy=False)


@mean_squared_error.wrt("logits")
def mean_squared_error_grad_logits(grad, out, logits, labels):
    difference = logits - labels.reshape(logits.shape)
    return (2.0 / logits.size) * grad * difference


@differentiable
def binary_cross_entropy(logits, labels):
    """Mean of -log p where the label is 1 and -log(1 - p) where it is 0, p = sigmoid(logit).

    The loss where a text may have several labels; both logs in one: log(1 + eˣ) - x · label.

    Args:
        logits, labels: (batch, classes).
    """
    _require_as_many(labels, logits.size)
    x, labels = logits.astype(float32, copy=False), labels.reshape(logits.shape)
    return (array_module(x).logaddexp(x, 0.0) - x * labels).mean().astype(float32, copy=False)


@binary_cross_entropy.wrt("logits")
def binary_cross_entropy_grad_logits(grad, out, logits, labels):
    sigmoid = 0.5 * (1.0 + array_module(logits).tanh(logits * 0.5))
    return (grad / logits.size) * (sigmoid - labels.reshape(logits.shape))


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
