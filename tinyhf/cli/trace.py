"""Floor 8 · ``tinyhf trace``: every value that a model computes from a prompt, in a file."""

from tinyhf.cli.options import BUNDLED_MODEL, add_model_options
from tinyhf.configuration import AutoConfig
from tinyhf.inspection import trace
from tinyhf.models.auto import stored_class
from tinyhf.tokenization import AutoTokenizer

EXAMPLES = """examples:
  tinyhf trace "Once upon a time" -o t.safetensors
  tinyhf trace "Once upon a time" --names "*.self_attn.pattern" --max-new-tokens 5
"""


def add_options(command):
    """The prompt, the model, what to keep, and where."""
    command.add_argument("prompt", metavar="PROMPT", help="the text that the model reads")
    add_model_options(command, BUNDLED_MODEL, f"{BUNDLED_MODEL}, which comes with tinyhf")
    command.add_argument(
        "-o", "--output", metavar="FILE", help="a .safetensors file; without it a table is shown"
    )
    command.add_argument(
        "--names", metavar="GLOB", action="append", help='only these, such as "*.pattern"'
    )
    command.add_argument(
        "--max-new-tokens", type=int, metavar="N", help="generate N tokens, step by step"
    )


def command(args):
    """Keep every value that a model computes, to be looked at or compared."""
    model, inputs = load_with_inputs(args)
    with trace(model, args.names, file=args.output) as traced:
        if args.max_new_tokens is None:
            model(**inputs)
        else:
            model.generate(**inputs, max_new_tokens=args.max_new_tokens, do_sample=False)
    if args.output is None:
        print(traced)
    else:
        count = sum(map(len, traced.steps))
        print(f"{args.output}: {count} values, steps: {len(traced.steps)}")


def load_with_inputs(args):
    """The model of ``args.model``, in the class it was saved in, and the prompt as its inputs."""
    config = AutoConfig.from_pretrained(args.model)
    model = stored_class(config).from_pretrained(
        args.model, config=config, dtype=args.dtype, device_map=args.device
    )
    is_generating = getattr(args, "max_new_tokens", None) is not None
    return model, read_prompt(args.model, config, args.prompt, is_generating)


def read_prompt(name, config, prompt, is_generating=False):
    """The prompt as inputs of the model ``name``; a decoder that is called once needs some, too."""
    inputs = dict(AutoTokenizer.from_pretrained(name)(prompt, return_tensors="np"))
    if config.is_encoder_decoder and not is_generating:
        start = config.decoder_start_token_id
        inputs["decoder_input_ids"] = inputs["input_ids"][:, :1] * 0 + start
    return inputs
