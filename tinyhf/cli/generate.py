"""Floor 8 · ``tinyhf generate``: a prompt is continued, and the text appears as it is made."""

import contextlib
import sys

from tinyhf.cli.options import (
    BUNDLED_MODEL,
    add_model_options,
    add_sampling_options,
    generation_settings,
)
from tinyhf.cli.streaming import WholeTextStreamer
from tinyhf.configuration import AutoConfig
from tinyhf.errors import ArgumentError
from tinyhf.inspection import stop_at
from tinyhf.pipelines import pipeline

DEFAULT_PROMPT = "Once upon a time"

EXAMPLES = """examples:
  tinyhf generate "Once upon a time"
  tinyhf generate "The cat" --temperature 0.7 --top-p 0.95 --seed 1
  tinyhf generate "Hello" --model TinyLlama/TinyLlama-1.1B-Chat-v1.0 --dtype bfloat16 --greedy
  echo "One day" | tinyhf generate --max-new-tokens 50
  tinyhf generate "Once upon a time" --stop-at model.layers.0.self_attn.scores
"""


def add_options(command):
    """The prompt, the model, and how to write."""
    command.add_argument(
        "prompt",
        metavar="PROMPT",
        nargs="?",
        help=f'the beginning of the text; "-" or a pipe reads it from the standard input; '
        f'without one, "{DEFAULT_PROMPT}"',
    )
    add_model_options(command, BUNDLED_MODEL, f"{BUNDLED_MODEL}, which comes with tinyhf")
    how = add_sampling_options(command)
    how.add_argument(
        "--num-return-sequences",
        type=int,
        metavar="N",
        help="so many texts, each under a line with its number",
    )
    command.add_argument(
        "--stop-at",
        metavar="NAME",
        help="open the debugger where this value is made, by the names of tinyhf.trace",
    )
    old = command.add_argument_group("as in run_generation.py of transformers")
    old.add_argument("--prompt", dest="prompt_option", metavar="PROMPT", help="as the one above")
    old.add_argument("--model-type", metavar="TYPE", help="refuse a model of another type")
    old.add_argument("--fp16", action="store_true", help="as --dtype float16")


def command(args):
    """Continue a prompt; the text appears as it is made."""
    settings = generation_settings(args)
    dtype = chosen_dtype(args)
    prompt = read_prompt(chosen_prompt(args))
    check_model_type(args)
    pipe = pipeline("text-generation", args.model, dtype=dtype, device_map=args.device)
    check_context(pipe, prompt, args.model)
    with contextlib.nullcontext() if args.stop_at is None else stop_at(args.stop_at):
        write(pipe, prompt, settings)


def write(pipe, prompt, settings):
    """One text as it is made, or several under their numbers."""
    if settings.get("num_return_sequences", 1) == 1:
        streamer = WholeTextStreamer(pipe.tokenizer, skip_special_tokens=True)
        pipe(prompt, streamer=streamer, **settings)
        return
    for number, record in enumerate(pipe(prompt, **settings), start=1):
        print(f"=== GENERATED SEQUENCE {number} ===\n{record['generated_text']}")


def chosen_dtype(args):
    """``--dtype``, or what ``--fp16`` stands for."""
    if args.fp16 and args.dtype not in (None, "float16"):
        fix = "Leave out one of them."
        raise ArgumentError("they contradict each other", where="--fp16, --dtype", fix=fix)
    return "float16" if args.fp16 else args.dtype


def chosen_prompt(args):
    """The prompt as it stands, or that of ``--prompt``."""
    if args.prompt is not None and args.prompt_option is not None:
        fix = "Leave out one of them."
        raise ArgumentError("there are two prompts", where="PROMPT, --prompt", fix=fix)
    return args.prompt if args.prompt_option is None else args.prompt_option


def check_model_type(args):
    """Refuse a model that is not of the type its user takes it for."""
    if args.model_type is None:
        return
    found = AutoConfig.from_pretrained(args.model).model_type
    if found != args.model_type.lower():
        raise ArgumentError(
            "the model is of another type",
            where="--model-type",
            wanted=found,
            got=args.model_type,
            fix="Leave it out: the model's files say it.",
        )


def read_prompt(prompt):
    """The prompt given, or the one in the pipe, or, at a terminal, a first one to try.

    Raises:
        ArgumentError: there is nothing in it.
    """
    if prompt is None and sys.stdin.isatty():
        return DEFAULT_PROMPT
    if prompt in (None, "-"):
        prompt = sys.stdin.read().removesuffix("\n")
    if not prompt.strip():
        fix = f'Write the beginning of a text, such as "{DEFAULT_PROMPT}".'
        raise ArgumentError("there is nothing in it", where="prompt", fix=fix)
    return prompt


def check_context(pipe, prompt, name):
    """Refuse a prompt that leaves no room for an answer."""
    tokens = len(pipe.tokenizer(prompt)["input_ids"])
    context = getattr(pipe.model.config, "max_position_embeddings", None)
    if context is not None and tokens >= context:
        raise ArgumentError(
            "the prompt is longer than this model can read",
            where=name,
            wanted=f"less than {context} tokens (max_position_embeddings)",
            got=tokens,
            fix="Shorten it.",
        )
