"""Draws trace.png, three looks at one trace: python docs/images/make_trace_figure.py

Needs matplotlib: pip install -e '.[notebooks]'
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy

import tinyhf
from tinyhf import AutoModelForCausalLM, AutoTokenizer
from tinyhf.functional import softmax
from tinyhf.recipes.notebooks import attention_map

PROMPT = "Ben had a red ball. He liked to play with his red"


def main(path):
    name = "tinyhf/little-tales"
    tokenizer = AutoTokenizer.from_pretrained(name)
    model = AutoModelForCausalLM.from_pretrained(name)
    inputs = tokenizer(PROMPT, return_tensors="np")
    with tinyhf.trace(model) as t:
        model(**inputs)
    labels = [tokenizer.decode(token).strip() for token in inputs["input_ids"][0]]

    figure, axes = plt.subplots(1, 3, figsize=(11, 3.9), width_ratios=[1.15, 1.15, 0.8])
    draw_attention(axes[0], t, labels)
    draw_residuals(axes[1], t, labels)
    draw_next_token(axes[2], t, tokenizer)
    figure.tight_layout(w_pad=2)
    figure.savefig(path, dpi=100, metadata={"Software": None})


def draw_attention(axis, t, labels):
    """Of all heads, the one that looks hardest from the last "red" to what followed the first."""
    target = labels.index("red") + 1
    patterns = {name: x[0] for name, x in t.items() if name.endswith(".pattern")}
    layer, head = max(
        ((name, head) for name, x in patterns.items() for head in range(len(x))),
        key=lambda place: patterns[place[0]][place[1], -1, target],
    )
    title = f"…layers.{layer.split('.')[2]}.self_attn.pattern, head {head}"
    attention_map(axis, patterns[layer][head], labels, title)


def draw_residuals(axis, t, labels):
    """How long each token's vector is after every layer."""
    names = [name for name in t if name.removeprefix("model.layers.").isdigit()]
    stages = ["model.embed_tokens", *names]
    norms = numpy.array([numpy.linalg.norm(t[name][0], axis=-1) for name in stages])
    image = axis.imshow(numpy.log10(norms), cmap="viridis", aspect="auto", origin="lower")
    axis.set_yticks(range(len(stages)), ["embed", *(f"layer {n}" for n in range(len(names)))])
    axis.set_xticks(range(len(labels)), labels, rotation=90)
    axis.tick_params(labelsize=8)
    axis.set_title("length of the residual, log10", fontsize=9)
    axis.figure.colorbar(image, ax=axis).ax.tick_params(labelsize=8)


def draw_next_token(axis, t, tokenizer, count=8):
    """The most probable next tokens."""
    probabilities = softmax(t["logits"][0, -1])
    best = probabilities.argsort()[: -count - 1 : -1]
    axis.barh(range(count), probabilities[best], color="#3572b0")
    axis.set_yticks(range(count), [tokenizer.decode(token).strip() for token in best])
    axis.invert_yaxis()
    axis.tick_params(labelsize=8)
    axis.set_title("softmax of the last logits", fontsize=9)


if __name__ == "__main__":
    main(Path(__file__).parent / "trace.png")
