"""The tasks transformers 5 dropped, against its tokenizers and models driven by hand."""

import itertools

import numpy
import pytest

from tests.tiny_encoders import our_encoder
from tests.tiny_tasks import CONTEXT, QUESTION, question_answerer, writer
from tinyhf import AutoTokenizer, BertTokenizer, pipeline

pytestmark = pytest.mark.parity

# ---- question-answering --------------------------------------------------------------------------

SETTINGS = [
    {},
    {"top_k": 5},
    {"top_k": 7, "align_to_words": False},
    {"max_seq_len": 34, "doc_stride": 6, "top_k": 4},
    {"max_seq_len": 30, "doc_stride": 0, "max_answer_len": 3, "top_k": 6},
    {"max_seq_len": 32, "doc_stride": 9, "handle_impossible_answer": True, "top_k": 50},
    {
        "max_seq_len": 40,
        "doc_stride": 12,
        "top_k": 8,
        "max_answer_len": 40,
        "align_to_words": False,
    },
    {"max_seq_len": 60, "padding": "max_length", "top_k": 3, "handle_impossible_answer": True},
]
EXAMPLES = [(QUESTION, CONTEXT * 3), ("Who gave it milk?", "He: the cat. HE: “Ünïcode”, a  cat!")]


def answers_by_hand(
    tokenizer,
    model,
    question,
    context,
    top_k=1,
    doc_stride=None,
    max_answer_len=15,
    max_seq_len=None,
    handle_impossible_answer=False,
    align_to_words=True,
    padding=False,
):
    """Every pair of tokens of every window, scored by transformers' model and sorted."""
    import torch

    max_seq_len = max_seq_len or min(tokenizer.model_max_length, 384)
    windows = tokenizer(
        question,
        context,
        truncation="only_second",
        max_length=max_seq_len,
        stride=min(max_seq_len // 2, 128) if doc_stride is None else doc_stride,
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
        padding=padding,
    )
    found, nulls = [], []
    for number, ids in enumerate(windows["input_ids"]):
        names = tokenizer.model_input_names
        inputs = {name: torch.tensor([windows[name][number]]) for name in names}
        with torch.no_grad():
            output = model(**inputs)
        belongs = numpy.array([text == 1 for text in windows.sequence_ids(number)])
        counted = belongs | (numpy.array(ids) == tokenizer.cls_token_id)
        start, end = (
            numpy.exp(logits[0].double().numpy()) * counted
            for logits in (output.start_logits, output.end_logits)
        )
        scores = numpy.outer(start / start.sum(), end / end.sum())
        nulls.append(scores[0, 0])
        spans = [
            (scores[a, b], a, b)
            for a, b in itertools.product(numpy.flatnonzero(belongs), repeat=2)
            if a <= b < a + max_answer_len
        ]
        spans.sort(key=lambda span: -span[0])
        for score, a, b in spans[: top_k * 2 + 10 if align_to_words else top_k]:
            first, last = (
                windows["offset_mapping"][number][a][0],
                windows["offset_mapping"][number][b][1],
            )
            if align_to_words:
                words = windows.token_to_word(number, a), windows.token_to_word(number, b)
                first = windows.word_to_chars(number, words[0], sequence_index=1).start
                last = windows.word_to_chars(number, words[1], sequence_index=1).end
            found.append([score, first, last, context[first:last]])
    merged = {}
    for score, first, last, text in found:
        merged.setdefault(text.lower(), [0.0, first, last, text])[0] += score
    answers = list(merged.values()) + ([[min(nulls), 0, 0, ""]] * handle_impossible_answer)
    answers.sort(key=lambda answer: -answer[0])
    return answers[:top_k]


def assert_same_answers(pipe, tokenizer, model, settings):
    for question, context in EXAMPLES:
        ours = pipe(question=question, context=context, **settings)
        ours = ours if isinstance(ours, list) else [ours]
        theirs = answers_by_hand(tokenizer, model, question, context, **settings)
        assert [[a["start"], a["end"], a["answer"]] for a in ours] == [a[1:] for a in theirs]
        scores = [answer["score"] for answer in ours]
        numpy.testing.assert_allclose(scores, [answer[0] for answer in theirs], rtol=3e-5)


@pytest.fixture(scope="module", params=["Bert", "Roberta", "DistilBert"])
def tiny_answerers(request, tmp_path_factory):
    """(our pipeline, their tokenizer, their model) of one folder."""
    transformers = pytest.importorskip("transformers")
    folder = str(question_answerer(tmp_path_factory.mktemp("qa"), request.param))
    model = transformers.AutoModelForQuestionAnswering.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    return pipeline("question-answering", model=folder), tokenizer, model


@pytest.mark.parametrize("settings", SETTINGS, ids=repr)
def test_answers(tiny_answerers, settings):
    assert_same_answers(*tiny_answerers, settings)


@pytest.mark.parametrize(
    "family, name", [("Roberta", "roberta-base-squad2"), ("Bert", "bert-base-uncased")]
)
def test_answers_with_real_tokenizers(shared_data, tmp_path, family, name):
    transformers = pytest.importorskip("transformers")
    files = shared_data / "tokenizers" / name
    tokenizer = (BertTokenizer if family == "Bert" else AutoTokenizer).from_pretrained(files)
    special = {"pad_token_id": tokenizer.pad_token_id, "max_position_embeddings": 400}
    ours = our_encoder(f"{family}ForQuestionAnswering", vocab_size=len(tokenizer), **special)
    ours.save_pretrained(tmp_path)
    model = transformers.AutoModelForQuestionAnswering.from_pretrained(tmp_path).eval()
    theirs = getattr(transformers, f"{family}Tokenizer").from_pretrained(files)
    pipe = pipeline("question-answering", model=ours, tokenizer=tokenizer)
    for settings in SETTINGS[:-2]:
        assert_same_answers(pipe, theirs, model, settings)


# ---- text2text-generation, summarization, translation --------------------------------------------

GENERATION = [
    {"num_beams": 1, "max_new_tokens": 12},
    {"max_length": 14},
    {"num_beams": 3, "num_return_sequences": 2, "max_new_tokens": 9, "length_penalty": 0.5},
    {"num_beams": 2, "max_new_tokens": 15, "no_repeat_ngram_size": 2, "early_stopping": True},
    {"num_beams": 1, "max_new_tokens": 9, "min_length": 5, "repetition_penalty": 1.4},
]
TEXTS = ["hello world", "Once upon a time there was a little fox", "I'm fine, thanks!"]
PREFIX = "translate English to French: "
TASK = {"translation_en_to_fr": {"prefix": PREFIX, "num_beams": 2, "max_length": 13}}


@pytest.fixture(scope="module", params=["t5", "bart", "marian"])
def tiny_writers(request, tmp_path_factory):
    """(folder, their tokenizer or None, their model); Marian's needs a package that is not here."""
    transformers = pytest.importorskip("transformers")
    folder = str(writer(tmp_path_factory.mktemp("writer"), request.param))
    model = transformers.AutoModelForSeq2SeqLM.from_pretrained(folder).eval()
    has_theirs = request.param != "marian"
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder) if has_theirs else None
    return folder, tokenizer, model


def written_by_hand(tokenizer, model, text, prefix="", **settings):
    """(ids, texts) by transformers' ``generate``."""
    import torch

    inputs = tokenizer(prefix + text)
    inputs = {name: torch.tensor([inputs[name]]) for name in ("input_ids", "attention_mask")}
    settings = {"num_beams": 4, **settings}
    with torch.no_grad():
        ids = model.generate(**inputs, **settings).tolist()
    return ids, [tokenizer.decode(row, skip_special_tokens=True) for row in ids]


@pytest.mark.parametrize("settings", GENERATION, ids=repr)
@pytest.mark.parametrize(
    "task, name",
    [
        ("text2text-generation", "generated"),
        ("summarization", "summary"),
        ("translation", "translation"),
    ],
)
def test_answers_of_writers(tiny_writers, task, name, settings):
    folder, tokenizer, model = tiny_writers
    pipe = pipeline(task, model=folder)
    for text in TEXTS:
        records = pipe(text, return_text=True, return_tensors=True, **settings)
        ids, texts = written_by_hand(tokenizer or pipe.tokenizer, model, text, **settings)
        assert [record[f"{name}_token_ids"] for record in records] == ids
        assert [record[f"{name}_text"] for record in records] == texts


def test_drawn_answers(tiny_writers):
    """Seeded sampling, the seed torch's."""
    import torch

    folder, tokenizer, model = tiny_writers
    pipe = pipeline("text2text-generation", model=folder)
    settings = {"do_sample": True, "num_beams": 1, "max_new_tokens": 12, "top_k": 9}
    for seed, text in enumerate(TEXTS):
        torch.manual_seed(seed)
        ids, _ = written_by_hand(tokenizer or pipe.tokenizer, model, text, **settings)
        ours = pipe(text, seed=seed, return_tensors=True, **settings)
        assert [record["generated_token_ids"] for record in ours] == ids


def test_prefix_and_settings_of_a_task(tmp_path):
    transformers = pytest.importorskip("transformers")
    folder = str(writer(tmp_path, task_specific_params=TASK))
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForSeq2SeqLM.from_pretrained(folder).eval()
    pipe = pipeline("translation_en_to_fr", model=folder)
    settings = TASK["translation_en_to_fr"]
    for text in TEXTS:
        _, texts = written_by_hand(tokenizer, model, text, **settings)
        assert [record["translation_text"] for record in pipe(text)] == texts
