"""What all pipelines share: forms of input, batches, defaults, saving."""

import numpy
import pytest

from tests.tiny_pipelines import TEXTS, tiny_folder, tokenizer_for
from tinyhf import pipeline
from tinyhf.errors import ArgumentError, TokenizerError
from tinyhf.pipelines import ChunkPipeline

NAMES = {
    "text-classification": "ForSequenceClassification",
    "token-classification": "ForTokenClassification",
    "feature-extraction": "Model",
}


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    folder = tiny_folder(tmp_path_factory.mktemp("model"), "BertForSequenceClassification")
    return pipeline("text-classification", folder)


@pytest.fixture
def sizes(classifier, monkeypatch):
    """How many rows the model reads, run by run."""
    rows, forward = [], classifier.model.forward

    def counted(input_ids, **others):
        rows.append(len(input_ids))
        return forward(input_ids, **others)

    monkeypatch.setattr(classifier.model, "forward", counted)
    return rows


class Rows:
    """A dataset: numbered rows, and nothing more."""

    def __len__(self):
        return len(TEXTS)

    def __getitem__(self, number):
        return TEXTS[number]


def test_forms_of_input(classifier):
    expected = classifier(TEXTS)
    assert [classifier(text)[0] for text in TEXTS] == expected
    assert classifier(tuple(TEXTS)) == expected
    assert list(classifier(text for text in TEXTS)) == expected
    assert list(classifier(iter(TEXTS))) == expected
    assert list(classifier(Rows())) == expected
    assert list(classifier(numpy.array(TEXTS))) == expected
    assert classifier(inputs=TEXTS) == expected


def test_a_stream_is_read_as_it_is_asked_for(classifier):
    read = []

    def stream():
        for text in TEXTS:
            read.append(text)
            yield text

    answers = classifier(stream(), batch_size=2)
    assert read == []
    next(answers)
    assert len(read) == 2


@pytest.mark.parametrize("family", ["Bert", "DistilBert", "Roberta"])
@pytest.mark.parametrize("task", NAMES)
def test_batches_change_nothing(family, task, tmp_path):
    pipe = pipeline(task, tiny_folder(tmp_path, family + NAMES[task]))
    for one, batched in zip(pipe(TEXTS), pipe(TEXTS, batch_size=3), strict=True):
        assert_close(one, batched)


@pytest.mark.parametrize("task", ["token-classification", "feature-extraction"])
def test_the_tokenizer_says_which_side_is_padded(task, tmp_path):
    """RoBERTa's positions do not count what is padded in front."""
    options = {"aggregation_strategy": "simple"} if task == "token-classification" else {}
    folder = tiny_folder(tmp_path, "Roberta" + NAMES[task])
    tokenizer = tokenizer_for("Roberta", padding_side="left")
    pipe = pipeline(task, folder, tokenizer=tokenizer, **options)
    rows = [pipe.preprocess(text) for text in TEXTS[:2]]
    rows = rows if task == "feature-extraction" else [next(row) for row in rows]
    assert pipe.collate(rows)["attention_mask"][1].tolist()[0] == 0
    for one, batched in zip(pipe(TEXTS), pipe(TEXTS, batch_size=3), strict=True):
        assert_close(one, batched)


def assert_close(one, other):
    """Equal, numbers within rounding."""
    if isinstance(one, list):
        assert len(one) == len(other)
        for first, second in zip(one, other, strict=True):
            assert_close(first, second)
    elif isinstance(one, dict):
        assert_close(list(one.items()), list(other.items()))
    elif isinstance(one, tuple):
        assert_close(list(one), list(other))
    elif isinstance(one, float):
        assert one == pytest.approx(other, abs=2e-6)
    else:
        assert one == other


def test_size_of_batches(classifier, sizes):
    classifier(TEXTS)
    classifier(TEXTS, batch_size=3)
    classifier(TEXTS[0], batch_size=3)
    assert sizes == [1, 1, 1, 1, 3, 1, 1]
    sizes.clear()
    of_two = type(classifier)(classifier.model, classifier.tokenizer, batch_size=2)
    of_two(TEXTS)
    of_two(TEXTS, batch_size=4)
    assert sizes == [2, 2, 4]


@pytest.mark.parametrize("kwargs", [{}, {"num_return_sequences": 2, "num_beams": 2}])
def test_text_generation_in_batches(kwargs):
    pipe = pipeline("text-generation", "tinyhf/little-tales")
    prompts = ["Once upon a time", "The dog", [{"role": "user", "content": "Tell"}]]
    prompts = prompts[:2] if pipe.tokenizer.chat_template is None else prompts
    options = {"do_sample": False, "max_new_tokens": 12, **kwargs}
    assert pipe(prompts, batch_size=3, **options) == pipe(prompts, **options)
    assert pipe.tokenizer.padding_side == "right"  # the user's tokenizer is left alone
    (short, long) = pipe(
        ["The dog", "Once upon a time there"],
        batch_size=2,
        return_tensors=True,
        do_sample=False,
        max_new_tokens=1,
    )
    assert len(short[0]["generated_token_ids"]) < len(long[0]["generated_token_ids"])


class Halves(ChunkPipeline):
    """Each half of a text is read by itself; the answer is the number of tokens, and a word."""

    def _sanitize_parameters(self, word=None, **unknown):
        self.refuse_unknown(unknown)
        return {}, {}, {} if word is None else {"word": word}

    def preprocess(self, text):
        middle = len(text) // 2
        for half in (text[:middle], text[middle:]):
            share = numpy.array([[len(half) / len(text)]])  # no ids, so it is left as it is
            yield {"half": half, "share": share, **self.tokenizer(half, return_tensors="np")}

    def _forward(self, model_inputs):
        states = self.model(**self.for_model(model_inputs), output_hidden_states=True)
        kept = {name: model_inputs[name] for name in ("half", "share")}
        return {"hidden_states": states.hidden_states, "fixed": 7, **kept}

    def postprocess(self, outputs, word="no"):
        assert [output["fixed"] for output in outputs] == [7, 7]
        assert all(state.shape[0] == 1 for state in outputs[0]["hidden_states"])
        assert sum(output["share"].item() for output in outputs) == 1
        return "".join(output["half"] for output in outputs), len(outputs), word


@pytest.mark.parametrize("batch_size", [1, 2, 3, 9])
def test_chunks_come_back_to_their_text(classifier, batch_size):
    pipe = Halves(classifier.model, classifier.tokenizer, word="yes")
    assert pipe(TEXTS, batch_size=batch_size) == [(text, 2, "yes") for text in TEXTS]
    assert pipe(TEXTS[0], batch_size=batch_size, word="oh") == (TEXTS[0], 2, "oh")


def test_repr_and_dtype(classifier):
    assert repr(classifier) == (
        "TextClassificationPipeline(task='text-classification', "
        "model=BertForSequenceClassification, dtype=float32, device='cpu', batch_size=1)"
    )
    assert classifier.dtype == "float32"


def test_saved_and_loaded(classifier, tmp_path):
    classifier.save_pretrained(tmp_path)
    assert pipeline(model=tmp_path)(TEXTS) == classifier(TEXTS)


def test_half_types(classifier, tmp_path):
    classifier.save_pretrained(tmp_path)
    half = pipeline("text-classification", str(tmp_path), dtype="bfloat16")
    assert half.dtype == "bfloat16"
    assert half(TEXTS[0])[0]["score"] == pytest.approx(classifier(TEXTS[0])[0]["score"], abs=0.05)


@pytest.mark.parametrize("task", [*NAMES, "fill-mask", "zero-shot-classification"])
def test_on_a_device(task, strict_library, tmp_path):
    heads = {**NAMES, "fill-mask": "ForMaskedLM"}
    folder = tiny_folder(tmp_path, f"Bert{heads.get(task, 'ForSequenceClassification')}")
    texts = [f"[MASK] {text}" for text in TEXTS]
    options = {"candidate_labels": "good, bad"} if task.startswith("zero") else {}
    ours, theirs = (pipeline(task, folder, device=device) for device in ("strict", "cpu"))
    assert ours.device == "strict:0"
    for batch_size in (1, 3):
        found = ours(texts, batch_size=batch_size, **options)
        assert found == theirs(texts, batch_size=batch_size, **options)


@pytest.mark.parametrize("batch_size", [0, -1, 2.0, "2", True])
def test_wrong_batch_sizes(classifier, batch_size):
    with pytest.raises(ArgumentError, match=r"^batch_size: .* a whole number from 1 on"):
        classifier(TEXTS, batch_size=batch_size)
    with pytest.raises(ArgumentError, match=r"^batch_size"):
        type(classifier)(classifier.model, classifier.tokenizer, batch_size=batch_size)


def test_nothing_to_work_on(classifier):
    with pytest.raises(ArgumentError, match=r"^inputs: the list is empty"):
        classifier([])
    for call in (classifier, lambda: classifier(None), lambda: classifier(batch_size=2)):
        with pytest.raises(ArgumentError, match=r"^inputs: there is nothing to work on"):
            call()


def test_no_token_to_pad_with(classifier):
    tokenizer = tokenizer_for("Bert")
    tokenizer.pad_token = None
    pipe = type(classifier)(classifier.model, tokenizer)
    assert pipe(TEXTS) == classifier(TEXTS)
    with pytest.raises(TokenizerError, match=r"^pad_token"):
        pipe(TEXTS, batch_size=2)


def test_batches_without_a_tokenizer(classifier):
    pipe = Halves(classifier.model, word="no")
    with pytest.raises(ArgumentError, match=r"^batch_size: rows are padded by a tokenizer"):
        pipe.collate([{}, {}])
