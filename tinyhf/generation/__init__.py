"""Floor 6 · Ids become more ids: scores, draws, stopping, streaming."""

from tinyhf.generation.chatglm import ChatGLMGenerationMixin, InvalidScoreLogitsProcessor
from tinyhf.generation.logits_process import (
    LogitsProcessor,
    LogitsProcessorList,
    MinLengthLogitsProcessor,
    MinNewTokensLengthLogitsProcessor,
    MinPLogitsWarper,
    NoRepeatNGramLogitsProcessor,
    PrefixConstrainedLogitsProcessor,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
    TypicalLogitsWarper,
)
from tinyhf.generation.stopping_criteria import (
    EosTokenCriteria,
    MaxLengthCriteria,
    MaxTimeCriteria,
    StoppingCriteria,
    StoppingCriteriaList,
    StopStringCriteria,
)
from tinyhf.generation.streamers import BaseStreamer, TextIteratorStreamer, TextStreamer
from tinyhf.generation.utils import GenerateDecoderOnlyOutput, GenerationMixin
from tinyhf.models.chatglm import ChatGLMForConditionalGeneration
from tinyhf.models.pretrained import PreTrainedModel

# Models live a floor below and know nothing of this one: here is where they learn to write.
PreTrainedModel.__bases__ += (GenerationMixin,)
ChatGLMForConditionalGeneration.__bases__ += (ChatGLMGenerationMixin,)

__all__ = [
    "BaseStreamer",
    "ChatGLMGenerationMixin",
    "EosTokenCriteria",
    "GenerateDecoderOnlyOutput",
    "GenerationMixin",
    "InvalidScoreLogitsProcessor",
    "LogitsProcessor",
    "LogitsProcessorList",
    "MaxLengthCriteria",
    "MaxTimeCriteria",
    "MinLengthLogitsProcessor",
    "MinNewTokensLengthLogitsProcessor",
    "MinPLogitsWarper",
    "NoRepeatNGramLogitsProcessor",
    "PrefixConstrainedLogitsProcessor",
    "RepetitionPenaltyLogitsProcessor",
    "StopStringCriteria",
    "StoppingCriteria",
    "StoppingCriteriaList",
    "TemperatureLogitsWarper",
    "TextIteratorStreamer",
    "TextStreamer",
    "TopKLogitsWarper",
    "TopPLogitsWarper",
    "TypicalLogitsWarper",
]
