"""Floor 8 · ``tinyhf run``: the answers of any pipeline, as a table or as JSON."""

import json
import sys

from tinyhf.cli.answers import print_answers
from tinyhf.cli.options import add_model_options
from tinyhf.errors import ArgumentError
from tinyhf.pipelines import SUPPORTED_TASKS, TASK_ALIASES, check_task, pipeline

EXAMPLES = """examples:
  tinyhf run sentiment-analysis "The dog was happy." "The cat was sad."
  tinyhf run question-answering "Lily has a red ball." --question "What does Lily have?"
  cat lines.txt | tinyhf run text-generation --set max_new_tokens=20 --json
"""

QUESTION_ANSWERING = "question-answering"

#: Option → the task that has it, and cannot do without; all others are checked by the pipelines.
REQUIRED = {"question": QUESTION_ANSWERING, "candidate_labels": "zero-shot-classification"}


def add_options(command):
    """The task, its texts, the model, and what the task may be told."""
    tasks = ", ".join([*SUPPORTED_TASKS, *TASK_ALIASES])
    command.add_argument("task", metavar="TASK", help=f"one of: {tasks}")
    command.add_argument(
        "texts",
        metavar="TEXT",
        nargs="*",
        help='"-" or a pipe reads them from the standard input, one a line',
    )
    add_model_options(command, None, "the task's bundled model")
    command.add_argument("--json", action="store_true", help="one JSON document, for machines")
    what = command.add_argument_group("what the task is told")
    what.add_argument("--question", metavar="TEXT", help="what is asked about every TEXT")
    what.add_argument("--context", metavar="TEXT", help="another name for TEXT, with --question")
    what.add_argument("--candidate-labels", metavar="A,B", help="the labels to choose from")
    what.add_argument("--top-k", type=int, metavar="K", help="show the K best answers")
    what.add_argument("--aggregation-strategy", metavar="HOW", help='such as "simple", for words')
    what.add_argument(
        "--set",
        dest="settings",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="any other argument of the task's pipeline; the value is read as JSON, or as text",
    )


def command(args):
    """Run a task on texts: sentiment, names, answers, translations …"""
    options = task_options(args)
    texts, is_one = read_texts(args)
    pipe = pipeline(args.task, args.model, dtype=args.dtype, device_map=args.device)
    answers = [answer(pipe, text, options) for text in texts]
    if args.json:
        result = answers[0] if is_one else answers
        print(json.dumps(result, ensure_ascii=False, indent=2, default=lambda x: x.tolist()))
    else:
        print_answers(texts, answers)


def answer(pipe, text, options):
    """What the pipeline says to one text, which is a question's context where there is one."""
    if "question" in options:
        return pipe(context=text, **options)
    return pipe(text, **options)


def task_options(args):
    """The keywords for the pipeline's call.

    Raises:
        ArgumentError: an option that this task does not have, or lacks.
    """
    task, _, _ = check_task(args.task)
    names = (*REQUIRED, "top_k", "aggregation_strategy")
    given = {name: value for name in names if (value := getattr(args, name)) is not None}
    for name, owner in REQUIRED.items():
        where = "--" + name.replace("_", "-")
        if name in given and task != owner:
            raise ArgumentError(f"it is for {owner} only", where=where, got=args.task)
        if name not in given and task == owner:
            raise ArgumentError(f"{args.task} needs it", where=where)
    if "candidate_labels" in given:
        given["candidate_labels"] = [x.strip() for x in given["candidate_labels"].split(",")]
    return given | dict(setting(text) for text in args.settings)


def setting(text):
    """``"max_new_tokens=5"`` → its name and value."""
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise ArgumentError("not a setting", where="--set", wanted="NAME=VALUE", got=text)
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value


def read_texts(args):
    """The texts, and whether it is one by itself, whose answer then stands by itself in JSON.

    Raises:
        ArgumentError: there are none.
    """
    if args.context is not None and args.question is None:
        raise ArgumentError("there is no question about it", where="--context")
    texts = args.texts if args.context is None else [*args.texts, args.context]
    from_pipe = texts == ["-"] or (not texts and not sys.stdin.isatty())
    if from_pipe:
        texts = [line.removesuffix("\n") for line in sys.stdin if line.strip()]
    if not any(text.strip() for text in texts):
        raise ArgumentError("there is nothing to read", where="TEXT", fix="Write it after the task")
    return texts, len(texts) == 1 and not from_pipe
