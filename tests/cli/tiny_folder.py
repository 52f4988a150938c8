"""A folder with a random Llama in shards and its tokenizer: small, whole, and free to be broken."""

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

import tinyhf
from tinyhf import BertConfig, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

CONTEXT = 64
TEMPLATE = (
    "{% for message in messages %}[{{ message.role }}] {{ message.content }} {% endfor %}"
    "{% if add_generation_prompt %}[assistant]{% endif %}"
)
SENTENCES = ["Once upon a time there was a little fox named Lily, who liked to play."]


def make_tiny_folder(folder, **changes):
    """Save model and tokenizer into ``folder``; ``changes`` are fields of the config."""
    tokenizer = tiny_tokenizer()
    tokenizer.save_pretrained(folder)
    sizes = {
        "vocab_size": len(tokenizer),
        "hidden_size": 16,
        "intermediate_size": 24,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": CONTEXT,
        "eos_token_id": None,
    }
    model = LlamaForCausalLM(LlamaConfig(**{**sizes, **changes})).init_weights(seed=0)
    model.save_pretrained(folder, max_shard_size="30KB")
    return folder


def tiny_tokenizer():
    """Byte-level, with ``<s>`` before every text."""
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=["<s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator(SENTENCES, trainer)
    backend.post_processor = processors.TemplateProcessing("<s> $A", special_tokens=[("<s>", 0)])
    return PreTrainedTokenizerFast(backend, bos_token="<s>")


def make_tiny_bert(folder, head, **changes):
    """Save a random BERT with ``head``, such as "ForMaskedLM", and its tokenizer."""
    words = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        *["the", "dog", "cat", "is", "happy", "sad", ".", ",", "this"],
    ]
    backend = Tokenizer(models.WordLevel({w: n for n, w in enumerate(words)}, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    backend.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    names = ("pad", "unk", "cls", "sep", "mask")
    special = {f"{name}_token": f"[{name.upper()}]" for name in names}
    tokenizer = PreTrainedTokenizerFast(backend, model_max_length=24, **special)
    tokenizer.save_pretrained(folder)
    sizes = {
        "vocab_size": len(words),
        "hidden_size": 16,
        "intermediate_size": 24,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "max_position_embeddings": 24,
        "initializer_range": 1.0,
    }
    model = getattr(tinyhf, f"Bert{head}")(BertConfig(**{**sizes, **changes}))
    model.init_weights(seed=0).save_pretrained(folder)
    return folder
