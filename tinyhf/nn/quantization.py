"""Floor 3 · Linear maps and embedding tables whose weights are stored in 8 or 4 bits.

Mirrors QuantizedLinear and QuantizedEmbedding of quantization.py (THUDM/chatglm-6b).
"""

from tinyhf.functional import quantized_embedding, quantized_linear
from tinyhf.nn.layers import Embedding, Linear
from tinyhf.nn.parameter import Unloaded


class QuantizedLinear(Linear):
    """weight int8 (out_features, in_features), two columns in one if 4 bits; weight_scale (out,).

    Args:
        weight_bit_width: 8 or 4.
        in_features, out_features, bias: as for ``Linear``.
    """

    parameter_names = ("bias", "weight", "weight_scale")
    frozen_names = ("weight", "weight_scale")

    def __init__(self, weight_bit_width, in_features, out_features, bias=True):
        super().__init__(in_features, out_features, bias)
        self.in_features = in_features
        self.weight = Unloaded(out_features, in_features * weight_bit_width // 8, itemsize=1)
        self.weight_scale = Unloaded(out_features)

    def forward(self, x):
        return quantized_linear(x, self.weight, self.weight_scale, self.bias)

    def extra_repr(self):
        rows, bias = self.weight.shape[0], self.bias is not None
        return f"in_features={self.in_features}, out_features={rows}, bias={bias}"


class QuantizedEmbedding(Embedding):
    """One row of weight · weight_scale for each id; stored like the weight of QuantizedLinear."""

    parameter_names = frozen_names = ("weight", "weight_scale")

    def __init__(self, weight_bit_width, num_embeddings, embedding_dim):
        super().__init__(num_embeddings, embedding_dim)
        self.embedding_dim = embedding_dim
        self.weight = Unloaded(num_embeddings, embedding_dim * weight_bit_width // 8, itemsize=1)
        self.weight_scale = Unloaded(num_embeddings)

    def forward(self, input_ids):
        self._check(input_ids)
        return quantized_embedding(input_ids, self.weight, self.weight_scale, self.embedding_dim)

    def extra_repr(self):
        return f"{self.weight.shape[0]}, {self.embedding_dim}"


def make_linear(bits, in_features, out_features, bias=True):
    """A linear map with weights of 8 or 4 bits; ``bits`` 0: of the model's own type."""
    if bits:
        return QuantizedLinear(bits, in_features, out_features, bias)
    return Linear(in_features, out_features, bias)


def make_embedding(bits, num_embeddings, embedding_dim):
    """The same for a table of vectors."""
    if bits:
        return QuantizedEmbedding(bits, num_embeddings, embedding_dim)
    return Embedding(num_embeddings, embedding_dim)
