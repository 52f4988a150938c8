"""Which pipeline a task's name stands for, which task a model is for, and parts that do not fit."""

import pytest

from tests.tiny_pipelines import tiny_folder
from tinyhf import AutoModel, AutoModelForSequenceClassification, BertModel, errors, pipeline
from tinyhf.errors import ArgumentError, ConfigError, TokenizerError
from tinyhf.pipelines import (
    PIPELINE_REGISTRY,
    SUPPORTED_TASKS,
    TASK_ALIASES,
    FeatureExtractionPipeline,
    TextClassificationPipeline,
    check_task,
    get_supported_tasks,
)
from tinyhf.pipelines.registry import default_model, infer_task


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_folder(tmp_path_factory.mktemp("model"), "BertForSequenceClassification")


@pytest.fixture
def notes(monkeypatch):
    """What ``note_once`` is told, though it may have been told so before."""
    found = []
    for module in ("", ".registry"):
        monkeypatch.setattr(f"tinyhf.pipelines{module}.note_once", found.append)
    return found


def test_rows():
    for task, row in SUPPORTED_TASKS.items():
        assert set(row) == {"impl", "np", "default", "type"}, task
        assert row["type"] == "text"
        assert all(hasattr(auto_class, "from_pretrained") for auto_class in row["np"])
    assert set(TASK_ALIASES.values()) <= set(SUPPORTED_TASKS)
    assert get_supported_tasks() == sorted([*SUPPORTED_TASKS, *TASK_ALIASES])
    assert PIPELINE_REGISTRY.to_dict() is SUPPORTED_TASKS


def test_check_task():
    task, row, options = check_task("text-generation")
    assert (task, options) == ("text-generation", None)
    assert row["impl"].__name__ == "TextGenerationPipeline"
    assert check_task("sentiment-analysis")[0] == "text-classification"
    assert check_task("ner") == (
        "token-classification",
        SUPPORTED_TASKS["token-classification"],
        None,
    )
    assert check_task("translation_en_to_fr")[::2] == ("translation", ("en", "fr"))
    assert check_task("translation")[::2] == ("translation", None)


@pytest.mark.parametrize(
    ("task", "sentence"),
    [
        ("text-clasification", r"no such task .*Did you mean 'text-classification'\?"),
        ("summarisation", "Did you mean 'summarization'"),
        ("image-classification", "needs more than text"),
        ("automatic-speech-recognition", "needs more than text"),
        ("vqa", "needs more than text"),
        ("table-question-answering", "needs more than text"),
        ("conversational", "A chat, as a list of messages, goes to 'text-generation'"),
        ("translation_en", "translation_XX_to_YY"),
        ("translation__to_", "translation_XX_to_YY"),
        ("", "no such task"),
        (3, "no such task"),
    ],
)
def test_unknown_tasks(task, sentence):
    with pytest.raises(ArgumentError, match=rf"^task: .*{sentence}"):
        pipeline(task)


@pytest.mark.parametrize(
    ("architecture", "task"),
    [
        ("BertForSequenceClassification", "text-classification"),
        ("RobertaForTokenClassification", "token-classification"),
        ("DistilBertForQuestionAnswering", "question-answering"),
        ("BertForMaskedLM", "fill-mask"),
        ("BertForPreTraining", "fill-mask"),
        ("GPT2LMHeadModel", "text-generation"),
        ("LlamaForCausalLM", "text-generation"),
        ("T5ForConditionalGeneration", "text2text-generation"),
        ("MarianMTModel", "translation"),
        ("BertModel", "feature-extraction"),
    ],
)
def test_task_of_a_model(architecture, task):
    assert infer_task([architecture], "a model") == task


@pytest.mark.parametrize("architectures", [None, [], ["Foo"], ["BertForNextSentencePrediction"]])
def test_no_task_of_a_model(architectures):
    with pytest.raises(ArgumentError, match=r"^task: what a model is made for cannot be told"):
        infer_task(architectures, "a model")


def test_task_from_the_model(folder):
    assert pipeline(model=folder).task == "text-classification"
    model = AutoModelForSequenceClassification.from_pretrained(folder)
    assert isinstance(pipeline(model=model), TextClassificationPipeline)
    with pytest.raises(ArgumentError, match=r"^pipeline: name a task, a model, or both"):
        pipeline()


def test_bundled_model_is_named(notes, monkeypatch, folder):
    row = {**SUPPORTED_TASKS["text-classification"], "default": {"model": (folder, None)}}
    monkeypatch.setitem(SUPPORTED_TASKS, "text-classification", row)
    assert pipeline("sentiment-analysis")("good")[0].keys() == {"label", "score"}
    assert notes == [f"No model was named for sentiment-analysis, so the bundled {folder} is used."]


def test_default_models():
    row = SUPPORTED_TASKS["translation"]
    french = ("tinyhf/little-tales-french", None)
    assert default_model("translation_en_to_fr", row, ("en", "fr")) == french
    assert default_model("translation", row, None) == french
    with pytest.raises(ArgumentError, match=r"'translation_en_to_de'.*for translation_en_to_fr"):
        pipeline("translation_en_to_de")
    for task in ("summarization", "zero-shot-classification"):
        with pytest.raises(ArgumentError, match=rf"^model: no model comes .* for '{task}'"):
            pipeline(task)


class Shouting(TextClassificationPipeline):
    """An example of a task of one's own."""

    def postprocess(self, model_outputs, **params):
        return super().postprocess(model_outputs, **params)["label"].upper() + "!"


@pytest.mark.parametrize("keyword", ["model", "pt_model"])
def test_a_task_of_ones_own(keyword, folder, monkeypatch, notes):
    monkeypatch.delitem(SUPPORTED_TASKS, "shouting", raising=False)
    options = {keyword: AutoModelForSequenceClassification, "default": {"model": (folder, None)}}
    for _ in range(2):
        PIPELINE_REGISTRY.register_pipeline(
            "shouting", pipeline_class=Shouting, type="text", **options
        )
    try:
        assert "shouting" in get_supported_tasks()
        assert pipeline("shouting")(["good", "bad"])[0].endswith("!")
    finally:
        del SUPPORTED_TASKS["shouting"]
    assert "The task 'shouting' was there already; from now on it is the new one." in notes


def test_a_task_without_classes(folder):
    PIPELINE_REGISTRY.register_pipeline("shouting", Shouting)
    try:
        with pytest.raises(ArgumentError, match=r"'shouting' names no class that could load"):
            pipeline("shouting", folder)
        with pytest.raises(ArgumentError, match=r"no model comes with tinyhf for 'shouting'"):
            pipeline("shouting")
        model = AutoModelForSequenceClassification.from_pretrained(folder)
        assert isinstance(pipeline("shouting", model), Shouting)
    finally:
        del SUPPORTED_TASKS["shouting"]
    with pytest.raises(ArgumentError, match=r"^pipeline_class: not a pipeline"):
        PIPELINE_REGISTRY.register_pipeline("shouting", "Shouting")


def test_pipeline_class(folder):
    pipe = pipeline("text-classification", folder, pipeline_class=Shouting)
    assert pipe(["good"])[0].endswith("!")


@pytest.mark.parametrize(
    ("part", "value", "wanted"),
    [
        ("model", 3, "a name, a folder or a loaded model"),
        ("tokenizer", 3, "a name, a folder or a loaded tokenizer"),
        ("model_kwargs", 3, "a dict"),
        ("pipeline_class", "Shouting", "a subclass of Pipeline"),
    ],
)
def test_parts_of_the_wrong_kind(folder, part, value, wanted):
    parts = {"model": folder, part: value}
    with pytest.raises(ArgumentError, match=rf"^{part}: .*\(wanted {wanted}, got "):
        pipeline("text-classification", **parts)


def test_models_for_something_else(folder, caplog):
    with pytest.raises(ArgumentError, match=r"^model: BertModel .* \(wanted BertForSeq"):
        pipeline("text-classification", AutoModel.from_pretrained(folder), tokenizer=folder)
    with pytest.raises(ArgumentError, match=r"BertForSequenceClassification does not do text-gen"):
        model = AutoModelForSequenceClassification.from_pretrained(folder)
        pipeline("text-generation", model)
    assert isinstance(pipeline("feature-extraction", model), FeatureExtractionPipeline)
    with pytest.raises(ConfigError, match=r"AutoModelForCausalLM has no class for BertConfig"):
        pipeline("text-generation", folder)


def test_a_model_without_head_is_noted(tmp_path, caplog):
    pipeline("text-classification", tiny_folder(tmp_path, "BertModel"))
    assert "classifier.weight" in caplog.text and "now random" in caplog.text


def test_a_model_without_tokenizer(folder, tmp_path):
    model = AutoModelForSequenceClassification.from_pretrained(folder)
    model.save_pretrained(tmp_path)
    with pytest.raises(TokenizerError, match=r"no file to build a BertTokenizer from"):
        pipeline("text-classification", str(tmp_path))
    with pytest.raises(ArgumentError, match=r"^tokenizer: the model was not loaded from a folder"):
        pipeline("feature-extraction", BertModel(model.config.__class__()))


def test_devices(folder):
    with pytest.raises(ArgumentError, match=r"device and device_map exclude each other"):
        pipeline("text-classification", folder, device=0, device_map="auto")
    with pytest.raises(errors.DeviceError, match=r"^device: there is no such device"):
        pipeline("text-classification", folder, device="gpu")
    assert pipeline("text-classification", folder, device=-1).device == "cpu"


def test_options_for_a_loaded_model(folder, notes):
    model = AutoModelForSequenceClassification.from_pretrained(folder)
    pipeline("text-classification", model, dtype="float16")
    assert "The model is loaded already" in notes[0]
    assert (
        pipeline("text-classification", folder, model_kwargs={"dtype": "float16"}).dtype
        == "float16"
    )
