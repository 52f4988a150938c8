"""Floor 5 · Models: one file a family, and the way from a checkpoint into it."""

from tinyhf.models.auto import (
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    AutoModelForNextSentencePrediction,
    AutoModelForPreTraining,
    AutoModelForQuestionAnswering,
    AutoModelForSeq2SeqLM,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
)
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
from tinyhf.models.chatglm import ChatGLMForConditionalGeneration, ChatGLMModel
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
from tinyhf.models.pretrained import PreTrainedModel
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
from tinyhf.models.t5 import T5EncoderModel, T5ForConditionalGeneration, T5Model

__all__ = [
    "AutoModel",
    "AutoModelForCausalLM",
    "AutoModelForMaskedLM",
    "AutoModelForNextSentencePrediction",
    "AutoModelForPreTraining",
    "AutoModelForQuestionAnswering",
    "AutoModelForSeq2SeqLM",
    "AutoModelForSequenceClassification",
    "AutoModelForTokenClassification",
    "BartConfig",
    "BartForConditionalGeneration",
    "BartModel",
    "BertConfig",
    "BertForMaskedLM",
    "BertForNextSentencePrediction",
    "BertForPreTraining",
    "BertForQuestionAnswering",
    "BertForSequenceClassification",
    "BertForTokenClassification",
    "BertModel",
    "ChatGLMConfig",
    "ChatGLMForConditionalGeneration",
    "ChatGLMModel",
    "DistilBertConfig",
    "DistilBertForMaskedLM",
    "DistilBertForQuestionAnswering",
    "DistilBertForSequenceClassification",
    "DistilBertForTokenClassification",
    "DistilBertModel",
    "GPT2Config",
    "GPT2LMHeadModel",
    "GPT2Model",
    "GPTBigCodeConfig",
    "GPTBigCodeForCausalLM",
    "GPTBigCodeModel",
    "LlamaConfig",
    "LlamaForCausalLM",
    "LlamaModel",
    "MarianConfig",
    "MarianMTModel",
    "MarianModel",
    "MistralConfig",
    "MistralForCausalLM",
    "MistralModel",
    "PreTrainedModel",
    "Qwen2Config",
    "Qwen2ForCausalLM",
    "Qwen2Model",
    "Qwen3Config",
    "Qwen3ForCausalLM",
    "Qwen3Model",
    "RobertaConfig",
    "RobertaForMaskedLM",
    "RobertaForQuestionAnswering",
    "RobertaForSequenceClassification",
    "RobertaForTokenClassification",
    "RobertaModel",
    "T5Config",
    "T5EncoderModel",
    "T5ForConditionalGeneration",
    "T5Model",
]
