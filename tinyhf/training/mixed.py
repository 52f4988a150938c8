"""Floor 6 · Weights in half types: float32 master weights, and a loss made larger.

Mirrors torch.amp.GradScaler, and the float32 copies of "mixed precision training" (Micikevicius et
al., 2018). Two things go wrong when a model is trained as float16 or bfloat16 numbers:

    a step is too small:   1 + 0.0001 = 1 in bfloat16      → the optimizer keeps a float32 master
                                                             and writes it, rounded, to the model
    a gradient is:         0.00000001 = 0 in float16       → the loss is multiplied by 65536 before
                                                             backward, the gradients divided after

On the CPU tinyhf computes in float32 whatever the weights are stored in, so gradients are float32
there: nothing vanishes, and the scale changes nothing. The masters matter on both.
"""

from tinyhf.backend import device_of, float32, is_half
from tinyhf.training.clipping import is_finite


def compute_array(parameter, state):
    """The array an optimizer changes: the parameter's own, or its float32 master.

    Weights that were mapped from a file are read-only, they become arrays of our own.
    """
    array = parameter.array
    if is_half(array):
        if "master" not in state:
            state["master"] = array.astype(float32)
        return state["master"]
    if device_of(array) == "cpu" and not (array.flags.c_contiguous and array.flags.writeable):
        parameter.array = array.copy()
    return parameter.array


def write_back(parameter, wide):
    """Round a master into the parameter."""
    if wide is not parameter.array:
        parameter.array = wide.astype(parameter.dtype)


class GradScaler:
    """Multiplies the loss, so that float16 gradients on a GPU do not vanish; finds its own scale.

        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)              # only if gradients are clipped, for instance
        scaler.step(optimizer)
        scaler.update()

    A step whose gradients are not finite is left out, and the scale is halved; after 2000 good ones
    in a row it is doubled.

    Args:
        init_scale: the first factor on the loss.
        growth_factor, backoff_factor: on the scale, after good steps and after a bad one.
        growth_interval: how many good steps.
        enabled: False lets everything through as it is.
    """

    def __init__(
        self,
        init_scale=2.0**16,
        growth_factor=2.0,
        backoff_factor=0.5,
        growth_interval=2000,
        enabled=True,
    ):
        self.growth_factor, self.backoff_factor = growth_factor, backoff_factor
        self.growth_interval, self.enabled = growth_interval, enabled
        self._scale, self._growth_tracker = init_scale, 0
        self.found_inf, self.is_unscaled = False, False

    def get_scale(self):
        """The factor on the loss."""
        return self._scale if self.enabled else 1.0

    def scale(self, loss):
        """The loss to call ``backward`` of."""
        return loss * self._scale if self.enabled else loss

    def unscale_(self, optimizer):
        """Divide the gradients by the scale, once a step; ``step`` does it if you do not."""
        if not self.enabled or self.is_unscaled:
            return
        self.is_unscaled = True
        for _, parameter in optimizer.named_parameters():
            if parameter.grad is not None:
                wide = float32 if is_half(parameter.grad) else parameter.grad.dtype
                parameter.grad = parameter.grad.astype(wide, copy=False) * (1.0 / self._scale)
                self.found_inf = self.found_inf or not is_finite(parameter.grad)

    def step(self, optimizer):
        """``optimizer.step()``, unless a gradient is NaN or infinite.

        Returns:
            Whether the step was made.
        """
        self.unscale_(optimizer)
        if not self.found_inf:
            optimizer.step()
        return not self.found_inf

    def update(self):
        """The scale of the next step."""
        if self.found_inf:
            self._scale, self._growth_tracker = self._scale * self.backoff_factor, 0
        elif self.enabled:
            self._growth_tracker += 1
            if self._growth_tracker == self.growth_interval:
                self._scale, self._growth_tracker = self._scale * self.growth_factor, 0
        self.found_inf, self.is_unscaled = False, False

    def state_dict(self):
        """What ``load_state_dict`` needs: plain numbers, under torch's names."""
        return {"scale": self._scale, "_growth_tracker": self._growth_tracker}

    def load_state_dict(self, state_dict):
        """Go on where ``state_dict()`` was taken."""
        self._scale = state_dict["scale"]
        self._growth_tracker = state_dict["_growth_tracker"]
