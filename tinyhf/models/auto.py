"""Floor 5 · The Auto classes: ``config.json`` decides which model class is made.

Mirrors transformers/models/auto/modeling_auto.py and auto_factory.py. A new family adds a row here.
"""

from tinyhf.configuration import AutoConfig
from tinyhf.errors import ArgumentError, ConfigError
from tinyhf.hub import HubOptions
from tinyhf.models.llama import LlamaConfig, LlamaForCausalLM, LlamaModel
from tinyhf.models.mistral import MistralConfig, MistralForCausalLM, MistralModel
from tinyhf.models.qwen2 import Qwen2Config, Qwen2ForCausalLM, Qwen2Model
from tinyhf.models.qwen3 import Qwen3Config, Qwen3ForCausalLM, Qwen3Model

#: config class → Auto class's ``head`` → model class.
FAMILIES = {
    LlamaConfig: {"base": LlamaModel, "causal_lm": LlamaForCausalLM},
    MistralConfig: {"base": MistralModel, "causal_lm": MistralForCausalLM},
    Qwen2Config: {"base": Qwen2Model, "causal_lm": Qwen2ForCausalLM},
    Qwen3Config: {"base": Qwen3Model, "causal_lm": Qwen3ForCausalLM},
}


class _AutoModel:
    """What the Auto classes share; each names its column of FAMILIES."""

    head = "base"

    def __init__(self, *args, **kwargs):
        name = type(self).__name__
        raise ArgumentError(
            f"{name} is made with {name}.from_pretrained(name) or .from_config(config)"
        )

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path, *model_args, config=None, **kwargs):
        """Read the config, choose the class, and load; arguments as in PreTrainedModel."""
        if config is None:
            hub_options = HubOptions.pop_from(dict(kwargs))
            config = AutoConfig.from_pretrained(pretrained_model_name_or_path, **vars(hub_options))
        model_class = cls.model_class(config)
        return model_class.from_pretrained(
            pretrained_model_name_or_path, *model_args, config=config, **kwargs
        )

    @classmethod
    def from_config(cls, config, seed=None):
        """A model of this config with random weights."""
        return cls.model_class(config)(config).init_weights(seed)

    @classmethod
    def model_class(cls, config):
        """The class for ``config``, such as LlamaForCausalLM for a LlamaConfig."""
        heads = FAMILIES.get(type(config), {})
        if cls.head not in heads:
            known = [model[cls.head].__name__ for model in FAMILIES.values() if cls.head in model]
            raise ConfigError(
                f"{cls.__name__} has no class for {type(config).__name__}",
                wanted=", ".join(known),
            )
        return heads[cls.head]


class AutoModel(_AutoModel):
    """The model without head: ids to hidden states."""


class AutoModelForCausalLM(_AutoModel):
    """The model that continues a text: ids to the next id's logits."""

    head = "causal_lm"


class AutoModelForSeq2SeqLM(_AutoModel):
    """The model that writes one text about another: an encoder and a decoder."""

    head = "seq2seq_lm"


class AutoModelForMaskedLM(_AutoModel):
    """The model that fills in masked tokens."""

    head = "masked_lm"


class AutoModelForSequenceClassification(_AutoModel):
    """The model that gives a text a label."""

    head = "sequence_classification"


class AutoModelForTokenClassification(_AutoModel):
    """The model that gives every token a label."""

    head = "token_classification"


class AutoModelForQuestionAnswering(_AutoModel):
    """The model that marks where an answer starts and ends."""

    head = "question_answering"


class AutoModelForNextSentencePrediction(_AutoModel):
    """The model that says whether one sentence follows another."""

    head = "next_sentence"


class AutoModelForPreTraining(_AutoModel):
    """The model with the heads it was trained with."""

    head = "pretraining"
