"""Floor 6 · LoRA's settings, and the model with it.

Mirrors peft/tuners/lora/config.py and model.py.
"""

import re
from dataclasses import dataclass, field

from tinyhf.nn import Embedding
from tinyhf.peft.config import PeftType, TargetConfig
from tinyhf.peft.lora_layers import LoraEmbedding, LoraLinear
from tinyhf.peft.tuner import BaseTuner


@dataclass(kw_only=True)
class LoraConfig(TargetConfig):
    """How large a LoRA is and where it stands; see also ``TargetConfig``.

    Args:
        r: rank, the thin side of both matrices.
        lora_alpha: what is added is multiplied by lora_alpha / r.
        lora_dropout: share of the inputs that training leaves out.
        fan_in_fan_out: set for Conv1D by itself, and without effect elsewhere.
        bias: "none", "all" or "lora_only": which biases of the base model are trained, too.
        use_rslora: lora_alpha / sqrt(r) instead (Kalajdzievski, 2023).
        use_dora: learn the length of each row of the weight apart (Liu et al., 2024).
        layers_to_transform: number, or numbers, of the layers that get one; None for all.
        layers_pattern: what the list of layers is called, where a path has several numbers.
        init_lora_weights: True: B is zero; "gaussian": A normal; False: both random.
        rank_pattern, alpha_pattern: end of a path, as a regular expression → another r, lora_alpha.
    """

    peft_type = PeftType.LORA
    r: int = 8
    lora_alpha: float = 8
    lora_dropout: float = 0.0
    fan_in_fan_out: bool = False
    bias: str = "none"
    use_rslora: bool = False
    use_dora: bool = False
    layers_to_transform: list | int | None = None
    layers_pattern: list | str | None = None
    init_lora_weights: bool | str = True
    rank_pattern: dict = field(default_factory=dict)
    alpha_pattern: dict = field(default_factory=dict)

    def __post_init__(self):
        super().__post_init__()
        self.require_positive("r")
        self.require_known("bias", ["none", "all", "lora_only"])
        self.require_known("init_lora_weights", [True, False, "gaussian"])
        if not 0 <= self.lora_dropout < 1:
            wanted = "from 0 up to, but not, 1"
            raise self.error("lora_dropout", "is no share", wanted=wanted, got=self.lora_dropout)
        if isinstance(self.layers_to_transform, int):
            self.layers_to_transform = [self.layers_to_transform]
        if isinstance(self.layers_pattern, str):
            self.layers_pattern = [self.layers_pattern]
        if self.layers_to_transform is not None and isinstance(self.target_modules, str):
            problem = "goes with a list of target_modules: a text names the layers itself"
            raise self.error("layers_to_transform", problem, got=self.target_modules)

    def rank_and_alpha(self, path):
        """r and lora_alpha for the layer at ``path``."""
        return (
            self._pattern_value(self.rank_pattern, path, self.r),
            self._pattern_value(self.alpha_pattern, path, self.lora_alpha),
        )

    def _pattern_value(self, patterns, path, default):
        fits = (p for p in patterns if re.match(rf"(.*\.)?({p})$", path))
        return patterns.get(next(fits, None), default)


class LoraModel(BaseTuner):
    """A base model with LoRA in it."""

    layer_class = LoraLinear
    default_targets = {
        "llama": ["q_proj", "v_proj"],
        "mistral": ["q_proj", "v_proj"],
        "qwen2": ["q_proj", "v_proj"],
        "qwen3": ["q_proj", "v_proj"],
        "bart": ["q_proj", "v_proj"],
        "gpt2": ["c_attn"],
        "gpt_bigcode": ["c_attn"],
        "bert": ["query", "value"],
        "roberta": ["query", "value"],
        "t5": ["q", "v"],
        "chatglm": ["query_key_value"],
    }

    def layer_for(self, module, path, config):
        if isinstance(module, Embedding):
            return LoraEmbedding(module)
        return super().layer_for(module, path, config)
