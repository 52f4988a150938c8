"""Floor 6 · LossLog: the losses between two lines of the log, which shows their mean."""

from dataclasses import dataclass


@dataclass
class LossLog:
    """Sums of the losses of steps.

    Attributes:
        since_log: the sum since the last line; last_logged_step: the step of that line.
        total: the sum of what was logged before.
        grad_norm, learning_rate: of the last step.
    """

    since_log: float = 0.0
    last_logged_step: int = 0
    total: float = 0.0
    grad_norm: float | None = None
    learning_rate: float | None = None

    def add(self, loss):
        """The loss of one batch, or its share of the step's."""
        self.since_log += loss

    def line(self, step):
        """What is logged at ``step``; the sum begins anew."""
        loss = self.since_log / (step - self.last_logged_step)
        self.total, self.since_log = self.total + self.since_log, 0.0
        self.last_logged_step = step
        return {"loss": loss, "grad_norm": self.grad_norm, "learning_rate": self.learning_rate}

    def mean(self, step):
        """The mean loss of all steps."""
        return (self.total + self.since_log) / max(step, 1)
