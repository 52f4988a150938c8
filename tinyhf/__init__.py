"""tinyhf: HuggingFace Transformers in plain NumPy arrays, so that you can see it.

The way from a name to text, one room a stage, each importing only from those before it:

    errors        what a user is told when something is wrong
    backend       arrays, devices, number types, random numbers
    hub           name → local file
    checkpoint    weight files → named arrays
    functional    formulas
    nn            modules, layers, the KV cache
    configuration config.json → typed config
    tokenization  text → ids
    models        one file a family; from_pretrained
    generation    ids → more ids
    inspection    what would be loaded, and why
    pipelines     text → text
    cli           the command ``tinyhf``
"""

from tinyhf.backend import bfloat16, float16, float32
from tinyhf.backend.random import TorchGenerator, set_seed
from tinyhf.configuration import AutoConfig, GenerationConfig
from tinyhf.generation import TextIteratorStreamer, TextStreamer
from tinyhf.models import (
    AutoModel,
    AutoModelForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    LlamaModel,
    PreTrainedModel,
)
from tinyhf.pipelines import pipeline
from tinyhf.tokenization import AutoTokenizer, LlamaTokenizer, PreTrainedTokenizerFast

__version__ = "0.1.0"

__all__ = [
    "AutoConfig",
    "AutoModel",
    "AutoModelForCausalLM",
    "AutoTokenizer",
    "GenerationConfig",
    "LlamaConfig",
    "LlamaForCausalLM",
    "LlamaModel",
    "LlamaTokenizer",
    "PreTrainedModel",
    "PreTrainedTokenizerFast",
    "TextIteratorStreamer",
    "TextStreamer",
    "TorchGenerator",
    "bfloat16",
    "float16",
    "float32",
    "pipeline",
    "set_seed",
]
