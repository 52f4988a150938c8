"""Floor 4 · A ``tokenizers.Tokenizer`` from a SentencePiece file: ``.model`` / ``.spm``.

Mirrors transformers/convert_slow_tokenizer.py (``SpmConverter``). SentencePiece cuts whole
sentences, not words: a space is written ▁ and is part of the piece that follows it. Two ways of
cutting: Unigram chooses the pieces of the highest total score, BPE joins the pair of the highest
score again and again.
"""

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

from tinyhf.errors import TokenizerError
from tinyhf.tokenization import sentencepiece_model as spm
from tinyhf.tokenization.builders import check_known
from tinyhf.tokenization.sentencepiece_model import SPACE
from tinyhf.tokenization.switches import put_around_text


def build_llama(tokens, settings, *, vocab_file):
    """Llama: the file as it is, BOS before a text."""
    model = spm.read_sentencepiece_model(vocab_file)
    backend = build_sentencepiece(model, vocab_file)
    add_special_pieces(backend, model)
    bos = tokens["bos_token"]
    check_known(backend, [bos], vocab_file)
    put_around_text(backend, [bos, "$A"], [bos, "$A", f"{bos}:1", "$B:1"], [bos])
    return backend


def build_t5(tokens, settings, *, vocab_file):
    """T5: the file's pieces, then <extra_id_99> … <extra_id_0>; EOS after each text.

    The words are those of T5's published tokenizer.json: at spaces of all kinds, U+0085 too, which
    is no space to SentencePiece.
    """
    model = spm.read_sentencepiece_model(vocab_file)
    extra = [f"<extra_id_{i}>" for i in reversed(range(settings.get("extra_ids", 100)))]
    model.pieces.extend(extra)
    model.scores.extend([0.0] * len(extra))
    model.types.extend([spm.CONTROL] * len(extra))
    backend = build_sentencepiece(model, vocab_file)
    add_special_pieces(backend, model)
    charsmap = model.normalizer.precompiled_charsmap
    backend.normalizer = normalizers.Precompiled(charsmap) if charsmap else None
    words = pre_tokenizers.Metaspace(SPACE, prepend_scheme="always", split=True)
    backend.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), words])
    eos = tokens["eos_token"]
    check_known(backend, [eos], vocab_file)
    put_around_text(backend, ["$A", eos], ["$A", eos, "$B", eos], [eos])
    return backend


def build_sentencepiece(model, path):
    """Normalizer, model and decoder as the file wants them; no special tokens yet.

    Raises:
        TokenizerError: the file asks for something no model here is known to use.
    """
    trainer, normalizer = model.trainer, model.normalizer
    if trainer.treat_whitespace_as_suffix or not normalizer.escape_whitespaces:
        raise TokenizerError("pieces with spaces at their end are not supported", where=path)
    backend = Tokenizer(_build_model(model, path))
    backend.normalizer = _build_normalizer(normalizer)
    if trainer.model_type == spm.UNIGRAM and trainer.split_by_whitespace:
        # The best pieces of a text are those of its words, as no piece has a space inside.
        backend.pre_tokenizer = pre_tokenizers.Metaspace(SPACE, prepend_scheme="never", split=True)
    undone = [decoders.Replace(SPACE, " "), decoders.ByteFallback(), decoders.Fuse()]
    if normalizer.add_dummy_prefix:
        undone.append(decoders.Strip(" ", left=1))
    backend.decoder = decoders.Sequence(undone)
    return backend


def add_special_pieces(backend, model):
    """Have the file's control pieces (<s>, </s>, <unk>) and user-defined pieces kept whole."""
    special = (spm.UNKNOWN, spm.CONTROL)
    typed = list(zip(model.pieces, model.types, strict=True))
    for kinds, add in (
        (special, backend.add_special_tokens),
        ([spm.USER_DEFINED], backend.add_tokens),
    ):
        add([AddedToken(piece, normalized=False) for piece, kind in typed if kind in kinds])


def _build_model(model, path):
    trainer = model.trainer
    if trainer.model_type == spm.UNIGRAM:
        vocab = list(zip(model.pieces, model.scores, strict=True))
        return models.Unigram(vocab, trainer.unk_id, byte_fallback=trainer.byte_fallback)
    if trainer.model_type == spm.BPE:
        return models.BPE(
            {piece: index for index, piece in enumerate(model.pieces)},
            list_merges(model.pieces, model.scores),
            unk_token=trainer.unk_piece,
            fuse_unk=True,
            byte_fallback=trainer.byte_fallback,
        )
    raise TokenizerError(
        "this way of cutting a text is not supported",
        where=path,
        wanted="model_type 1 (Unigram) or 2 (BPE)",
        got=trainer.model_type,
    )


def _build_normalizer(spec):
    steps = []
    if spec.precompiled_charsmap:
        steps.append(normalizers.Precompiled(spec.precompiled_charsmap))
    if spec.remove_extra_whitespaces:
        steps += [
            normalizers.Replace(Regex(r"\A +| +\z"), ""),
            normalizers.Replace(Regex(" +"), " "),
        ]
    if spec.add_dummy_prefix:
        steps.append(normalizers.Prepend(SPACE))
    return normalizers.Sequence([*steps, normalizers.Replace(" ", SPACE)])


def list_merges(pieces, scores):
    """The pairs of pieces that BPE may join, best first: every way to cut a piece into two others.

    The file stores scores, not pairs. Among the cuts of one piece, earlier pieces go first.
    """
    ids = {piece: index for index, piece in enumerate(pieces)}
    merges = []
    for index in sorted(range(len(pieces)), key=lambda index: -scores[index]):
        piece = pieces[index]
        cuts = [(piece[:place], piece[place:]) for place in range(1, len(piece))]
        known = [cut for cut in cuts if cut[0] in ids and cut[1] in ids]
        merges += sorted(known, key=lambda cut: (ids[cut[0]], ids[cut[1]]))
    return merges
