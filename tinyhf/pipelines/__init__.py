"""Floor 7 · ``pipeline(task)``: from the name of a task to something that can be called.

Mirrors transformers/pipelines/__init__.py.
"""

import difflib

from tinyhf.configuration import AutoConfig
from tinyhf.errors import ArgumentError, note_once
from tinyhf.models import AutoModelForCausalLM
from tinyhf.pipelines.base import Pipeline
from tinyhf.pipelines.text_generation import TextGenerationPipeline
from tinyhf.tokenization import AutoTokenizer

#: task → its pipeline class ("impl"), the Auto classes that load its model ("np", where older
#: transformers had "pt" and "tf"), and the model used when none is named.
SUPPORTED_TASKS = {
    "text-generation": {
        "impl": TextGenerationPipeline,
        "np": (AutoModelForCausalLM,),
        "default": {"model": ("tinyhf/little-tales", None)},
        "type": "text",
    },
}
TASK_ALIASES = {}


def check_task(task):
    """The registry's row for a task.

    Returns:
        (normalized_task, targeted_task, task_options).

    Raises:
        ArgumentError: there is no such task.
    """
    normalized_task = TASK_ALIASES.get(task, task)
    if normalized_task in SUPPORTED_TASKS:
        return normalized_task, SUPPORTED_TASKS[normalized_task], None
    known = [*SUPPORTED_TASKS, *TASK_ALIASES]
    nearest = difflib.get_close_matches(str(task), known, n=1)
    raise ArgumentError(
        "there is no such task",
        where="task",
        wanted=" or ".join(known),
        got=task,
        fix=f"Did you mean {nearest[0]!r}?" if nearest else None,
    )


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
        task: a name of ``SUPPORTED_TASKS``; None means text-generation when a model is given.
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
    if task is None and model is None:
        raise ArgumentError("name a task, a model, or both", where="pipeline")
    _, targeted_task, _ = check_task(task or "text-generation")
    if pipeline_class is None:
        pipeline_class = targeted_task["impl"]
    if model is None:
        model, revision = targeted_task["default"]["model"]
        note_once(f"No model was named for {task}, so the bundled {model} is used.")

    hub_kwargs = {"revision": revision, "token": token, "trust_remote_code": trust_remote_code}
    if tokenizer is None:
        tokenizer = model if isinstance(model, str) else _tokenizer_name(model)
    if isinstance(tokenizer, str):
        tokenizer = AutoTokenizer.from_pretrained(tokenizer, **hub_kwargs)
    if isinstance(config, str):
        config = AutoConfig.from_pretrained(config, **hub_kwargs)
    if isinstance(model, str):
        (auto_class,) = targeted_task["np"]
        options = {"dtype": dtype or torch_dtype, "device_map": device_map, **(model_kwargs or {})}
        model = auto_class.from_pretrained(model, config=config, **hub_kwargs, **options)
    return pipeline_class(model=model, tokenizer=tokenizer, task=task, device=device, **kwargs)


def _tokenizer_name(model):
    if model.name_or_path:
        return model.name_or_path
    raise ArgumentError(
        "the model was not loaded from a folder that could hold its tokenizer",
        where="tokenizer",
        fix="Pass tokenizer=",
    )


__all__ = ["SUPPORTED_TASKS", "Pipeline", "TextGenerationPipeline", "check_task", "pipeline"]
