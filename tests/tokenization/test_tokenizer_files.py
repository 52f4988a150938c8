"""Which files are read, in which order of precedence, what is saved, and what is refused."""

import json

import pytest
from tokenizers import Tokenizer
from tokenizers_for_tests import write_config

import tinyhf.tokenization as tokenization
from tinyhf.errors import ArgumentError, HubError, TokenizerError
from tinyhf.tokenization import AutoTokenizer, LlamaTokenizer, PreTrainedTokenizerFast

TOKEN = {"__type": "AddedToken", "content": "<s>", "lstrip": False, "normalized": False}


def test_names():
    assert tokenization.PretrainedTokenizerBase is tokenization.PreTrainedTokenizerBase
    assert tokenization.PreTrainedTokenizer is tokenization.PreTrainedTokenizerFast
    assert tokenization.LlamaTokenizerFast is LlamaTokenizer
    assert issubclass(LlamaTokenizer, tokenization.PreTrainedTokenizerBase)
    with pytest.raises(ArgumentError, match="from_pretrained"):
        AutoTokenizer()
    with pytest.raises(ArgumentError, match="tokenizer_file"):
        LlamaTokenizer()


@pytest.mark.parametrize(
    ("name", "cls"),
    [
        ("LlamaTokenizer", LlamaTokenizer),
        ("LlamaTokenizerFast", LlamaTokenizer),
        ("TokenizersBackend", PreTrainedTokenizerFast),
        ("PreTrainedTokenizerFast", PreTrainedTokenizerFast),
        ("ElvishTokenizer", PreTrainedTokenizerFast),
    ],
)
def test_class_by_name(folder, name, cls):
    write_config(folder, tokenizer_class=name)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert type(tokenizer) is cls
    assert tokenizer.class_reason == f"tokenizer_class {name!r} in tokenizer_config.json"
    assert tokenizer.padding_side == ("left" if cls is LlamaTokenizer else "right")


def test_class_by_config(folder):
    write_config(folder, tokenizer_class=None)
    assert "names a class" in AutoTokenizer.from_pretrained(folder).class_reason
    (folder / "config.json").write_text('{"model_type": "gpt2"}')
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert type(tokenizer).__name__ == "GPT2Tokenizer"
    # The class's <|endoftext|> is not in this vocabulary, and the file names the tokens anyway.
    assert (tokenizer.bos_token, tokenizer.unk_token) == ("<s>", None)
    (folder / "config.json").write_text('{"tokenizer_class": "LlamaTokenizer"}')
    assert type(AutoTokenizer.from_pretrained(folder)) is LlamaTokenizer


def test_only_the_vocabulary(folder):
    (folder / "tokenizer_config.json").unlink()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert tokenizer.tokenize("the") == ["the"]
    assert tokenizer.special_tokens_map == {}
    assert "no limit" in repr(tokenizer)


def test_repr(folder):
    text = repr(AutoTokenizer.from_pretrained(folder, padding_side="left"))
    assert "vocab_size=350" in text
    assert "bos_token='<s>' (1)" in text
    assert "padding_side='left'" in text


def test_arguments_go_before_the_files(folder):
    tokenizer = AutoTokenizer.from_pretrained(
        folder,
        pad_token="</s>",
        padding_side="left",
        model_max_length=9,
        additional_special_tokens=["<new>"],
        chat_template="hello",
    )
    assert (tokenizer.pad_token_id, tokenizer.padding_side, tokenizer.model_max_length) == (
        2,
        "left",
        9,
    )
    assert tokenizer.encode("<new>")[1] == 350
    assert tokenizer.chat_template == "hello"
    assert tokenizer.apply_chat_template([{"role": "user"}], tokenize=False) == "hello"


def test_arguments_of_old_articles(folder, notes):
    old = {
        "resume_download": False,
        "proxies": None,
        "use_auth_token": None,
        "_from_pipeline": "text-generation",
        "_from_auto": True,
        "_commit_hash": None,
        "gguf_file": None,
        "use_fast": True,
        "trust_remote_code": False,
        "revision": "main",
    }
    assert AutoTokenizer.from_pretrained(folder, **old).encode("the")
    assert LlamaTokenizer.from_pretrained(str(folder), **old).encode("the")
    assert notes == []
    AutoTokenizer.from_pretrained(folder, shiny=1)
    assert "no use of shiny=1" in notes[0]


def test_subfolder(folder, tmp_path_factory):
    outer = tmp_path_factory.mktemp("outer")
    folder.rename(outer / "inner")
    tokenizer = AutoTokenizer.from_pretrained(outer, subfolder="inner")
    assert tokenizer.bos_token == "<s>"


def test_tokens_with_options_and_names_of_the_model(folder):
    write_config(folder, bos_token=TOKEN, image_token="<image>", errors="replace", eos_token=None)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert tokenizer.bos_token == "<s>"
    assert tokenizer.eos_token is None
    assert (tokenizer.image_token, tokenizer.image_token_id) == ("<image>", 350)
    assert tokenizer.special_tokens_map["image_token"] == "<image>"
    assert tokenizer.init_kwargs["errors"] == "replace"


def test_declared_tokens_missing_from_the_vocabulary(folder):
    token = {"content": "<late>", "special": False, "normalized": False}
    known = {"content": "<s>", "special": True}
    write_config(folder, added_tokens_decoder={"350": token, "1": known})
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert tokenizer.encode("<late>") == [1, 350, 2]
    assert len(tokenizer) == 351


def test_stored_lengths_are_reset(folder, backend):
    backend.enable_padding(direction="left", pad_id=0, pad_token="<pad>", length=50)
    backend.enable_truncation(3, direction="left")
    backend.save(str(folder / "tokenizer.json"))
    config = json.loads((folder / "tokenizer_config.json").read_text())
    del config["pad_token"]
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert len(tokenizer.encode("the fox the fox")) == 6
    assert (tokenizer.pad_token, tokenizer.padding_side, tokenizer.truncation_side) == (
        "<pad>",
        "left",
        "left",
    )


def test_save_and_load(tokenizer, tmp_path):
    tokenizer.add_special_tokens({"mask_token": "[M]", "extra_special_tokens": ["<u>"]})
    tokenizer.padding_side = "left"
    tokenizer.chat_template = {"default": "one", "tool_use": "two"}
    tokenizer("the fox", padding="max_length", max_length=20, truncation=True)
    paths = tokenizer.save_pretrained(tmp_path / "new")
    assert sorted(path.removeprefix(str(tmp_path / "new") + "/") for path in paths) == [
        "additional_chat_templates/tool_use.jinja",
        "chat_template.jinja",
        "tokenizer.json",
        "tokenizer_config.json",
    ]
    again = AutoTokenizer.from_pretrained(tmp_path / "new")
    assert again.special_tokens_map == tokenizer.special_tokens_map
    assert again.extra_special_tokens == ["<u>"]
    assert (again.padding_side, again.model_max_length) == ("left", 64)
    assert again.chat_template == tokenizer.chat_template
    assert again.encode("the [M] <u>") == tokenizer.encode("the [M] <u>")
    saved = json.loads((tmp_path / "new" / "tokenizer.json").read_text())
    assert saved["padding"] is None
    assert saved["truncation"] is None
    tokenizer.chat_template = "alone"
    tokenizer.save_pretrained(tmp_path / "single")
    assert AutoTokenizer.from_pretrained(tmp_path / "single").chat_template == "alone"


def test_made_from_a_file_or_an_object(folder):
    by_file = PreTrainedTokenizerFast(tokenizer_file=folder / "tokenizer.json", bos_token="<s>")
    by_object = PreTrainedTokenizerFast(Tokenizer.from_file(str(folder / "tokenizer.json")))
    assert by_file.encode("the") == by_object.encode("the")
    assert (by_file.bos_token_id, by_object.bos_token_id) == (1, None)


def test_no_vocabulary(folder):
    (folder / "tokenizer.json").unlink()
    (folder / "vocab.txt").write_text("the")
    with pytest.raises(
        TokenizerError, match=r"wanted tokenizer.json, got \['vocab.txt'\]"
    ) as caught:
        AutoTokenizer.from_pretrained(folder)
    assert str(folder) in str(caught.value)
    (folder / "vocab.txt").unlink()
    with pytest.raises(TokenizerError, match="no vocabulary file at all"):
        AutoTokenizer.from_pretrained(folder)


@pytest.mark.parametrize(
    ("file", "content", "sentence"),
    [
        ("tokenizer.json", "{", "tokenizer.json: cannot be read"),
        ("tokenizer_config.json", "{", "tokenizer_config.json: this is not JSON"),
        ("tokenizer_config.json", "[1]", "no dictionary (got [1])"),
        ("tokenizer_config.json", '{"padding_side": "up"}', "padding_side: no such side"),
        ("tokenizer_config.json", '{"bos_token": 5}', "bos_token: a special token is a string"),
    ],
)
def test_damaged_files(folder, file, content, sentence):
    (folder / file).write_text(content)
    with pytest.raises(TokenizerError if "bos" not in content else ArgumentError) as caught:
        AutoTokenizer.from_pretrained(folder)
    assert sentence in str(caught.value)


def test_no_such_name():
    with pytest.raises(HubError):
        AutoTokenizer.from_pretrained("no-such-folder/at-all", local_files_only=True)
