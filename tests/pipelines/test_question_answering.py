"""question-answering: forms of a call, windows, spans, answers that mean "none", wrong input."""

from itertools import chain, pairwise
from types import SimpleNamespace

import numpy
import pytest

from tests.tiny_encoders import our_encoder
from tests.tiny_tasks import CONTEXT, QUESTION, question_answerer
from tinyhf import AutoTokenizer, LlamaConfig, LlamaForCausalLM, pipeline
from tinyhf.errors import ArgumentError
from tinyhf.pipelines.question_answering import QuestionAnsweringPipeline, best_spans


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return question_answerer(tmp_path_factory.mktemp("answers"))


@pytest.fixture(scope="module")
def pipe(folder):
    return pipeline("question-answering", model=str(folder))


class Pointer:
    """Stands in for the model: points to a token, or to [CLS] in windows that do not have it."""

    def __init__(self, pipe, token, boldness=8.0):
        self.id, self.boldness = pipe.tokenizer.convert_tokens_to_ids(token), boldness
        self.windows = []

    def __call__(self, input_ids, **others):
        self.windows += input_ids.tolist()
        logits = (input_ids == self.id) * self.boldness
        logits[:, 0] += (logits.max(axis=1) == 0) * self.boldness
        return {"start_logits": logits, "end_logits": logits}


@pytest.fixture
def pointing(pipe, monkeypatch):
    def pointing(token, **options):
        pointer = Pointer(pipe, token, **options)
        monkeypatch.setattr(pipe, "model", pointer)
        return pointer

    return pointing


# ---- forms of a call -----------------------------------------------------------------------------


def test_forms_of_a_call(pipe):
    answer = pipe(question=QUESTION, context=CONTEXT)
    assert list(answer) == ["score", "start", "end", "answer"]
    assert answer["answer"] == CONTEXT[answer["start"] : answer["end"]]
    example = {"question": QUESTION, "context": CONTEXT}
    squad = SimpleNamespace(question_text=QUESTION, context_text=CONTEXT)
    for inputs in (example, [example], squad):
        assert pipe(inputs) == answer
    assert pipe(QUESTION, CONTEXT) == answer
    assert pipe(question=[QUESTION], context=[CONTEXT]) == answer


def test_several_questions(pipe):
    other = pipe(question="Who saw it?", context="Tom saw it.")
    answer = pipe(question=QUESTION, context=CONTEXT)
    assert pipe(question=[QUESTION] * 2, context=CONTEXT) == [answer, answer]
    lists = {"question": [QUESTION, "Who saw it?"], "context": [CONTEXT, "Tom saw it."]}
    assert pipe(**lists) == [answer, other]
    examples = [{"question": q, "context": c} for q, c in zip(*lists.values(), strict=True)]
    assert pipe(examples) == [answer, other]
    stream = pipe(example for example in examples)
    assert next(stream) == answer
    assert list(stream) == [other]


def test_batches_change_nothing(pipe):
    questions = [QUESTION, "Who?", "Where did Tom go to?"]
    options = {"context": CONTEXT * 3, "max_seq_len": 32, "top_k": 3}
    single, batched = (pipe(question=questions, **options, batch_size=size) for size in (1, 4))
    for ours, theirs in zip(chain(*single), chain(*batched), strict=True):
        assert ours["score"] == pytest.approx(theirs["score"], rel=1e-4)
        assert ours["answer"] == theirs["answer"]


def test_on_a_device(pipe, folder, strict_library):
    call = {"question": QUESTION, "context": CONTEXT * 3, "max_seq_len": 32, "batch_size": 2}
    on_device = pipeline("question-answering", model=str(folder), device="strict")
    assert on_device.device == "strict:0"
    assert on_device(**call) == pipe(**call)


def test_article_004_word_for_word(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    question_answerer("deepset/roberta-base-squad2", "Roberta")
    qa_pipeline = pipeline("question-answering", model="deepset/roberta-base-squad2")
    context = "Hugging Face is a company that provides NLP technologies and models."
    question = "What does Hugging Face provide?"
    assert qa_pipeline(question=question, context=context)["answer"] in context


def test_the_bundled_model():
    """What a user sees who names no model; the same in a context of many windows."""
    pipe = pipeline("question-answering")
    context = "Lily came to the castle. She felt upset. Tom lives in Oakport. "
    questions = {"Who felt upset?": "Lily", "Where does Tom live?": "in Oakport"}
    for question, answer in questions.items():
        found = pipe(question=question, context=context)
        assert found["answer"] == answer == context[found["start"] : found["end"]]
        assert found["score"] > 0.5
    windows = {"max_seq_len": 40, "doc_stride": 12, "handle_impossible_answer": True}
    view = "White sails moved on the water. " * 3
    found = pipe(question="Who felt upset?", context=view + context + view, **windows)
    assert (found["answer"], found["start"]) == ("Lily", len(view))


# ---- windows and spans ---------------------------------------------------------------------------


def test_windows_overlap_and_cover_the_context(pipe, pointing):
    pointer = pointing("cat")
    pipe(question="Who?", context=CONTEXT * 3, max_seq_len=24, doc_stride=5)
    ids = pipe.tokenizer(CONTEXT * 3, add_special_tokens=False)["input_ids"]
    question = pipe.tokenizer("Who?")["input_ids"]
    parts = [window[len(question) : -1] for window in pointer.windows]
    assert all(len(window) <= 24 for window in pointer.windows)
    assert all(window[: len(question)] == question for window in pointer.windows)
    assert all(a[-5:] == b[:5] for a, b in pairwise(parts))
    assert [*parts[0], *chain(*(part[5:] for part in parts[1:]))] == ids


def test_stride_beside_a_long_question(pipe, pointing):
    """Half of max_seq_len does not fit beside it: half of what is left is shared."""
    pointer = pointing("cat")
    question = "who saw the old garden where tom went to?"
    pipe(question=question, context=CONTEXT * 2, max_seq_len=20)
    words = len(pipe.tokenizer(question)["input_ids"])
    parts = [window[words:-1] for window in pointer.windows]
    assert [len(part) for part in parts[:-1]] == [20 - words - 1] * (len(parts) - 1)
    shared = (20 - words - 1) // 2
    assert all(a[-shared:] == b[:shared] for a, b in pairwise(parts))


def test_the_question_cannot_be_the_answer(pipe, pointing):
    pointing("garden", boldness=20.0)
    answer = pipe(question="old garden?", context=CONTEXT)
    assert (answer["answer"], answer["start"], answer["end"]) == ("garden", 20, 26)
    assert answer["score"] == pytest.approx(1, abs=1e-4)


def test_equal_answers_are_one(pipe, pointing):
    """The same word twice, and in two windows: the scores are added up, the place is the first."""
    pointing("garden", boldness=20.0)
    first, *_ = pipe(question="Who?", context="The garden, the Garden.", top_k=2)
    assert (first["answer"], first["start"]) == ("garden", 4)
    assert first["score"] == pytest.approx(2 * 0.25, abs=1e-4)
    answer = pipe(question="Who?", context=CONTEXT * 2, max_seq_len=40, doc_stride=4)
    assert answer["answer"] == "garden"


def test_whole_words(pipe, pointing):
    """ "cat" is c, ##a, ##t: the answer is the word, or without align_to_words its middle."""
    pointing("##a")
    assert pipe(question="Who?", context="A cat.")["answer"] == "cat"
    assert pipe(question="Who?", context="A cat.", align_to_words=False)["answer"] == "a"


def test_best_spans():
    """Against a search through all pairs of tokens."""
    starts, ends = numpy.random.default_rng(0).random((2, 12)).tolist()
    for most in (1, 3, 12, 10**12):
        spans = best_spans(dict(enumerate(starts)), dict(enumerate(ends)), most, 5)
        pairs = [(a, b) for a in range(12) for b in range(12) if a <= b < a + most]
        pairs = sorted(pairs, key=lambda pair: -starts[pair[0]] * ends[pair[1]])[:5]
        assert [(span.start, span.end) for span in spans] == pairs


def test_top_k(pipe):
    answers = pipe(question=QUESTION, context=CONTEXT, top_k=4)
    scores = [answer["score"] for answer in answers]
    assert len({answer["answer"].lower() for answer in answers}) == len(answers) == 4
    assert scores == sorted(scores, reverse=True)
    best, *_ = pipe(question=QUESTION, context=CONTEXT, align_to_words=False, top_k=4)
    assert pipe(question=QUESTION, context=CONTEXT, align_to_words=False) == best
    few = pipe(question="Who?", context="a cat", top_k=9, align_to_words=False, max_answer_len=1)
    assert [len(answer["answer"]) for answer in few] == [1] * len(few)


def test_no_answer(pipe, pointing):
    pointing("garden")  # only the first window has it, the others point to [CLS]
    options = {"max_seq_len": 24, "doc_stride": 2, "handle_impossible_answer": True}
    assert pipe(question="Who?", context=CONTEXT, **options)["answer"] == "garden"
    nothing = {"score": pytest.approx(1, abs=0.05), "start": 0, "end": 0, "answer": ""}
    assert pipe(question="Who?", context="He saw a cat.", **options) == nothing
    options["handle_impossible_answer"] = False
    assert pipe(question="Who?", context="He saw a cat.", **options)["answer"] != ""


def test_defaults_of_the_pipeline(folder):
    pipe = pipeline("question-answering", model=str(folder), top_k=2, max_answer_len=1)
    assert len(pipe(question=QUESTION, context=CONTEXT)) == 2
    assert isinstance(pipe(question=QUESTION, context=CONTEXT, top_k=1), dict)
    assert pipe(question=QUESTION, context=CONTEXT, padding="max_length", max_seq_len=60)
    assert pipe(question=QUESTION, context=CONTEXT, max_question_len=64)


# ---- wrong input ---------------------------------------------------------------------------------

SHORT = {"question": "Who?", "context": "Tom went."}


@pytest.mark.parametrize(
    "given, sentence",
    [
        ({}, "give a question and a context"),
        ({"question": "Who?"}, "context: is missing"),
        ({"context": "Tom"}, "question: is missing"),
        ({**SHORT, "context": ""}, "context: is empty"),
        ({**SHORT, "context": "  "}, "context: is empty"),
        ({**SHORT, "question": ""}, "question: is empty"),
        ({**SHORT, "context": 3}, "context: is no text"),
        ({**SHORT, "question": ["Who?", "Where?"], "context": ["Tom"]}, "context: .*2 in a list"),
        ({**SHORT, "question": []}, "the list is empty"),
        ({**SHORT, "top_k": 0}, "top_k: .*1 or more, got 0"),
        ({**SHORT, "top_k": 1.5}, "top_k: .*got 1.5"),
        ({**SHORT, "max_answer_len": -1}, "max_answer_len: .*got -1"),
        ({**SHORT, "topk": 2}, "topk: .*Did you mean top_k"),
        ({**SHORT, "doc_stride": -1}, "doc_stride: .*0 or more, got -1"),
        ({**SHORT, "doc_stride": 15, "max_seq_len": 20}, "doc_stride: .*less than 15, got 15"),
        ({**SHORT, "max_seq_len": 5}, "max_seq_len: .*more than 5, got 5"),
        ({**SHORT, "max_seq_len": "long"}, "max_seq_len: .*whole number"),
        ({**SHORT, "padding": "left"}, "padding: "),
    ],
)
def test_wrong_calls(pipe, given, sentence):
    with pytest.raises(ArgumentError, match=sentence):
        pipe(**given)


@pytest.mark.parametrize("inputs", [7, ["Who?"], {"question": "Who?"}, {}])
def test_wrong_inputs(pipe, inputs):
    with pytest.raises(ArgumentError, match=r"context|question"):
        pipe(inputs)


def test_wrong_models(folder):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    sizes = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "vocab_size": 9}
    llama = LlamaForCausalLM(LlamaConfig(**sizes, num_attention_heads=2)).init_weights(0)
    for model in (llama, our_encoder("BertModel")):
        with pytest.raises(ArgumentError, match="model: "):
            QuestionAnsweringPipeline(model, tokenizer)
        with pytest.raises(ArgumentError, match="model: "):
            pipeline("question-answering", model=model, tokenizer=tokenizer)
