"""Floor 6 · From the words in TrainingArguments to an optimizer.

Mirrors create_optimizer and get_optimizer_cls_and_kwargs of transformers/trainer.py.
"""

import ast
import re

from tinyhf.autograd import Tensor
from tinyhf.errors import ArgumentError
from tinyhf.training.adafactor import Adafactor
from tinyhf.training.optimizers import SGD, AdamW

#: Parameters that are not pulled towards zero: their numbers are no weights of sums.
WITHOUT_DECAY = re.compile(r"bias|layernorm|rmsnorm|(?:^|\.)norm(?:$|\.)|_norm(?:$|\.)")
ADAMW_NAMES = (
    "adamw_torch",
    "adamw_torch_fused",
    "adamw_hf",
    "adamw_apex_fused",
)


def decay_parameter_names(model):
    """The names of the parameters that weight decay acts on: no biases, no norms."""
    norms = {path for path, module in model.named_modules() if type(module).__name__ == "LayerNorm"}
    return [
        name
        for name, _ in model.named_parameters()
        if not WITHOUT_DECAY.search(name.lower()) and name.rpartition(".")[0] not in norms
    ]


def parameter_groups(model, weight_decay):
    """Two groups of what is trained: with weight decay and without."""
    trained = [(name, p) for name, p in model.named_parameters() if isinstance(p, Tensor)]
    decayed = set(decay_parameter_names(model))
    with_decay = [pair for pair in trained if pair[0] in decayed]
    without = [pair for pair in trained if pair[0] not in decayed]
    groups = [
        {"params": with_decay, "weight_decay": weight_decay},
        {"params": without, "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


def make_optimizer(model, args):
    """The optimizer of ``args.optim``.

    Raises:
        ArgumentError: there is no such optimizer.
    """
    groups, extra = parameter_groups(model, args.weight_decay), parse_options(args.optim_args)
    name = getattr(args.optim, "value", args.optim)
    if name in ADAMW_NAMES:
        betas = (args.adam_beta1, args.adam_beta2)
        return AdamW(groups, lr=args.learning_rate, betas=betas, eps=args.adam_epsilon, **extra)
    if name == "adafactor":
        settings = {"scale_parameter": False, "relative_step": False} | extra
        return Adafactor(groups, lr=args.learning_rate, **settings)
    if name == "sgd":
        return SGD(groups, lr=args.learning_rate, **extra)
    wanted = ", ".join((*ADAMW_NAMES[:2], "adafactor", "sgd"))
    fix = "Pass optimizers=(optimizer, None) to the Trainer for any other"
    raise ArgumentError(
        "there is no such optimizer", where="optim", wanted=wanted, got=name, fix=fix
    )


def parse_options(optim_args):
    """``"momentum=0.9,nesterov=True"`` as a dict."""
    pairs = [part.split("=") for part in (optim_args or "").replace(" ", "").split(",") if part]
    try:
        return {name: ast.literal_eval(value) for name, value in pairs}
    except ValueError as error:
        wanted, where = "name=value,name=value", "optim_args"
        raise ArgumentError("no such list", where=where, wanted=wanted, got=optim_args) from error
