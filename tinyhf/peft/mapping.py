"""Floor 6 · ``get_peft_model``, and the classes for each task.

Mirrors peft/mapping_func.py and the classes at the end of peft/peft_model.py.
"""

from tinyhf.peft.config import TaskType
from tinyhf.peft.peft_model import MODEL_CLASSES, PeftModel


class PeftModelForCausalLM(PeftModel):
    """A base model that continues a text."""

    task_type = TaskType.CAUSAL_LM


class PeftModelForSeq2SeqLM(PeftModel):
    """A base model with an encoder and a decoder."""

    task_type = TaskType.SEQ_2_SEQ_LM


class PeftModelForSequenceClassification(PeftModel):
    """A base model that gives a text a label; its head is trained as a whole."""

    task_type = TaskType.SEQ_CLS
    new_heads = ("classifier", "score")


class PeftModelForTokenClassification(PeftModelForSequenceClassification):
    """A base model that gives every token a label; its head is trained as a whole."""

    task_type = TaskType.TOKEN_CLS


class PeftModelForQuestionAnswering(PeftModel):
    """A base model that marks an answer; its head is trained as a whole."""

    task_type = TaskType.QUESTION_ANS
    new_heads = ("qa_outputs",)


class PeftModelForFeatureExtraction(PeftModel):
    """A base model without head."""

    task_type = TaskType.FEATURE_EXTRACTION


def get_peft_model(model, peft_config, adapter_name="default"):
    """Freeze ``model`` and give it an adapter, which alone is trained.

    Args:
        model: any model of ``tinyhf.models``; it is wrapped in place.
        peft_config: a LoraConfig, IA3Config, PrefixTuningConfig, PromptTuningConfig or
            BottleneckConfig.
        adapter_name: what it is called.

    Returns:
        A ``PeftModel``, of the class for its task.

    Raises:
        ArgumentError, ConfigError: the config does not fit the model.
    """
    return MODEL_CLASSES[peft_config.task_type](model, peft_config, adapter_name)
