"""Recipe · What the notebooks share: a check for exercises, and a map of attention.

Needs matplotlib: pip install 'tinyhf[notebooks]'
"""

import numpy


def check(exercise, answer, right, tolerance=1e-5):
    """Say whether the answer to an exercise is right; None is not there yet.

    Args:
        exercise: its number.
        answer: an array, a number, a text or a list.
        right: the same, as it should be.
    """
    if answer is None:
        verdict = "not there yet"
    elif is_equal(answer, right, tolerance):
        verdict = "right!"
    else:
        verdict = f"not yet: {describe_difference(answer, right)}"
    print(f"exercise {exercise}: {verdict}")


def is_equal(answer, right, tolerance):
    """Whether numbers are close, or anything else is the same."""
    try:
        a, b = numpy.asarray(answer, float), numpy.asarray(right, float)
    except (TypeError, ValueError):
        return answer == right
    return a.shape == b.shape and numpy.allclose(a, b, atol=tolerance, rtol=tolerance)


def describe_difference(answer, right):
    """In which way an answer is wrong, as far as that does not give the right one away."""
    got, wanted = numpy.shape(answer), numpy.shape(right)
    if got != wanted:
        return f"its shape is {got}, not {wanted}"
    return "the shape is right, the values are not" if got else "look again"


def attention_map(axis, pattern, labels, title=""):
    """Draw who looks at whom: a row looks, a column is looked at, dark is much.

    Args:
        axis: of matplotlib.
        pattern: (seq, total), attention weights.
        labels: total texts, one a token.
    """
    rows, columns = pattern.shape
    axis.imshow(pattern, cmap="Blues", vmin=0, vmax=1, aspect="equal")
    axis.set_xticks(range(columns), labels, rotation=90, fontsize=8)
    axis.set_yticks(range(rows), labels[columns - rows :], fontsize=8)
    axis.set_title(title, fontsize=9)
