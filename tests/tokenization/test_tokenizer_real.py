"""Real tokenizers: the ids, decoded texts and chats that transformers published for them."""

import functools
import json

import pytest
from tokenizers_for_tests import DATA, real_folder, real_tokenizer

from tinyhf.tokenization import AutoTokenizer, BertTokenizer, LlamaTokenizer

NAMES = ["bert-base-uncased", "gpt2", "llama-2-7b-chat-hf", "llama-3.1-8b-instruct"]
NAMES += ["opus-mt-en-mg", "roberta-base-squad2", "starcoder", "t5"]
VOCABULARIES = ["bert-base-uncased", "gpt2", "llama-2-7b-chat-hf", "starcoder", "t5"]


@functools.cache
def expected(path="tokenizers/expected.json"):
    real_folder("tokenizers")
    return json.loads((DATA / path).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", NAMES)
def test_ids_and_decoding(name):
    check_cases(real_tokenizer(f"tokenizers/{name}"), name)


def bare_folder(name, folder):
    """The files of a real tokenizer, all but its tokenizer.json."""
    for file in real_folder(f"tokenizers/{name}").iterdir():
        if file.name != "tokenizer.json":
            (folder / file.name).symlink_to(file)
    return folder


@pytest.mark.parametrize("name", VOCABULARIES)
def test_without_tokenizer_json(name, tmp_path):
    check_cases(AutoTokenizer.from_pretrained(bare_folder(name, tmp_path)), name)


def test_llama_from_its_sentencepiece_file(tmp_path):
    """To the last merge what is in the tokenizer.json that Meta and Hugging Face published."""
    folder = bare_folder("llama-2-7b-chat-hf", tmp_path)
    built = json.loads(LlamaTokenizer.from_pretrained(folder).backend_tokenizer.to_str())
    whole = real_tokenizer("tokenizers/llama-2-7b-chat-hf")
    assert built == json.loads(whole.backend_tokenizer.to_str())


def test_translations():
    tokenizer = real_tokenizer("tokenizers/opus-mt-en-mg")
    cases = expected()["opus-mt-en-mg"]["target_cases"]
    assert len(cases) == 2
    for case in cases:
        assert tokenizer(text_target=case["text"])["input_ids"] == case["ids"]
        assert tokenizer("a", text_target=case["text"])["labels"] == case["ids"]


def check_cases(tokenizer, name):
    cases = expected()[name]["cases"]
    assert len(cases) == 6
    for case in cases:
        assert tokenizer(case["text"])["input_ids"] == case["ids"]
        # A case with a note gives the text of transformers' own ids, which are not those listed.
        text = case["text"] if "note" in case else case["decode_skip_special"]
        assert tokenizer.decode(case["ids"], skip_special_tokens=True) == text
    batch = tokenizer([case["text"] for case in cases])
    assert batch["input_ids"] == [case["ids"] for case in cases]


@pytest.mark.parametrize("name", NAMES)
def test_class(name):
    theirs = expected()[name]["class"].replace("TokenizersBackend", "PreTrainedTokenizerFast")
    assert type(real_tokenizer(f"tokenizers/{name}")).__name__ == theirs


def test_chat_of_llama_3():
    chat = expected()["llama-3.1-8b-instruct"]["chat"]
    tokenizer = real_tokenizer("tokenizers/llama-3.1-8b-instruct")
    options = {"add_generation_prompt": True, "date_string": "26 Jul 2024"}
    text = tokenizer.apply_chat_template(chat["messages"], tokenize=False, **options)
    assert text == chat["text"]
    ids = tokenizer.apply_chat_template(chat["messages"], **options)["input_ids"]
    assert ids[:2] == [128000, 128006]  # one BOS only
    assert tokenizer.decode(ids) == text


def test_stories():
    tokenizer = real_tokenizer("models/stories260K")
    cases = expected("models/stories260K/expected.json")["tokenizer_cases"]
    for case in cases:
        assert tokenizer(case["text"])["input_ids"] == case["ids"]


def test_class_by_model_type(tmp_path):
    """A folder as on the Hub: the config's model_type is all that tells the class."""
    for file in real_folder("tokenizers/bert-base-uncased").iterdir():
        (tmp_path / file.name).symlink_to(file)
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    assert type(tokenizer) is BertTokenizer
    assert tokenizer.class_reason == "model_type 'bert' in config.json"
    assert (tokenizer.pad_token_id, tokenizer.cls_token_id) == (0, 101)
    assert tokenizer("a", "b")["token_type_ids"] == [0, 0, 0, 1, 1]


def test_clean_up_is_for_word_pieces_only():
    bert = real_tokenizer("tokenizers/bert-base-uncased")
    ids = bert.encode("I'm here, aren't you?")
    for clean_up, text in ((True, "i'm here, aren't you?"), (False, "i ' m here, aren ' t you?")):
        assert bert.decode(ids, True, clean_up_tokenization_spaces=clean_up) == text
    llama = real_tokenizer("tokenizers/llama-3.1-8b-instruct")
    assert llama.clean_up_tokenization_spaces
    assert llama.decode(llama.encode("a , b"), True) == "a , b"
