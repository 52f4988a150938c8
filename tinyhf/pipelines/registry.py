"""Floor 7 · The registry: which pipeline a task's name stands for, and which task fits a model.

Mirrors PipelineRegistry of transformers/pipelines/base.py; the table itself is in ``__init__.py``.
"""

import difflib

from tinyhf.errors import ArgumentError, ConfigError, note_once
from tinyhf.models.auto import FAMILIES

#: Parts of the names of transformers' tasks that read or make something other than text.
NOT_TEXT = ("image", "vision", "visual", "vqa", "video", "object", "depth", "mask-", "keypoint")
NOT_TEXT += ("audio", "speech", "document", "table", "any-to-any")

#: The end of a model class's name → the task it is made for; the first that fits.
TASK_OF_ARCHITECTURE = {
    "ForSequenceClassification": "text-classification",
    "ForTokenClassification": "token-classification",
    "ForQuestionAnswering": "question-answering",
    "ForMaskedLM": "fill-mask",
    "ForPreTraining": "fill-mask",
    "ForCausalLM": "text-generation",
    "LMHeadModel": "text-generation",
    "MarianMTModel": "translation",
    "ForConditionalGeneration": "text2text-generation",
    "ForNextSentencePrediction": None,
    "Model": "feature-extraction",
}


class PipelineRegistry:
    """The tasks there are, their other names, and a way to add one's own.

    Args:
        supported_tasks: task → row, see ``SUPPORTED_TASKS``.
        task_aliases: another name → task.
    """

    def __init__(self, supported_tasks, task_aliases):
        self.supported_tasks, self.task_aliases = supported_tasks, task_aliases

    def get_supported_tasks(self):
        """All names that can be asked for, sorted."""
        return sorted([*self.supported_tasks, *self.task_aliases])

    def check_task(self, task):
        """The row of a task.

        Returns:
            (normalized_task, targeted_task, task_options): "ner" is "token-classification";
            "translation_en_to_fr" is "translation" with the options ("en", "fr").

        Raises:
            ArgumentError: there is no such task.
        """
        normalized_task, task_options = self.task_aliases.get(task, task), None
        if isinstance(task, str) and task.startswith("translation_"):
            normalized_task, task_options = "translation", languages_of(task)
        if normalized_task not in self.supported_tasks:
            raise self.unknown_task(task)
        return normalized_task, self.supported_tasks[normalized_task], task_options

    def unknown_task(self, task):
        """The error for a name that is in no table."""
        known = self.get_supported_tasks()
        problem, nearest = "there is no such task", difflib.get_close_matches(str(task), known, n=1)
        fix = f"Did you mean {nearest[0]!r}?" if nearest else None
        if any(word in str(task) for word in NOT_TEXT):
            problem, fix = "this task needs more than text, and tinyhf works with text only", None
        if task == "conversational":
            fix = "A chat, as a list of messages, goes to 'text-generation'"
        return ArgumentError(problem, where="task", wanted=" or ".join(known), got=task, fix=fix)

    def register_pipeline(
        self, task, pipeline_class, pt_model=None, default=None, type=None, *, model=None
    ):
        """Add a task of your own, or replace one.

        Args:
            task: its name.
            pipeline_class: a subclass of ``Pipeline``.
            model, or pt_model as transformers calls it: the class that loads its model, with
                ``from_pretrained``, or a tuple of such classes.
            default: the model used when none is named: ``{"model": (name, revision)}``.
            type: "text", for those who ask.
        """
        if not callable(pipeline_class) or not hasattr(pipeline_class, "preprocess"):
            wanted = "a subclass of Pipeline"
            raise ArgumentError(
                "not a pipeline", where="pipeline_class", wanted=wanted, got=pipeline_class
            )
        if task in self.supported_tasks:
            note_once(f"The task {task!r} was there already; from now on it is the new one.")
        classes = model or pt_model or ()
        row = {
            "impl": pipeline_class,
            "np": classes if isinstance(classes, tuple) else (classes,),
            "default": default or {},
            "type": type,
        }
        self.supported_tasks[task] = row
        return row

    def to_dict(self):
        """task → row."""
        return self.supported_tasks


def languages_of(task):
    """("en", "fr") of "translation_en_to_fr"."""
    source, _, target = task.removeprefix("translation_").partition("_to_")
    if source and target:
        return source, target
    wanted = "translation_XX_to_YY"
    raise ArgumentError("this names no two languages", where="task", wanted=wanted, got=task)


def infer_task(architectures, name):
    """The task of a model, from the names of its classes in config.json.

    Raises:
        ArgumentError: they tell nothing, or no task fits.
    """
    for architecture in architectures or ():
        fitting = [end for end in TASK_OF_ARCHITECTURE if architecture.endswith(end)]
        if fitting and TASK_OF_ARCHITECTURE[fitting[0]]:
            return TASK_OF_ARCHITECTURE[fitting[0]]
    raise ArgumentError(
        f"what {name or 'the model'} is made for cannot be told from its config",
        where="task",
        wanted=f"architectures that end in {', '.join(TASK_OF_ARCHITECTURE)}",
        got=architectures,
        fix='Name the task: pipeline("text-classification", model)',
    )


def default_model(task, targeted_task, task_options):
    """(name, revision) of the model a task has when none is named.

    Raises:
        ArgumentError: the task has none.
    """
    default = targeted_task.get("default") or {}
    if "model" in default:
        return default["model"]
    pairs = {pair: row["model"] for pair, row in default.items()}
    if task_options in pairs:
        return pairs[task_options]
    if pairs and task_options is None:
        return next(iter(pairs.values()))
    raise ArgumentError(
        f"no model comes with tinyhf for {task!r}",
        where="model",
        fix=f"Name one: pipeline({task!r}, model=…)"
        + "".join(f"; there is one for translation_{a}_to_{b}" for a, b in pairs),
    )


def load_model(name, task, targeted_task, **options):
    """The model called ``name``, by the first of the task's Auto classes that knows its family.

    Raises:
        ArgumentError: the task names no class.
        ConfigError: no class of the task knows the family.
    """
    refused = ArgumentError(
        f"the task {task!r} names no class that could load {name}",
        where="model",
        fix="Pass a loaded model, or register the task with model=AutoModel…",
    )
    for auto_class in targeted_task["np"]:
        try:
            return auto_class.from_pretrained(name, **options)
        except ConfigError as error:
            refused = error
    raise refused


def check_model(model, task, targeted_task):
    """Raise ArgumentError if a model has another head than the task needs.

    Models of one's own, and tasks of one's own that name no Auto class, are not judged.
    """
    family = FAMILIES.get(type(getattr(model, "config", None)), {})
    heads = [getattr(auto_class, "head", "base") for auto_class in targeted_task["np"]]
    fitting = [family[head] for head in heads if head in family]
    if type(model) in fitting or type(model) not in family.values() or "base" in heads or not heads:
        return
    if task == "text-generation" and model.can_generate():  # such as ChatGLM
        return
    wanted = " or ".join(fit.__name__ for fit in fitting) or "a model of another family"
    got = type(model).__name__
    raise ArgumentError(f"{got} does not do {task}", where="model", wanted=wanted)
