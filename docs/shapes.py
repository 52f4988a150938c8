"""Every shape on the way through a model, in words: python docs/shapes.py llama (or bert, t5)

A model of one layer is made in which no two sizes are equal, so that each number in a shape can be
read back as the word it stands for. What is printed is a real trace.
"""

import sys

import numpy

import tinyhf
from tinyhf import AutoModelForCausalLM, AutoModelForMaskedLM, AutoModelForSeq2SeqLM
from tinyhf.models import BertConfig, LlamaConfig, T5Config

SIZES = {"vocab_size": 99, "hidden_size": 40, "intermediate_size": 80, "num_hidden_layers": 1}
WORDS = {2: "batch", 5: "seq", 8: "heads", 6: "head_dim", 40: "hidden", 80: "intermediate"}
WORDS |= {99: "vocab", 48: "heads·head_dim"}


def ids(length):
    return numpy.ones((2, length), int)


def llama():
    """Five new tokens behind four that are in the cache."""
    heads = {"num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 6}
    model = AutoModelForCausalLM.from_config(LlamaConfig(**SIZES, **heads), seed=0)
    cache = model(ids(4)).past_key_values
    words = {4: "kv_heads", 24: "kv_heads·head_dim", 9: "total"}
    return model, {"input_ids": ids(5), "past_key_values": cache}, WORDS | words


def bert():
    """A hidden state is all heads side by side."""
    sizes = {**SIZES, "hidden_size": 48}
    config = BertConfig(**sizes, num_attention_heads=8)
    model = AutoModelForMaskedLM.from_config(config, seed=0)
    return model, {"input_ids": ids(5)}, WORDS | {48: "hidden"}


def t5():
    """Five tokens of a text are read, three of the answer are there."""
    config = T5Config(vocab_size=99, d_model=40, d_ff=80, d_kv=6, num_heads=8, num_layers=1)
    model = AutoModelForSeq2SeqLM.from_config(config, seed=0)
    inputs = {"input_ids": ids(5), "decoder_input_ids": ids(3)}
    return model, inputs, WORDS | {5: "source", 3: "target"}


FAMILIES = {"llama": llama, "bert": bert, "t5": t5}


def main(family="llama", *names):
    model, inputs, words = FAMILIES[family]()
    with tinyhf.trace(model, names or None) as t:
        model(**inputs)
    width = max(map(len, t))
    for name, value in t.items():
        print(f"{name:{width}}  ({', '.join(words.get(size, str(size)) for size in value.shape)})")


if __name__ == "__main__":
    main(*sys.argv[1:])
