"""Pipelines answer as those of transformers, on random models and on the bundled ones."""

import pytest

import tinyhf
from tests.tiny_encoders import our_encoder
from tests.tiny_pipelines import NLI_LABELS, TEXTS, labelled, tiny_folder
from tinyhf import pipeline
from tinyhf.hub.bundled import bundled_folder
from tinyhf.pipelines import SUPPORTED_TASKS

pytestmark = pytest.mark.parity

FAMILIES = ["Bert", "DistilBert", "Roberta"]
PAIR = {"text": TEXTS[0], "text_pair": TEXTS[1]}


def assert_same(ours, theirs):
    """The same lists, keys and words in the same order; numbers within rounding."""
    if isinstance(theirs, dict):
        assert list(ours) == list(theirs)
        for name in theirs:
            assert_same(ours[name], theirs[name])
    elif isinstance(theirs, list | tuple):
        assert len(ours) == len(theirs)
        for our, their in zip(ours, theirs, strict=True):
            assert_same(our, their)
    elif isinstance(theirs, str | int):
        assert ours == theirs
    else:
        assert ours == pytest.approx(float(theirs), rel=2e-5, abs=2e-6)


def both(task, folder, **kwargs):
    """(our pipeline, theirs) for a folder."""
    transformers = pytest.importorskip("transformers")
    theirs = transformers.pipeline(task, folder, dtype="float32", device="cpu", **kwargs)
    return pipeline(task, folder, **kwargs), theirs


def compare(pipes, *args, **kwargs):
    ours, theirs = (pipe(*args, **kwargs) for pipe in pipes)
    assert_same(ours, theirs)


@pytest.fixture(params=FAMILIES)
def family(request):
    return request.param


def test_text_classification(family, tmp_path):
    folder = tiny_folder(tmp_path, f"{family}ForSequenceClassification")
    pipes = both("text-classification", folder)
    for inputs in (TEXTS[0], TEXTS[:1], TEXTS, PAIR, [PAIR, PAIR], [[[TEXTS[0], TEXTS[1]]]]):
        compare(pipes, inputs)
    compare(pipes, TEXTS, batch_size=3)
    for top_k in (1, 3, None):
        compare(pipes, TEXTS[0], top_k=top_k)
        compare(pipes, TEXTS, top_k=top_k)
    for function in ("sigmoid", "softmax", "none"):
        compare(pipes, TEXTS, function_to_apply=function, top_k=None)
    compare(pipes, TEXTS[2] * 3, truncation=True, max_length=20)
    compare(both("text-classification", folder, top_k=2), TEXTS[0])


def test_a_dataset_of_transformers(tmp_path):
    pipes = both("ner", tiny_folder(tmp_path, "BertForTokenClassification"))
    pt_utils = pytest.importorskip("transformers.pipelines.pt_utils")
    rows = pt_utils.KeyDataset([{"text": text} for text in TEXTS], "text")
    ours, theirs = (list(pipe(rows, batch_size=2)) for pipe in pipes)
    assert_same(ours, theirs)


@pytest.mark.parametrize(
    "fields",
    [
        {"problem_type": "regression", **labelled(["how much"])},
        {"problem_type": "multi_label_classification"},
        {"problem_type": "single_label_classification"},
        labelled(["yes"]),
    ],
)
def test_problem_types(fields, tmp_path):
    folder = tiny_folder(tmp_path, "BertForSequenceClassification", **fields)
    compare(both("sentiment-analysis", folder), TEXTS)


@pytest.mark.parametrize("strategy", ["none", "simple", "first", "average", "max"])
def test_token_classification(family, strategy, tmp_path):
    folder = tiny_folder(tmp_path, f"{family}ForTokenClassification")
    pipes = both("ner", folder, aggregation_strategy=strategy)
    for inputs in (TEXTS[0], TEXTS):
        compare(pipes, inputs)
    compare(pipes, TEXTS, batch_size=3)
    compare(pipes, TEXTS, ignore_labels=["B-PER", "LOC", "I-LOC"])
    compare(pipes, [TEXTS[2] * 4])  # cut at 40 tokens
    compare(pipes, "Zürich 東 ☃ Tim", ignore_labels=[])


@pytest.mark.parametrize("strategy", ["simple", "first", "average", "max"])
@pytest.mark.parametrize("stride", [0, 5, 20])
def test_token_classification_in_windows(family, strategy, stride, tmp_path):
    folder = tiny_folder(tmp_path, f"{family}ForTokenClassification")
    pipes = both("token-classification", folder, aggregation_strategy=strategy, stride=stride)
    for batch_size in (1, 2, 5):
        compare(pipes, [TEXTS[2] * 5, TEXTS[1], TEXTS[0] * 6], batch_size=batch_size)
    compare(pipes, TEXTS[2] * 3)


@pytest.mark.parametrize("strategy", ["none", "average"])
@pytest.mark.parametrize("delimiter", [None, "", "--"])
def test_token_classification_of_words(strategy, delimiter, tmp_path):
    folder = tiny_folder(tmp_path, "BertForTokenClassification")
    pipes = both("token-classification", folder, aggregation_strategy=strategy)
    words = [text.split() for text in TEXTS]
    options = {"is_split_into_words": True, "delimiter": delimiter}
    compare(pipes, words[0], **options)
    compare(pipes, words, **options)
    compare(pipes, words, batch_size=4, **options)


def test_fill_mask(family, tmp_path):
    folder = tiny_folder(tmp_path, f"{family}ForMaskedLM")
    pipes = both("fill-mask", folder)
    mask = pipes[0].tokenizer.mask_token
    texts = [f"The {mask} sat.", f"Tim {mask} in {mask}!", mask]
    for text in texts:
        compare(pipes, text)
        compare(pipes, [text])
    compare(pipes, texts)
    compare(pipes, texts, batch_size=3)
    compare(pipes, texts, top_k=2)
    compare(pipes, texts, top_k=len(pipes[0].tokenizer))
    compare(pipes, texts[1] + TEXTS[2] * 4, tokenizer_kwargs={"truncation": True})
    known = [token for token in pipes[0].tokenizer.get_vocab() if token.isalpha()]
    for targets in (known[3], known[5:9], [known[7], "snowman"]):
        compare(pipes, texts[:2], targets=targets)
        compare(pipes, texts[0], targets=targets, top_k=1)


def test_feature_extraction(family, tmp_path):
    folder = tiny_folder(tmp_path, f"{family}Model")
    pipes = both("feature-extraction", folder)
    compare(pipes, TEXTS[0])
    compare(pipes, TEXTS)
    compare(pipes, TEXTS[2] * 4, truncation=True)
    compare(pipes, TEXTS[2], tokenize_kwargs={"truncation": True, "max_length": 9})
    ours, theirs = (pipe(TEXTS[0], return_tensors=True) for pipe in pipes)
    assert ours.shape == tuple(theirs.shape)
    assert_same(ours.tolist(), theirs.tolist())
    batched = pipes[0](TEXTS, batch_size=4)  # theirs keep the vectors of the padding
    assert_same(batched, pipes[1](TEXTS))


def test_zero_shot_classification(family, tmp_path):
    name = f"{family}ForSequenceClassification"
    pipes = both("zero-shot-classification", tiny_folder(tmp_path, name, **labelled(NLI_LABELS)))
    for labels in (["animals", "people", "bad text"], "animals, people", "people"):
        compare(pipes, TEXTS[0], candidate_labels=labels)
        compare(pipes, TEXTS, labels)
        compare(pipes, TEXTS, labels, multi_label=True, batch_size=4)
        compare(pipes, TEXTS[2] * 3, labels, hypothesis_template="About {}!", batch_size=2)


@pytest.mark.parametrize("labels", [NLI_LABELS[::-1], ["no", "perhaps", "yes"]])
def test_zero_shot_with_labels_elsewhere(labels, tmp_path):
    folder = tiny_folder(tmp_path, "BertForSequenceClassification", **labelled(labels))
    compare(both("zero-shot-classification", folder), TEXTS, "animals,people", multi_label=True)


@pytest.mark.parametrize(
    ("family", "name"), [("Bert", "bert-base-uncased"), ("Roberta", "roberta-base-squad2")]
)
def test_real_tokenizers(family, name, shared_data, tmp_path):
    transformers = pytest.importorskip("transformers")
    source = str(shared_data / "tokenizers" / name)
    ours, theirs = (
        getattr(library, f"{family}Tokenizer").from_pretrained(source, model_max_length=40)
        for library in (tinyhf, transformers)
    )
    sizes = {"vocab_size": len(ours), "max_position_embeddings": 48}
    fields = {**sizes, **labelled(["O", "B-PER", "I-PER", "B-LOC", "I-LOC"])}
    our_encoder(f"{family}ForTokenClassification", **fields).save_pretrained(tmp_path)
    texts = [*TEXTS, "Ångström's naïve café, straße № 5: résumé… 東京タワー!", "  two  blanks "]
    for strategy in ("none", "simple", "first", "average", "max"):
        options = {"aggregation_strategy": strategy, "batch_size": 4}
        pipes = (
            pipeline("ner", str(tmp_path), tokenizer=ours, **options),
            transformers.pipeline("ner", str(tmp_path), tokenizer=theirs, **options),
        )
        compare(pipes, texts)
        if strategy != "none":
            compare(pipes, [" ".join(texts) * 3, *texts], stride=7)


def test_text_generation_in_batches():
    pipes = both("text-generation", str(bundled_folder("little-tales")))
    prompts = ["Once upon a time", "The dog", "Lily and Tim were in the garden when"]
    for options in ({}, {"return_full_text": False}, {"batch_size": 2}, {"batch_size": 3}):
        compare(pipes, prompts, do_sample=False, max_new_tokens=20, **options)
    beams = {"num_beams": 3, "num_return_sequences": 2, "do_sample": False, "max_new_tokens": 8}
    compare(pipes, prompts, batch_size=3, **beams)


#: What the bundled models are asked, by task.
QUESTIONS = {
    "text-classification": ["The little dog was happy.", "Tim lost his ball and cried."],
    "token-classification": ["Tim and Lily found a ball in the garden.", "The cat sat."],
    "fill-mask": ["Once upon a {mask}.", "The {mask} was {mask}."],
    "feature-extraction": ["Once upon a time.", "The cat sat."],
}


@pytest.mark.parametrize("task", QUESTIONS)
def test_bundled_models(task):
    name, _ = SUPPORTED_TASKS[task]["default"]["model"]
    pipes = both(task, str(bundled_folder(name)))
    mask = pipes[0].tokenizer.mask_token
    for texts in (QUESTIONS[task], QUESTIONS[task][:1]):
        compare(pipes, [text.format(mask=mask) for text in texts])
