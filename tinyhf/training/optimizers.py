"""Floor 6 · SGD, Adam and AdamW: from gradients to the next weights.

Mirrors torch.optim.SGD, Adam and AdamW. The formulas stand first, then the classes that call them
for every parameter.
"""

from tinyhf.backend import array_module
from tinyhf.errors import ArgumentError
from tinyhf.training.optimizer import Optimizer, in_blocks, require_between


def sgd_update(parameter, grad, lr):
    """A step downhill, in place: p ← p - lr · g."""
    parameter -= lr * grad


def adamw_update(parameter, grad, exp_avg, exp_avg_sq, step, lr, betas, eps, weight_decay):
    """One step of AdamW, in place (Kingma & Ba, 2015; Loshchilov & Hutter, 2019).

        m ← β₁ m + (1 - β₁) g              the gradient, averaged over about 1 / (1 - β₁) steps
        v ← β₂ v + (1 - β₂) g²             its square
        p ← p - lr · λ · p                 every weight shrinks a little
        p ← p - lr · m̂ / (√v̂ + ε)          and moves, by about lr, however large its gradients are

    m and v begin with zeros, so after t steps they are too small: m̂ = m / (1 - β₁ᵗ),
    v̂ = v / (1 - β₂ᵗ).

    Args:
        parameter, grad, exp_avg, exp_avg_sq: p, g, m and v; arrays of one shape.
        step: t, 1 at the first step.
    """
    beta1, beta2 = betas
    exp_avg += (1 - beta1) * (grad - exp_avg)
    exp_avg_sq *= beta2
    exp_avg_sq += (1 - beta2) * grad * grad
    root = array_module(parameter).sqrt(exp_avg_sq)
    root /= (1 - beta2**step) ** 0.5
    root += eps
    parameter *= 1 - lr * weight_decay
    parameter -= lr / (1 - beta1**step) * exp_avg / root


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum: a ball that rolls on.

        g ← g + λ p;    b ← μ b + g;    p ← p - lr · b

    Args:
        params: see ``Optimizer``.
        lr: the learning rate.
        momentum: μ; 0 is plain descent.
        weight_decay: λ.
        nesterov: look ahead, p ← p - lr · (g + μ b) (Sutskever et al., 2013).
    """

    def __init__(self, params, lr=1e-3, momentum=0.0, weight_decay=0.0, nesterov=False):
        defaults = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay}
        super().__init__(params, defaults | {"nesterov": nesterov})

    def check(self, group):
        super().check(group)
        require_between(group, "momentum", 0.0)
        if group["nesterov"] and not group["momentum"]:
            raise ArgumentError("nesterov needs it", where="momentum", got=group["momentum"])

    def first_state(self, array, group):
        if not group["momentum"]:
            return {}
        return {"momentum_buffer": array_module(array).zeros_like(array)}

    def update(self, array, grad, state, group):
        lr, momentum, decay = group["lr"], group["momentum"], group["weight_decay"]
        rolling = state.get("momentum_buffer", grad)
        for p, g, buffer in in_blocks(array, grad, rolling):
            g = g + decay * p if decay else g
            if momentum:
                buffer *= momentum
                buffer += g
                g = g + momentum * buffer if group["nesterov"] else buffer
            sgd_update(p, g, lr)


class AdamW(Optimizer):
    """Adam with decoupled weight decay: see ``adamw_update``.

    Args:
        params: see ``Optimizer``.
        lr: the learning rate: about how far a weight moves in a step.
        betas: how slowly the averages of gradient and square change, 0 ≤ β < 1.
        eps: keeps the root away from zero.
        weight_decay: how much a weight shrinks in a step, times lr.
    """

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        defaults = {"lr": lr, "betas": tuple(betas), "eps": eps, "weight_decay": weight_decay}
        super().__init__(params, defaults)

    def check(self, group):
        super().check(group)
        require_between(group, "eps", 0.0)
        for number, beta in enumerate(group["betas"]):
            require_between({f"betas[{number}]": beta}, f"betas[{number}]", 0.0, 1.0)

    def first_state(self, array, group):
        zeros = array_module(array).zeros_like
        return {"exp_avg": zeros(array), "exp_avg_sq": zeros(array)}

    def update(self, array, grad, state, group):
        settings = [group[name] for name in ("lr", "betas", "eps", "weight_decay")]
        for part in in_blocks(array, grad, state["exp_avg"], state["exp_avg_sq"]):
            adamw_update(*part, state["step"], *settings)


class Adam(AdamW):
    """Adam: as AdamW, but weight decay is a part of the gradient, g ← g + λ p."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
        super().__init__(params, lr, betas, eps, weight_decay)

    def update(self, array, grad, state, group):
        if group["weight_decay"]:
            grad = grad + group["weight_decay"] * array
        super().update(array, grad, state, group | {"weight_decay": 0.0})
