"""Floor 6 · The curve of a run: its loss, step by step, out of ``log_history``."""

from tinyhf.errors import ArgumentError, MissingExtraError


def curves(log_history):
    """Name of a loss → (its steps, its values)."""
    found = {}
    for name in ("loss", "eval_loss"):
        logs = [logs for logs in log_history if name in logs]
        if logs:
            found[name] = [entry["step"] for entry in logs], [entry[name] for entry in logs]
    return found


def plot_loss(log_history, ax=None):
    """Draw the training loss, and the evaluation loss if there is one.

    Args:
        log_history: of a ``TrainerState``.
        ax: axes of matplotlib to draw into; None makes a figure.

    Returns:
        The axes.

    Raises:
        ArgumentError: nothing was logged yet.
        MissingExtraError: matplotlib is not installed.
    """
    found = curves(log_history)
    if not found:
        fix = "Train first, with logging_steps= smaller than the number of steps"
        raise ArgumentError("no loss was logged", where="plot_loss()", fix=fix)
    if ax is None:
        try:
            from matplotlib import pyplot
        except ImportError as error:
            fix = "pip install matplotlib"
            raise MissingExtraError("a plot needs matplotlib", fix=fix) from error
        ax = pyplot.figure(figsize=(7, 4)).gca()
    for name, (steps, values) in found.items():
        ax.plot(steps, values, label=name.replace("_", " "), marker="." if len(steps) < 40 else "")
    ax.set(xlabel="step", ylabel="loss")
    ax.grid(alpha=0.3)
    ax.legend()
    return ax
