"""Measures the tables of docs/numerics.md: how far tinyhf and torch are from the true numbers.

    pip install -e '.[test,parity]'
    python -m tests.measure_numerics

"True" is the Llama below, in float64 from the first number to the last. (transformers' model in
float64 would not do: its norms and its softmax go through float32.) An error is the largest
difference among all logits, as a share of the largest logit.
"""

import tempfile

import numpy
import torch
import transformers

from tests.tiny_llamas import positions, relative_error
from tinyhf import LlamaConfig, LlamaForCausalLM
from tinyhf.hub import bundled_folder
from tinyhf.nn import DynamicCache

SHAPES = {"2 × 64": (2, 64, 4), "4 × 256": (4, 256, 8), "4 × 1024": (4, 1024, 16)}
ROWS, LENGTH, VOCABULARY = 2, 64, 2000


def save_random_llama(folder, layers, hidden, heads):
    """A Llama whose matrices keep the size of what they multiply."""
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=heads // 2,
        initializer_range=hidden**-0.5,
        bos_token_id=None,
        eos_token_id=None,
        pad_token_id=0,
    )
    LlamaForCausalLM(config).init_weights(seed=0).save_pretrained(folder)


def true_logits(model, input_ids):
    """The logits of rows without padding, in float64; the weights are those of ``model``."""
    config = model.config
    weights = {name: array.astype("float64") for name, array in model.state_dict().items()}
    planes = numpy.arange(0, config.head_dim, 2) / config.head_dim
    angles = numpy.arange(input_ids.shape[1])[:, None] / config.rope_theta**planes
    hidden_later = numpy.triu(numpy.full([input_ids.shape[1]] * 2, -numpy.inf), 1)

    def linear(x, name):
        return x @ weights[f"{name}.weight"].T

    def norm(x, name):
        size = numpy.sqrt((x * x).mean(-1, keepdims=True) + config.rms_norm_eps)
        return x / size * weights[f"{name}.weight"]

    def split(x):
        return x.reshape(*x.shape[:2], -1, config.head_dim).swapaxes(1, 2)

    def turn(x):  # a plane is a complex number, turning it a product
        first, second = numpy.split(x, 2, axis=-1)
        turned = (first + 1j * second) * numpy.exp(1j * angles)
        return numpy.concatenate([turned.real, turned.imag], axis=-1)

    def attention(x, name):
        q, k, v = (split(linear(x, f"{name}.{letter}_proj")) for letter in "qkv")
        k, v = (numpy.repeat(y, q.shape[1] // k.shape[1], axis=1) for y in (k, v))
        scores = turn(q) @ turn(k).swapaxes(-1, -2) / config.head_dim**0.5 + hidden_later
        shares = numpy.exp(scores - scores.max(-1, keepdims=True))
        mixed = shares / shares.sum(-1, keepdims=True) @ v
        return linear(mixed.swapaxes(1, 2).reshape(*x.shape[:2], -1), f"{name}.o_proj")

    def mlp(x, name):
        gate = linear(x, f"{name}.gate_proj")
        gated = gate / (1 + numpy.exp(-gate)) * linear(x, f"{name}.up_proj")
        return linear(gated, f"{name}.down_proj")

    x = weights["model.embed_tokens.weight"][input_ids]
    for i in range(config.num_hidden_layers):
        layer = f"model.layers.{i}"
        x = x + attention(norm(x, f"{layer}.input_layernorm"), f"{layer}.self_attn")
        x = x + mlp(norm(x, f"{layer}.post_attention_layernorm"), f"{layer}.mlp")
    return linear(norm(x, "model.norm"), "lm_head")


def ours(folder, dtype):
    return LlamaForCausalLM.from_pretrained(folder, dtype=dtype)


def theirs(folder, dtype):
    return transformers.LlamaForCausalLM.from_pretrained(
        folder, dtype=dtype, attn_implementation="eager"
    ).eval()


def their_logits(model, input_ids):
    with torch.no_grad():
        return model(torch.from_numpy(input_ids)).logits.float().numpy()


def random_ids(rows=ROWS, vocabulary=VOCABULARY):
    return numpy.random.default_rng(1).integers(4, vocabulary, (rows, LENGTH))


def precision(name, folder, vocabulary=VOCABULARY):
    """One row a dtype: errors of both against the truth for the weights as they are stored."""
    input_ids = random_ids(vocabulary=vocabulary)
    for dtype in ("float32", "bfloat16", "float16"):
        model = ours(folder, dtype)
        our_logits, true = model(input_ids).logits, true_logits(model, input_ids)
        torch_logits = their_logits(theirs(folder, dtype), input_ids)
        errors = (
            relative_error(our_logits, true),
            relative_error(torch_logits, true),
            relative_error(our_logits, torch_logits),
        )
        print(f"| {name} | {dtype} |", " | ".join(f"{error:.1e}" for error in errors), "|")


def own_ways(name, folder, vocabulary=VOCABULARY):
    """Two of our own ways to the same logits: how far apart?"""
    model, input_ids = ours(folder, "float32"), random_ids(1, vocabulary)
    whole = model(input_ids).logits
    cache, steps = DynamicCache(), []
    for i in range(LENGTH):
        steps.append(model(input_ids[:, i : i + 1], past_key_values=cache).logits)
    padded = numpy.concatenate([numpy.zeros((1, 9), int), input_ids], axis=1)
    mask = (numpy.arange(LENGTH + 9) >= 9)[None].astype(int)
    told = model(padded, attention_mask=mask, position_ids=positions(mask)).logits[:, 9:]
    counted = model(padded, attention_mask=mask).logits[:, 9:]
    half = ours(folder, "bfloat16")
    stored = half(input_ids).logits
    for parameter, array in half.state_dict().items():
        half.set_parameter(parameter, array.astype("float32"))
    half.tie_weights()
    errors = (
        relative_error(numpy.concatenate(steps, axis=1), whole),
        relative_error(told, whole),
        relative_error(counted, whole),
        relative_error(stored, half(input_ids).logits),
    )
    print(f"| {name} |", " | ".join(f"{error:.1e}" for error in errors), "|")


def sampling(name, folder, texts=20, tokens=100):
    """The same seeds for both: how many tokens are equal, how far apart are probabilities?"""
    our_model, their_model = ours(folder, "float32"), theirs(folder, "float32")
    input_ids = random_ids(1)[:, :4] % 1000
    settings = {"do_sample": True, "max_new_tokens": tokens, "top_k": 0, "eos_token_id": None}
    equal, distance = 0, 0.0
    for seed in range(texts):
        our_text = our_model.generate(input_ids, seed=seed, **settings)
        torch.manual_seed(seed)
        their_text = their_model.generate(torch.from_numpy(input_ids), **settings).numpy()
        equal += (our_text == their_text)[:, 4:].sum()
        our_logits = torch.from_numpy(our_model(our_text).logits).double()
        their_probs = torch.from_numpy(their_logits(their_model, our_text)).double().softmax(-1)
        gaps = (our_logits.softmax(-1) / their_probs - 1).abs()
        distance = max(distance, gaps.max().item())
    print(f"| {name} | {equal} of {texts * tokens} | {distance:.1e} |")


def main():
    transformers.logging.set_verbosity_error()
    bundled = str(bundled_folder("little-tales"))
    with tempfile.TemporaryDirectory() as parent:
        folders = {}
        for name, shape in SHAPES.items():
            folders[name] = f"{parent}/{name}"
            save_random_llama(folders[name], *shape)
        print("\n| layers × hidden | weights stored as | tinyhf | torch | from each other |")
        for name, folder in folders.items():
            precision(name, folder)
        precision("little-tales", bundled, 1536)
        print("\n| | cached | padded, positions told | positions counted | bfloat16 / widened |")
        for name, folder in folders.items():
            own_ways(name, folder)
        own_ways("little-tales", bundled, 1536)
        print("\n| | equal tokens | probabilities, largest relative difference |")
        for name in ("2 × 64", "4 × 256"):
            sampling(name, folders[name])
        sampling("little-tales", bundled)


if __name__ == "__main__":
    main()
