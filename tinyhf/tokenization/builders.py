"""Floor 4 · A ``tokenizers.Tokenizer`` from a vocabulary: vocab.txt, or vocab.json and merges.txt.

Mirrors transformers/convert_slow_tokenizer.py. Each builder puts the same five parts together:
normalizer → pre-tokenizer → model → post-processor, and a decoder for the way back. SentencePiece
files have their own (``sentencepiece_builders``).
"""

from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from tinyhf.errors import TokenizerError
from tinyhf.tokenization.backend_files import read_json
from tinyhf.tokenization.switches import put_around_text

# A word of Qwen: what follows an apostrophe, letters with the sign before them, a single digit,
# signs, line ends, spaces.
QWEN2_WORDS = "|".join(
    [
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)",
        r"[^\r\n\p{L}\p{N}]?\p{L}+",
        r"\p{N}",
        r" ?[^\s\p{L}\p{N}]+[\r\n]*",
        r"\s*[\r\n]+",
        r"\s+(?!\S)",
        r"\s+",
    ]
)


def build_word_piece(tokens, settings, *, vocab_file):
    """BERT: words, cut into the longest pieces of vocab.txt (one a line; ## continues a word).

    Args:
        tokens: ``{"cls_token": "[CLS]", …}``, the special tokens by name.
        settings: of tokenizer_config.json; :func:`set_bert_options` are set later.
    """
    lines = _read_text(vocab_file).removesuffix("\n").split("\n")
    vocab = {line: index for index, line in enumerate(lines)}
    backend = Tokenizer(models.WordPiece(vocab, unk_token=tokens["unk_token"]))
    backend.normalizer = normalizers.BertNormalizer()
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.decoder = decoders.WordPiece(prefix="##")
    cls, sep = tokens["cls_token"], tokens["sep_token"]
    check_known(backend, [tokens["unk_token"], cls, sep], vocab_file)
    single, pair = [cls, "$A", sep], [cls, "$A", sep, "$B:1", f"{sep}:1"]
    put_around_text(backend, single, pair, [cls, sep])
    return backend


def set_bert_options(backend, settings):
    """Whether BERT's letters become small ones (yes unless told otherwise), lose their accents (if
    they become small), and Chinese characters are words (yes); a setting that is missing leaves it
    as it is."""
    for name, option in (
        ("do_lower_case", "lowercase"),
        ("strip_accents", "strip_accents"),
        ("tokenize_chinese_chars", "handle_chinese_chars"),
    ):
        if name in settings and isinstance(backend.normalizer, normalizers.BertNormalizer):
            setattr(backend.normalizer, option, settings[name])


def build_byte_level(tokens, settings, *, vocab_file, merges_file):
    """GPT-2: bytes, joined to ever longer pieces in the order of merges.txt."""
    vocab, merges = read_vocabulary(vocab_file), _read_merges(merges_file)
    try:
        model = models.BPE(vocab, merges)
    except Exception as error:  # the library raises nothing more precise
        raise TokenizerError(f"does not fit {vocab_file}: {error}", where=merges_file) from error
    backend = Tokenizer(model)
    prefix = settings.get("add_prefix_space") or False
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix)
    backend.post_processor = processors.ByteLevel(trim_offsets=False)
    backend.decoder = decoders.ByteLevel()
    return backend


def build_qwen2(tokens, settings, *, vocab_file, merges_file):
    """Qwen 2 and 3: GPT-2's pieces of other words; letters with accents are one character each."""
    backend = build_byte_level(tokens, settings, vocab_file=vocab_file, merges_file=merges_file)
    byte_level = backend.pre_tokenizer
    byte_level.use_regex = False
    words = pre_tokenizers.Split(Regex(QWEN2_WORDS), "isolated")
    backend.pre_tokenizer = pre_tokenizers.Sequence([words, byte_level])
    backend.normalizer = normalizers.NFC()
    return backend


def build_roberta(tokens, settings, *, vocab_file, merges_file):
    """RoBERTa and BART: GPT-2's pieces between <s> and </s>, a pair with </s></s> in the middle."""
    backend = build_byte_level(tokens, settings, vocab_file=vocab_file, merges_file=merges_file)
    cls, sep = tokens["cls_token"], tokens["sep_token"]
    check_known(backend, [cls, sep], vocab_file)
    backend.post_processor = processors.RobertaProcessing(
        (sep, backend.token_to_id(sep)),
        (cls, backend.token_to_id(cls)),
        trim_offsets=settings.get("trim_offsets", True),
        add_prefix_space=settings.get("add_prefix_space") or False,
    )
    return backend


def check_known(backend, tokens, vocab_file):
    """Raise TokenizerError unless the vocabulary has these tokens."""
    for token in tokens:
        if backend.token_to_id(token) is None:
            raise TokenizerError(
                "the vocabulary lacks a special token", where=vocab_file, got=token
            )


def read_vocabulary(path):
    """``{token: id}`` of a vocab.json.

    Raises:
        TokenizerError: it is no such dictionary, or its ids are not 0, 1, 2, … without a gap.
    """
    vocab = read_json(path)
    ids = sorted(index for index in vocab.values() if type(index) is int)
    if len(ids) != len(vocab) or ids != list(range(len(ids))):
        gap = next((i for i, index in enumerate(ids) if i != index), len(ids))
        raise TokenizerError(
            "the ids of a vocabulary count up from 0, each once",
            where=path,
            wanted=f"the ids 0 to {len(vocab) - 1}",
            got=f"a gap or a second one at {gap}",
        )
    return vocab


def _read_merges(path):
    """The pairs of pieces in a merges.txt, one a line below an optional ``#version`` line."""
    merges = []
    for number, line in enumerate(_read_text(path).split("\n"), start=1):
        if not line or line.startswith("#version"):
            continue
        pair = tuple(line.split(" "))
        if len(pair) != 2:
            raise TokenizerError("a merge is two pieces", where=f"{path}, line {number}", got=line)
        merges.append(pair)
    return merges


def _read_text(path):
    try:
        return Path(path).read_text(encoding="utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise TokenizerError(f"this is no UTF-8 text: {error}", where=path) from error
