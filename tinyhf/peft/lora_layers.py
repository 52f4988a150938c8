"""Floor 6 · LoRA: a big frozen matrix, and two thin ones beside it that learn.

Mirrors peft/tuners/lora/layer.py and dora.py (Hu et al., 2021; Liu et al., 2024).

    x ─┬─ base_layer (out, in) ───────────────────────────┬─ + ─ result
       └─ lora_dropout ─ lora_A (r, in) ─ lora_B (out, r) ─ · scaling ─┘

B begins as zeros, so that training starts from what the base model says.
"""

import math

from tinyhf.autograd import plain
from tinyhf.backend.random import default_generator
from tinyhf.functional import embedding, linear
from tinyhf.nn import Conv1D, Dropout, Embedding, Linear, Module
from tinyhf.peft.adapter_layer import AdapterDict, AdapterLayer, ParameterDict, as_type_of


def kaiming_uniform(shape):
    """The start of a linear map in torch: uniform, as narrow as its inputs are many."""
    gain = math.sqrt(2.0 / (1 + math.sqrt(5) ** 2))
    bound = math.sqrt(3.0) * (gain / math.sqrt(shape[1]))
    return default_generator().uniform(shape, -bound, bound)


def normal(shape, std=1.0):
    """The start of a table in torch."""
    return default_generator().normal(shape, 0.0, std)


class Magnitude(Module):
    """DoRA's length of each row of the weight: (out,)."""

    parameter_names = ("weight",)

    def __init__(self, weight):
        self.weight = weight

    def extra_repr(self):
        return f"{self.weight.shape[0]}"


class LoraLayer(AdapterLayer):
    """What LoRA on a linear map and on a table share.

    Attributes:
        r, scaling: adapter name → rank; what B(A(x)) is multiplied by.
    """

    def __init__(self, base_layer):
        super().__init__(base_layer)
        self.r, self.scaling = {}, {}
        self.lora_dropout = AdapterDict()

    def add_adapter(self, adapter_name, config, path):
        """Make A, B and, for DoRA, the lengths of the rows of the weight.

        Draws are made in the order of PEFT, which gives both matrices values twice.
        """
        rank, alpha = config.rank_and_alpha(path)
        self.r[adapter_name] = rank
        self.scaling[adapter_name] = alpha / (math.sqrt(rank) if config.use_rslora else rank)
        if config.lora_dropout:
            self.lora_dropout[adapter_name] = Dropout(config.lora_dropout)
        out_features, in_features = self.sizes
        shapes = (rank, in_features), (out_features, rank)
        A, B = self.first_values(*shapes, config.init_lora_weights)
        self.set_matrices(adapter_name, self.on_device(A), self.on_device(B))
        if config.use_dora:
            length = row_lengths(self.rows() + self.delta(adapter_name))
            self.lora_magnitude_vector[adapter_name] = Magnitude(length)

    def drop(self, adapter_name, x):
        """x, with some numbers zero in training."""
        has_dropout = adapter_name in self.lora_dropout
        return self.lora_dropout[adapter_name](x) if has_dropout else x

    def delta(self, adapter_name):
        """What one adapter adds to the weight, (out, in)."""
        A, B = self.matrices(adapter_name)
        return (plain(B) @ plain(A)) * self.scaling[adapter_name]

    def stretch(self, adapter_name):
        """DoRA's length of each row / its length now, (out,); the divisor counts as constant."""
        length = row_lengths(self.rows() + self.delta(adapter_name))
        return self.lora_magnitude_vector[adapter_name].weight / length

    def merged(self, rows, bias, adapter_name):
        if adapter_name not in self.r:
            return rows, bias
        rows = rows + self.delta(adapter_name)
        if adapter_name in self.lora_magnitude_vector:
            length = plain(self.lora_magnitude_vector[adapter_name].weight) / row_lengths(rows)
            rows = rows * length[:, None]
        return rows, bias


def row_lengths(rows):
    """The length of each row: (out,)."""
    return (rows * rows).sum(axis=1) ** 0.5


class LoraLinear(LoraLayer):
    """LoRA beside a Linear or a Conv1D."""

    fits, wanted = (Linear, Conv1D), "a Linear, Conv1D or Embedding"

    def __init__(self, base_layer):
        super().__init__(base_layer)
        self.lora_A, self.lora_B = AdapterDict(), AdapterDict()
        self.lora_magnitude_vector = AdapterDict()

    def first_values(self, shape_A, shape_B, how):
        A, B = kaiming_uniform(shape_A), kaiming_uniform(shape_B)
        if how is False:
            return A, B
        B[:] = 0.0
        is_normal = how == "gaussian"
        return (normal(shape_A, 1 / shape_A[0]) if is_normal else kaiming_uniform(shape_A)), B

    def set_matrices(self, adapter_name, A, B):
        for container, matrix in ((self.lora_A, A), (self.lora_B, B)):
            container[adapter_name] = Linear(matrix.shape[1], matrix.shape[0], bias=False)
            container[adapter_name].weight = matrix

    def matrices(self, adapter_name):
        return self.lora_A[adapter_name].weight, self.lora_B[adapter_name].weight

    def forward(self, x):
        result = self.base_layer(x)
        for name in self.acting(self.lora_A):
            dropped = self.drop(name, x)
            added = self.lora_B[name](self.lora_A[name](dropped)) * self.scaling[name]
            if name in self.lora_magnitude_vector:
                added = self.turn(name, x, dropped, result, added)
            result = result + as_type_of(result, added)
        return result

    def turn(self, name, x, dropped, result, added):
        """DoRA: the sum gets the rows' learnt lengths. What is added to reach that."""
        if dropped is x:
            base = result if self.bias is None else result - self.bias
        else:
            base = linear(dropped, self.rows())
        stretch = self.stretch(name)
        return base * (stretch - 1.0) + added * stretch


class LoraEmbedding(LoraLayer):
    """LoRA beside a table: A has a column for each id."""

    fits, wanted = (Embedding,), "an Embedding"

    def __init__(self, base_layer):
        super().__init__(base_layer)
        self.lora_embedding_A, self.lora_embedding_B = ParameterDict(), ParameterDict()
        self.lora_magnitude_vector = AdapterDict()

    def first_values(self, shape_A, shape_B, how):
        A, B = normal(shape_A), normal(shape_B)
        if how is False:
            return A, B
        A[:] = 0.0
        return A, normal(shape_B)

    def set_matrices(self, adapter_name, A, B):
        self.lora_embedding_A[adapter_name], self.lora_embedding_B[adapter_name] = A, B

    def matrices(self, adapter_name):
        return self.lora_embedding_A[adapter_name], self.lora_embedding_B[adapter_name]

    def forward(self, input_ids):
        result = self.base_layer(input_ids)
        for name in self.acting(self.lora_embedding_A):
            A, B = self.matrices(name)
            thin = embedding(input_ids, A.T, self.base_layer.padding_idx)  # (…, r)
            added = linear(thin, B) * self.scaling[name]
            if name in self.lora_magnitude_vector:
                added = (result + added) * self.stretch(name) - result
            result = result + as_type_of(result, added)
        return result
