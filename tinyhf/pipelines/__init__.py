"""Floor 7 · ``pipeline(task)``: from the name of a task to something that can be called.

Mirrors transformers/pipelines/__init__.py.
"""

import os

from tinyhf.configuration import AutoConfig
from tinyhf.errors import ArgumentError, note_once
from tinyhf.models import (
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    AutoModelForQuestionAnswering,
    AutoModelForSeq2SeqLM,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
)
from tinyhf.pipelines.base import ChunkPipeline, Pipeline
from tinyhf.pipelines.feature_extraction import FeatureExtractionPipeline
from tinyhf.pipelines.fill_mask import FillMaskPipeline
from tinyhf.pipelines.question_answering import QuestionAnsweringPipeline
from tinyhf.pipelines.registry import (
    PipelineRegistry,
    check_model,
    default_model,
    infer_task,
    load_model,
)
from tinyhf.pipelines.text2text_generation import (
    SummarizationPipeline,
    Text2TextGenerationPipeline,
)
from tinyhf.pipelines.text_classification import TextClassificationPipeline
from tinyhf.pipelines.text_generation import TextGenerationPipeline
from tinyhf.pipelines.token_classification import TokenClassificationPipeline
from tinyhf.pipelines.translation import TranslationPipeline
from tinyhf.pipelines.zero_shot_classification import ZeroShotClassificationPipeline
from tinyhf.tokenization import AutoTokenizer

#: task → its pipeline class ("impl"), the Auto classes that load its model ("np", where older
#: transformers had "pt" and "tf"), and the bundled model used when none is named.
SUPPORTED_TASKS = {
    "text-generation": {
        "impl": TextGenerationPipeline,
        "np": (AutoModelForCausalLM,),
        "default": {"model": ("tinyhf/little-tales", None)},
        "type": "text",
    },
    "text-classification": {
        "impl": TextClassificationPipeline,
        "np": (AutoModelForSequenceClassification,),
        "default": {"model": ("tinyhf/little-tales-sentiment", None)},
        "type": "text",
    },
    "token-classification": {
        "impl": TokenClassificationPipeline,
        "np": (AutoModelForTokenClassification,),
        "default": {"model": ("tinyhf/little-tales-tagger", None)},
        "type": "text",
    },
    "fill-mask": {
        "impl": FillMaskPipeline,
        "np": (AutoModelForMaskedLM,),
        "default": {"model": ("tinyhf/little-tales-gaps", None)},
        "type": "text",
    },
    "feature-extraction": {
        "impl": FeatureExtractionPipeline,
        "np": (AutoModel,),
        "default": {"model": ("tinyhf/little-tales-gaps", None)},
        "type": "text",
    },
    "question-answering": {
        "impl": QuestionAnsweringPipeline,
        "np": (AutoModelForQuestionAnswering,),
        "default": {"model": ("tinyhf/little-tales-answers", None)},
        "type": "text",
    },
    "translation": {
        "impl": TranslationPipeline,
        "np": (AutoModelForSeq2SeqLM,),
        "default": {("en", "fr"): {"model": ("tinyhf/little-tales-french", None)}},
        "type": "text",
    },
    "summarization": {
        "impl": SummarizationPipeline,
        "np": (AutoModelForSeq2SeqLM,),
        "default": {},
        "type": "text",
    },
    "text2text-generation": {
        "impl": Text2TextGenerationPipeline,
        "np": (AutoModelForSeq2SeqLM,),
        "default": {"model": ("tinyhf/little-tales-french", None)},
        "type": "text",
    },
    "zero-shot-classification": {
        "impl": ZeroShotClassificationPipeline,
        "np": (AutoModelForSequenceClassification,),
        "default": {},
        "type": "text",
    },
}

TASK_ALIASES = {
    "sentiment-analysis": "text-classification",
    "ner": "token-classification",
}

PIPELINE_REGISTRY = PipelineRegistry(SUPPORTED_TASKS, TASK_ALIASES)


def check_task(task):
    """(normalized_task, its row of ``SUPPORTED_TASKS``, task_options) for any name of a task.

    Raises:
        ArgumentError: there is no such task.
    """
    return PIPELINE_REGISTRY.check_task(task)


def get_supported_tasks():
    """The names of all tasks, sorted."""
    return PIPELINE_REGISTRY.get_supported_tasks()


def pipeline(
    task=None,
    model=None,
    config=None,
    tokenizer=None,
    *,
    revision=None,
    token=None,
    device=None,
    device_map=None,
    dtype=None,
    torch_dtype=None,
    trust_remote_code=None,
    model_kwargs=None,
    pipeline_class=None,
    **kwargs,
):
    """Make the pipeline of a task.

    Args:
        task: a name of ``SUPPORTED_TASKS`` or ``TASK_ALIASES``; None is what the model is made for.
        model: a name or folder, or a loaded model; None is the task's bundled model.
        config: a config, or the name of one, in place of the model's own.
        tokenizer: a name, or a loaded tokenizer; None is the model's own.
        revision, token, trust_remote_code: for the hub, see ``HubOptions``.
        device: "cpu", "cuda", "cuda:1", a number, or -1 for the CPU.
        device_map, dtype (or torch_dtype), model_kwargs: for ``from_pretrained``.
        pipeline_class: a class of your own in place of the registered one.
        kwargs: defaults for every call of the pipeline.

    Raises:
        ArgumentError: the task does not exist, or a part of it is missing.
    """
    for unused in ("framework", "use_fast", "feature_extractor", "image_processor", "processor"):
        kwargs.pop(unused, None)  # transformers has them; text needs a tokenizer only
    hub_kwargs = {"revision": revision, "token": token, "trust_remote_code": trust_remote_code}
    model = str(model) if isinstance(model, os.PathLike) else model
    _check_parts(model, tokenizer, model_kwargs, pipeline_class)
    if device is not None and device_map is not None:
        raise ArgumentError("device and device_map exclude each other", where="pipeline")
    if task is None:
        task = _task_of(model, hub_kwargs)
    _, targeted_task, task_options = check_task(task)
    if model is None:
        model, hub_kwargs["revision"] = default_model(task, targeted_task, task_options)
        note_once(f"No model was named for {task}, so the bundled {model} is used.")

    if tokenizer is None:
        tokenizer = model if isinstance(model, str) else _tokenizer_name(model)
    if isinstance(tokenizer, str):
        tokenizer = AutoTokenizer.from_pretrained(tokenizer, **hub_kwargs)
    if isinstance(config, str):
        config = AutoConfig.from_pretrained(config, **hub_kwargs)
    options = {"dtype": dtype or torch_dtype, "device_map": device_map, **(model_kwargs or {})}
    if isinstance(model, str):
        model = load_model(model, task, targeted_task, config=config, **hub_kwargs, **options)
    elif any(value is not None for value in options.values()):
        note_once("The model is loaded already: dtype, device_map and model_kwargs are not used.")
    check_model(model, task, targeted_task)
    pipeline_class = pipeline_class or targeted_task["impl"]
    return pipeline_class(model=model, tokenizer=tokenizer, task=task, device=device, **kwargs)


def _check_parts(model, tokenizer, model_kwargs, pipeline_class):
    """Raise ArgumentError for a part that cannot be one."""
    parts = [
        ("model", model, "a name, a folder or a loaded model", hasattr(model, "forward")),
        ("tokenizer", tokenizer, "a name, a folder or a loaded tokenizer", callable(tokenizer)),
        ("model_kwargs", model_kwargs, "a dict", isinstance(model_kwargs, dict)),
        ("pipeline_class", pipeline_class, "a subclass of Pipeline", callable(pipeline_class)),
    ]
    for where, got, wanted, fits in parts:
        is_name = isinstance(got, str) and where in ("model", "tokenizer")
        if not (fits or is_name or got is None):
            raise ArgumentError("not what it should be", where=where, wanted=wanted, got=got)


def _task_of(model, hub_kwargs):
    """The task a model is made for, given its name or the model."""
    if model is None:
        raise ArgumentError("name a task, a model, or both", where="pipeline")
    if not isinstance(model, str):
        return infer_task([type(model).__name__], "the model")
    return infer_task(AutoConfig.from_pretrained(model, **hub_kwargs).architectures, model)


def _tokenizer_name(model):
    if getattr(model, "name_or_path", None):
        return model.name_or_path
    raise ArgumentError(
        "the model was not loaded from a folder that could hold its tokenizer",
        where="tokenizer",
        fix="Pass tokenizer=",
    )


__all__ = [
    "PIPELINE_REGISTRY",
    "SUPPORTED_TASKS",
    "TASK_ALIASES",
    "ChunkPipeline",
    "FeatureExtractionPipeline",
    "FillMaskPipeline",
    "Pipeline",
    "PipelineRegistry",
    "QuestionAnsweringPipeline",
    "SummarizationPipeline",
    "Text2TextGenerationPipeline",
    "TextClassificationPipeline",
    "TextGenerationPipeline",
    "TokenClassificationPipeline",
    "TranslationPipeline",
    "ZeroShotClassificationPipeline",
    "check_task",
    "get_supported_tasks",
    "pipeline",
]
