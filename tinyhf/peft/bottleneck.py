"""Floor 6 · Bottleneck adapters: a thin, bent detour after a block's last linear map.

The adapter of Houlsby et al., 2019, in the places they name: after attention and after the MLP,
before the residual is added. PEFT has none; this one is our own.

    x ─ base_layer ─┬──────────────────────────────────────┬─ + ─ result
                    └─ down (size, out) ─ act ─ up ────────┘
"""

from dataclasses import dataclass

from tinyhf.nn import ACT2FN, Conv1D, Linear, Module
from tinyhf.peft.adapter_layer import AdapterDict, AdapterLayer, as_type_of
from tinyhf.peft.config import PeftType, TargetConfig
from tinyhf.peft.lora_layers import normal
from tinyhf.peft.tuner import BaseTuner


@dataclass(kw_only=True)
class BottleneckConfig(TargetConfig):
    """How thin the detour is and where it stands; see also ``TargetConfig``.

    Args:
        bottleneck_size: how many numbers a token's vector is squeezed into.
        non_linearity: the bend between, by its name in ``hidden_act`` of a model's config.
        init_std: deviation of the random start; small, so that nothing changes much at first.
    """

    peft_type = PeftType.BOTTLENECK
    bottleneck_size: int = 64
    non_linearity: str = "gelu"
    init_std: float = 1e-3

    def __post_init__(self):
        super().__post_init__()
        self.require_positive("bottleneck_size")
        self.require_known("non_linearity", sorted(ACT2FN))


class Bottleneck(Module):
    """down, bend, up: (…, hidden) → (…, hidden)."""

    def __init__(self, hidden_size, config):
        self.down = Linear(hidden_size, config.bottleneck_size)
        self.act = ACT2FN[config.non_linearity]()
        self.up = Linear(config.bottleneck_size, hidden_size)

    def forward(self, hidden_states):
        return self.up(self.act(self.down(hidden_states)))


class BottleneckLayer(AdapterLayer):
    """A linear map, and the detour after it."""

    fits, wanted = (Linear, Conv1D), "a Linear or Conv1D"

    def __init__(self, base_layer):
        super().__init__(base_layer)
        self.bottleneck = AdapterDict()

    def add_adapter(self, adapter_name, config, path):
        """Small random matrices, biases of zero."""
        made = Bottleneck(self.sizes[0], config)
        for linear in (made.down, made.up):
            linear.weight = self.on_device(normal(linear.weight.shape, config.init_std))
            linear.bias = self.on_device(normal(linear.bias.shape, 0.0))
        self.bottleneck[adapter_name] = made

    def forward(self, x):
        result = self.base_layer(x)
        for name in self.acting(self.bottleneck):
            result = result + as_type_of(result, self.bottleneck[name](result))
        return result


class BottleneckModel(BaseTuner):
    """A base model with bottleneck adapters in it."""

    layer_class = BottleneckLayer
    default_targets = {
        "llama": ["o_proj", "down_proj"],
        "mistral": ["o_proj", "down_proj"],
        "qwen2": ["o_proj", "down_proj"],
        "qwen3": ["o_proj", "down_proj"],
        "gpt2": ["c_proj"],
        "gpt_bigcode": ["c_proj"],
        "bert": ["output.dense"],
        "roberta": ["output.dense"],
        "distilbert": ["out_lin", "lin2"],
        "bart": ["out_proj", "fc2"],
        "t5": ["o", "wo"],
    }
