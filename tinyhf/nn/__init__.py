"""Floor 3 · Stages with weights: modules, layers, the KV cache, and what a model returns."""

from tinyhf.nn.cache import DynamicCache, EncoderDecoderCache
from tinyhf.nn.initialization import initial_values
from tinyhf.nn.layers import ACT2FN, Conv1D, Dropout, Embedding, LayerNorm, Linear, RMSNorm, Tanh
from tinyhf.nn.modeling_outputs import (
    BaseModelOutput,
    BaseModelOutputWithPast,
    BaseModelOutputWithPastAndCrossAttentions,
    BaseModelOutputWithPoolingAndCrossAttentions,
    BertForPreTrainingOutput,
    CausalLMOutputWithCrossAttentions,
    CausalLMOutputWithPast,
    MaskedLMOutput,
    NextSentencePredictorOutput,
    QuestionAnsweringModelOutput,
    Seq2SeqLMOutput,
    Seq2SeqModelOutput,
    SequenceClassifierOutput,
    TokenClassifierOutput,
)
from tinyhf.nn.module import Module, ModuleList
from tinyhf.nn.outputs import ModelOutput
from tinyhf.nn.parameter import Unloaded
from tinyhf.nn.quantization import (
    QuantizedEmbedding,
    QuantizedLinear,
    make_embedding,
    make_linear,
)
from tinyhf.nn.rotary import RotaryEmbedding

__all__ = [
    "ACT2FN",
    "BaseModelOutput",
    "BaseModelOutputWithPast",
    "BaseModelOutputWithPastAndCrossAttentions",
    "BaseModelOutputWithPoolingAndCrossAttentions",
    "BertForPreTrainingOutput",
    "CausalLMOutputWithCrossAttentions",
    "CausalLMOutputWithPast",
    "Conv1D",
    "Dropout",
    "DynamicCache",
    "Embedding",
    "EncoderDecoderCache",
    "LayerNorm",
    "Linear",
    "MaskedLMOutput",
    "ModelOutput",
    "Module",
    "ModuleList",
    "NextSentencePredictorOutput",
    "QuantizedEmbedding",
    "QuantizedLinear",
    "QuestionAnsweringModelOutput",
    "RMSNorm",
    "RotaryEmbedding",
    "Seq2SeqLMOutput",
    "Seq2SeqModelOutput",
    "SequenceClassifierOutput",
    "Tanh",
    "TokenClassifierOutput",
    "Unloaded",
    "initial_values",
    "make_embedding",
    "make_linear",
]
