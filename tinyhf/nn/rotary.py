"""Floor 3 · Rotary positions as a stage: computed once for all layers of a forward pass.

Mirrors LlamaRotaryEmbedding of transformers/models/llama/modeling_llama.py.
"""

from tinyhf.backend import device_of, to_device
from tinyhf.functional import ROPE_FUNCTIONS, rotary_tables
from tinyhf.nn.module import Module


class RotaryEmbedding(Module):
    """Position ids to the cos and sin by which queries and keys are turned.

    Args:
        config: its ``rope_parameters`` name the rope type and its numbers.
    """

    def __init__(self, config):
        self.rope = config.rope_parameters
        self.head_dim = config.head_dim
        self.max_positions = config.max_position_embeddings
        self.inv_freq, self.attention_scaling = self.frequencies(self.max_positions)

    def forward(self, position_ids):
        """(batch, seq) → cos, sin, each (batch, seq, head_dim)."""
        grows = self.rope["rope_type"] == "dynamic"  # the only type that looks at the text's length
        inv_freq = self.stretched(position_ids) if grows else self.inv_freq
        return rotary_tables(position_ids, inv_freq, self.attention_scaling)

    def stretched(self, position_ids):
        """The frequencies for a text as long as these positions."""
        frequencies, _ = self.frequencies(int(position_ids.max()) + 1)
        return to_device(frequencies, device_of(self.inv_freq))

    def frequencies(self, seq_len):
        """inv_freq (head_dim / 2,), and the factor on cos and sin."""
        formula = ROPE_FUNCTIONS[self.rope["rope_type"]]
        return formula(self.head_dim, self.rope, self.max_positions, seq_len)
