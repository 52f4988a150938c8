"""Floor 3 · The layers every family is made of: linear map, embedding table, norm, activation.

Mirrors torch.nn.Linear, torch.nn.Embedding and transformers/activations.py.
"""

from tinyhf.errors import ArgumentError
from tinyhf.functional import (
    embedding,
    gelu,
    gelu_tanh,
    layer_norm,
    linear,
    relu,
    rms_norm,
    silu,
    tanh,
)
from tinyhf.nn.module import Module
from tinyhf.nn.parameter import Unloaded


class Linear(Module):
    """y = x @ weightᵀ + bias; weight (out_features, in_features), bias (out_features,) or None."""

    parameter_names = ("weight", "bias")

    def __init__(self, in_features, out_features, bias=True):
        self.weight = Unloaded(out_features, in_features)
        self.bias = Unloaded(out_features) if bias else None

    def forward(self, x):
        return linear(x, self.weight, self.bias)

    def extra_repr(self):
        rows, columns = self.weight.shape
        return f"in_features={columns}, out_features={rows}, bias={self.bias is not None}"


#: The argument that brings the ids → what is wrong with one that has no row, and the way out.
NO_SUCH_ROW = {
    "input_ids": (
        "a token id lies outside the vocabulary of the model",
        "Is this the tokenizer that belongs to the model?",
    ),
    "token_type_ids": ("the model does not tell so many kinds of tokens apart", None),
    "position_ids": (
        "the text is longer than the model has positions",
        "Cut it (the tokenizer does with truncation=True), or generate fewer tokens",
    ),
}


class Embedding(Module):
    """One row of ``weight`` (num_embeddings, embedding_dim) for each id of the argument ``ids``."""

    parameter_names = ("weight",)

    def __init__(self, num_embeddings, embedding_dim, padding_idx=None, ids="input_ids"):
        self.weight = Unloaded(num_embeddings, embedding_dim)
        self.padding_idx = padding_idx
        self.ids = ids

    def forward(self, input_ids):
        self._check(input_ids)
        return embedding(input_ids, self.weight, self.padding_idx)

    def _check(self, input_ids):
        """NumPy counts negative ids from the end, CuPy wraps large ones: both would be silent."""
        if input_ids.dtype.kind not in "iu":
            raise ArgumentError("ids must be whole numbers", where=self.ids, got=input_ids.dtype)
        if input_ids.size and not 0 <= input_ids.min() <= input_ids.max() < self.weight.shape[0]:
            problem, fix = NO_SUCH_ROW[self.ids]
            wanted = f"0 to {self.weight.shape[0] - 1}"
            got = [int(input_ids.min()), int(input_ids.max())]
            raise ArgumentError(problem, where=self.ids, wanted=wanted, got=got, fix=fix)

    def extra_repr(self):
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.weight.shape[0]}, {self.weight.shape[1]}{padding}"


class RMSNorm(Module):
    """x / sqrt(mean(x²) + eps) · weight; weight (hidden,)."""

    parameter_names = ("weight",)

    def __init__(self, hidden_size, eps):
        self.weight = Unloaded(hidden_size)
        self.variance_epsilon = eps

    def forward(self, hidden_states):
        return rms_norm(hidden_states, self.weight, self.variance_epsilon)

    def extra_repr(self):
        return f"{tuple(self.weight.shape)}, eps={self.variance_epsilon}"


class LayerNorm(Module):
    """(x - mean) / sqrt(variance + eps) · weight + bias; weight and bias (hidden,)."""

    parameter_names = ("weight", "bias")

    def __init__(self, hidden_size, eps):
        self.weight = Unloaded(hidden_size)
        self.bias = Unloaded(hidden_size)
        self.eps = eps

    def forward(self, hidden_states):
        return layer_norm(hidden_states, self.weight, self.bias, self.eps)

    def extra_repr(self):
        return f"{tuple(self.weight.shape)}, eps={self.eps}, elementwise_affine=True, bias=True"


class Conv1D(Module):
    """GPT-2's linear map: y = x @ weight + bias, weight (in_features, out_features) as stored."""

    parameter_names = ("weight", "bias")

    def __init__(self, out_features, in_features):
        self.weight = Unloaded(in_features, out_features)
        self.bias = Unloaded(out_features)

    def forward(self, x):
        return linear(x, self.weight.T, self.bias)

    def extra_repr(self):
        return f"nf={self.weight.shape[1]}, nx={self.weight.shape[0]}"


class Dropout(Module):
    """In training each number is left out with probability ``p``; else nothing happens."""

    def __init__(self, p):
        self.p = p

    def forward(self, x):
        return self.omit(self.p, x)

    def extra_repr(self):
        return f"p={self.p}, inplace=False"


class SiLUActivation(Module):
    """x · sigmoid(x)."""

    def forward(self, x):
        return silu(x)


class SiLU(SiLUActivation):
    """torch's name for it, where a config says "swish"."""


class ReLU(Module):
    """max(x, 0)."""

    def forward(self, x):
        return relu(x)


class Tanh(Module):
    """The hyperbolic tangent."""

    def forward(self, x):
        return tanh(x)


class GELUActivation(Module):
    """x · Φ(x)."""

    def forward(self, x):
        return gelu(x)


class NewGELUActivation(Module):
    """GPT-2's approximation of x · Φ(x)."""

    def forward(self, x):
        return gelu_tanh(x)


class GELUTanh(NewGELUActivation):
    """The same under the name of torch's own kernel."""


#: ``hidden_act`` of a config → the module.
ACT2FN = {
    "gelu": GELUActivation,
    "gelu_new": NewGELUActivation,
    "gelu_pytorch_tanh": GELUTanh,
    "relu": ReLU,
    "silu": SiLUActivation,
    "swish": SiLU,
    "tanh": Tanh,
}
