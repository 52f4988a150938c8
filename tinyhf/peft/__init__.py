"""Floor 6 · Train a few numbers beside a model that stays as it is.

Reading order: config → targets → adapter_layer → lora_layers → lora → tuner → peft_model →
save_and_load; then ia3, bottleneck; prompt_learning → prefix_tuning, prompt_tuning.
"""

from tinyhf.models.auto import _AutoModel
from tinyhf.peft.auto import from_adapter
from tinyhf.peft.bottleneck import BottleneckConfig
from tinyhf.peft.config import PeftConfig, PeftType, TaskType
from tinyhf.peft.ia3 import IA3Config, IA3Model
from tinyhf.peft.lora import LoraConfig, LoraModel
from tinyhf.peft.mapping import (
    PeftModelForCausalLM,
    PeftModelForFeatureExtraction,
    PeftModelForQuestionAnswering,
    PeftModelForSeq2SeqLM,
    PeftModelForSequenceClassification,
    PeftModelForTokenClassification,
    get_peft_model,
)
from tinyhf.peft.peft_model import PeftModel
from tinyhf.peft.prefix_tuning import PrefixEncoder, PrefixTuningConfig
from tinyhf.peft.prompt_tuning import PromptEmbedding, PromptTuningConfig, PromptTuningInit

# Models live a floor below and know nothing of this one: here they learn to read adapter folders.
_AutoModel.from_adapter = classmethod(from_adapter)

__all__ = [
    "BottleneckConfig",
    "IA3Config",
    "IA3Model",
    "LoraConfig",
    "LoraModel",
    "PeftConfig",
    "PeftModel",
    "PeftModelForCausalLM",
    "PeftModelForFeatureExtraction",
    "PeftModelForQuestionAnswering",
    "PeftModelForSeq2SeqLM",
    "PeftModelForSequenceClassification",
    "PeftModelForTokenClassification",
    "PeftType",
    "PrefixEncoder",
    "PrefixTuningConfig",
    "PromptEmbedding",
    "PromptTuningConfig",
    "PromptTuningInit",
    "TaskType",
    "get_peft_model",
]
