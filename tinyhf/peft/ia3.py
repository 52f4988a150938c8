"""Floor 6 · (IA)³: one learnt number for each column that goes in, or each row that comes out.

Mirrors peft/tuners/ia3 (Liu et al., 2022).

    attention's keys and values:   x ─ base_layer ─ · ia3_l ─ result
    the way out of the MLP:        x ─ · ia3_l ─ base_layer ─ result      ("feedforward")
"""

from dataclasses import dataclass

import tinyhf.peft.targets as targets
from tinyhf.autograd import plain
from tinyhf.nn import Conv1D, Linear
from tinyhf.peft.adapter_layer import AdapterLayer, ParameterDict, as_type_of
from tinyhf.peft.config import PeftType, TargetConfig
from tinyhf.peft.lora_layers import normal
from tinyhf.peft.tuner import BaseTuner


@dataclass(kw_only=True)
class IA3Config(TargetConfig):
    """Where the numbers stand; see also ``TargetConfig``.

    Args:
        feedforward_modules: those of ``target_modules`` whose inputs are multiplied, not outputs.
        fan_in_fan_out: set for Conv1D by itself.
        init_ia3_weights: begin with ones, so that nothing changes; False: with random numbers.
    """

    peft_type = PeftType.IA3
    feedforward_modules: list | str | None = None
    fan_in_fan_out: bool = False
    init_ia3_weights: bool = True

    def __post_init__(self):
        super().__post_init__()
        if isinstance(self.feedforward_modules, set | tuple):
            self.feedforward_modules = sorted(self.feedforward_modules)
        both = self.target_modules, self.feedforward_modules
        if all(isinstance(names, list) for names in both) and not set(both[1]) <= set(both[0]):
            wanted = f"some of {', '.join(self.target_modules)}"
            problem = "must be among the target_modules"
            got = self.feedforward_modules
            raise self.error("feedforward_modules", problem, wanted=wanted, got=got)


class IA3Linear(AdapterLayer):
    """A linear map whose inputs or outputs are multiplied."""

    fits, wanted = (Linear, Conv1D), "a Linear or Conv1D"

    def __init__(self, base_layer):
        super().__init__(base_layer)
        self.ia3_l = ParameterDict()
        self.is_feedforward = False

    def add_adapter(self, adapter_name, config, path):
        """One number for each input, (1, in), or output, (out, 1)."""
        self.is_feedforward = targets.matches(config.feedforward_modules, path)
        out_features, in_features = self.sizes
        values = normal((1, in_features) if self.is_feedforward else (out_features, 1))
        if config.init_ia3_weights:
            values[:] = 1.0
        self.ia3_l[adapter_name] = self.on_device(values)

    def forward(self, x):
        names = self.acting(self.ia3_l)
        if self.is_feedforward:
            for name in names:
                x = as_type_of(x, x * self.ia3_l[name].reshape(-1))
        result = self.base_layer(x)
        if not self.is_feedforward:
            for name in names:
                result = as_type_of(result, result * self.ia3_l[name].reshape(-1))
        return result

    def merged(self, rows, bias, adapter_name):
        if adapter_name not in self.ia3_l:
            return rows, bias
        numbers = plain(self.ia3_l[adapter_name])
        if bias is not None and not self.is_feedforward:
            bias = bias * numbers.reshape(-1)
        return rows * numbers, bias


class IA3Model(BaseTuner):
    """A base model with (IA)³ in it."""

    layer_class = IA3Linear
    default_targets = {
        "llama": ["k_proj", "v_proj", "down_proj"],
        "mistral": ["k_proj", "v_proj", "down_proj"],
        "qwen2": ["q_proj", "v_proj", "down_proj"],
        "qwen3": ["q_proj", "v_proj", "down_proj"],
        "gpt2": ["c_attn", "mlp.c_proj"],
        "gpt_bigcode": ["c_attn", "mlp.c_proj"],
        "bert": ["key", "value", "output.dense"],
        "roberta": ["key", "value", "output.dense"],
        "bart": ["q_proj", "v_proj", "fc2"],
        "t5": ["k", "v", "wo"],
    }
    default_feedforward = {"down_proj", "mlp.c_proj", "output.dense", "fc2", "wo"}

    def add_adapter(self, adapter_name, config):
        if config.target_modules is None and config.feedforward_modules is None:
            names = self.default_targets.get(self.model.config.model_type, ())
            config.feedforward_modules = [n for n in names if n in self.default_feedforward]
        super().add_adapter(adapter_name, config)
