"""Floor 5 · The Auto classes: ``config.json`` decides which model class is made.

Mirrors transformers/models/auto/modeling_auto.py and auto_factory.py. A new family adds a row here.
"""

from tinyhf.configuration import AutoConfig
from tinyhf.errors import ArgumentError, ConfigError
from tinyhf.hub import HubOptions
from tinyhf.models.bart import BartForConditionalGeneration, BartModel
from tinyhf.models.bert import (
    BertConfig,
    BertModel,
)
from tinyhf.models.bert_heads import (
    BertForMaskedLM,
    BertForNextSentencePrediction,
    BertForPreTraining,
    BertForQuestionAnswering,
    BertForSequenceClassification,
    BertForTokenClassification,
)
from tinyhf.models.chatglm import ChatGLMForConditionalGeneration
from tinyhf.models.configuration_bart import BartConfig
from tinyhf.models.configuration_chatglm import ChatGLMConfig
from tinyhf.models.configuration_t5 import T5Config
from tinyhf.models.distilbert import (
    DistilBertConfig,
    DistilBertForMaskedLM,
    DistilBertForQuestionAnswering,
    DistilBertForSequenceClassification,
    DistilBertForTokenClassification,
    DistilBertModel,
)
from tinyhf.models.gpt2 import GPT2Config, GPT2LMHeadModel, GPT2Model
from tinyhf.models.gpt_bigcode import GPTBigCodeConfig, GPTBigCodeForCausalLM, GPTBigCodeModel
from tinyhf.models.llama import LlamaConfig, LlamaForCausalLM, LlamaModel
from tinyhf.models.marian import MarianConfig, MarianModel, MarianMTModel
from tinyhf.models.mistral import MistralConfig, MistralForCausalLM, MistralModel
from tinyhf.models.qwen2 import Qwen2Config, Qwen2ForCausalLM, Qwen2Model
from tinyhf.models.qwen3 import Qwen3Config, Qwen3ForCausalLM, Qwen3Model
from tinyhf.models.roberta import (
    RobertaConfig,
    RobertaForMaskedLM,
    RobertaForQuestionAnswering,
    RobertaForSequenceClassification,
    RobertaForTokenClassification,
    RobertaModel,
)
from tinyhf.models.t5 import T5ForConditionalGeneration, T5Model

#: config class → Auto class's ``head`` → model class.
FAMILIES = {
    GPT2Config: {"base": GPT2Model, "causal_lm": GPT2LMHeadModel, "pretraining": GPT2LMHeadModel},
    GPTBigCodeConfig: {
        "base": GPTBigCodeModel,
        "causal_lm": GPTBigCodeForCausalLM,
        "pretraining": GPTBigCodeForCausalLM,
    },
    ChatGLMConfig: {  # as its config.json says in auto_map
        "base": ChatGLMForConditionalGeneration,
        "seq2seq_lm": ChatGLMForConditionalGeneration,
    },
    LlamaConfig: {"base": LlamaModel, "causal_lm": LlamaForCausalLM},
    MistralConfig: {"base": MistralModel, "causal_lm": MistralForCausalLM},
    Qwen2Config: {"base": Qwen2Model, "causal_lm": Qwen2ForCausalLM},
    Qwen3Config: {"base": Qwen3Model, "causal_lm": Qwen3ForCausalLM},
    BertConfig: {
        "base": BertModel,
        "masked_lm": BertForMaskedLM,
        "sequence_classification": BertForSequenceClassification,
        "token_classification": BertForTokenClassification,
        "question_answering": BertForQuestionAnswering,
        "next_sentence": BertForNextSentencePrediction,
        "pretraining": BertForPreTraining,
    },
    DistilBertConfig: {
        "base": DistilBertModel,
        "masked_lm": DistilBertForMaskedLM,
        "sequence_classification": DistilBertForSequenceClassification,
        "token_classification": DistilBertForTokenClassification,
        "question_answering": DistilBertForQuestionAnswering,
        "pretraining": DistilBertForMaskedLM,
    },
    RobertaConfig: {
        "base": RobertaModel,
        "masked_lm": RobertaForMaskedLM,
        "sequence_classification": RobertaForSequenceClassification,
        "token_classification": RobertaForTokenClassification,
        "question_answering": RobertaForQuestionAnswering,
        "pretraining": RobertaForMaskedLM,
    },
    T5Config: {
        "base": T5Model,
        "seq2seq_lm": T5ForConditionalGeneration,
        "pretraining": T5ForConditionalGeneration,
    },
    BartConfig: {
        "base": BartModel,
        "seq2seq_lm": BartForConditionalGeneration,
        "masked_lm": BartForConditionalGeneration,
        "pretraining": BartForConditionalGeneration,
    },
    MarianConfig: {"base": MarianModel, "seq2seq_lm": MarianMTModel},
}


def stored_class(config):
    """The class that was saved: the one ``architectures`` names, or else one of the family."""
    heads = FAMILIES[type(config)]
    named = [head for head in heads.values() if head.__name__ in (config.architectures or ())]
    return named[0] if named else heads.get("causal_lm", heads["base"])


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
            options = vars(HubOptions.pop_from(dict(kwargs)))
            try:
                config = AutoConfig.from_pretrained(pretrained_model_name_or_path, **options)
            except ConfigError as no_config:
                return cls.from_adapter(pretrained_model_name_or_path, no_config, **kwargs)
        model_class = cls.model_class(config)
        return model_class.from_pretrained(
            pretrained_model_name_or_path, *model_args, config=config, **kwargs
        )

    @classmethod
    def from_adapter(cls, pretrained_model_name_or_path, no_config, **kwargs):
        """Where there is no config.json, ``tinyhf.peft`` puts what reads a folder of an adapter."""
        raise no_config

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
