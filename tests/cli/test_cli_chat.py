"""What a chat keeps, drops, saves and refuses; its lines come from a pipe here."""

import io
import json

import numpy as np
import pytest

from tests.cli.tiny_folder import CONTEXT, TEMPLATE, make_tiny_folder
from tinyhf import AutoTokenizer, pipeline
from tinyhf.cli.conversation import told
from tinyhf.cli.streaming import AnswerStreamer

GREEDY = {"do_sample": False, "max_new_tokens": 6}


@pytest.fixture(scope="module")
def talker(tmp_path_factory):
    """A random model with a chat template."""
    folder = make_tiny_folder(tmp_path_factory.mktemp("talker"), max_position_embeddings=500)
    path = folder / "tokenizer_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "chat_template": TEMPLATE}))
    return folder


@pytest.fixture
def chat(tinyhf, monkeypatch):
    """``chat(folder, "Hello", "/exit")`` → (standard output, standard error)."""

    def run(folder, *lines, options=("--greedy", "--max-new-tokens", 6)):
        monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(lines) + "\n"))
        code, out, err = tinyhf("chat", "--model", folder, *options)
        assert code == 0
        return out, err

    return run


def saved(folder):
    return json.loads((folder / "chat.json").read_text(encoding="utf-8"))


def test_the_model_reads_what_was_said_before(chat, talker, tmp_path):
    out, _ = chat(talker, "Hello", "Once", f"/save {tmp_path}/chat.json")
    pipe = pipeline("text-generation", str(talker))
    messages = []
    for text in ("Hello", "Once"):
        messages = [*messages, {"role": "user", "content": text}]
        messages = pipe(messages, **GREEDY)[0]["generated_text"]
    assert saved(tmp_path) == messages
    assert out == "".join(f"{messages[number]['content']}\n" for number in (1, 3))


def test_reset_forgets_and_keeps_the_system_message(chat, talker, tmp_path):
    lines = ("/system Be kind", "Hello", "/reset", "Hello", f"/save {tmp_path}/chat.json")
    chat(talker, *lines)
    roles = [message["role"] for message in saved(tmp_path)]
    assert roles == ["system", "user", "assistant"]
    (tmp_path / "chat.json").unlink()
    chat(talker, *lines[:2], "/system", *lines[2:])
    assert saved(tmp_path)[0]["role"] == "user"


def test_the_system_message_may_come_from_the_command_line(chat, talker, tmp_path):
    options = ("--greedy", "--max-new-tokens", 6, "--system", "Be kind")
    chat(talker, "Hello", f"/save {tmp_path}/chat.json", options=options)
    assert saved(tmp_path)[0] == {"role": "system", "content": "Be kind"}


def test_without_a_template_the_text_goes_on(chat, tiny, tmp_path):
    _, err = chat(tiny, "", "A fox", "", f"/save {tmp_path}/chat.json", f"/save {tmp_path}/a.txt")
    assert err.count("no chat template") == 1
    messages = saved(tmp_path)
    assert [message["content"] for message in messages[::2]] == ["A fox", ""]
    pipe = pipeline("text-generation", str(tiny))
    whole = pipe("A fox", do_sample=False, max_new_tokens=6)[0]["generated_text"]
    assert told(messages[:2]) == whole
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == told(messages) + "\n"
    assert told([*messages[:2], {"role": "user", "content": "Lily"}]) == f"{whole} Lily"


def test_the_oldest_turns_make_room(chat, tiny, tmp_path):
    lines = ["fox " * 8] * 4
    options = ("--greedy", "--max-new-tokens", 12)
    _, err = chat(tiny, *lines, f"/save {tmp_path}/chat.json", options=options)
    assert f"oldest turn was dropped: the model reads {CONTEXT} tokens at most" in err
    assert 2 <= len(saved(tmp_path)) < 8
    assert "error" not in err


def test_an_answer_ends_where_the_context_ends(chat, tiny):
    out, err = chat(tiny, "Once", options=("--greedy", "--max-new-tokens", 9000))
    assert out.strip()
    assert "error" not in err
    assert "may grow" not in err


REFUSED = {
    "/rest": "there is no command /rest. Did you mean /reset?",
    "/xyz": "there is no command /xyz. Choose one: /help /reset",
    "/save": "/save: it needs the name of a file",
    "/save /no/such/folder/a.txt": "cannot be written: No such file or directory",
    "/save .": "there is such a file already",
    "fox " * CONTEXT: f"longer than this model can read (wanted less than {CONTEXT} tokens",
    "/system Be kind": "no chat template, so there is no place for it. Begin the text with it.",
}


@pytest.mark.parametrize("line", REFUSED)
def test_what_cannot_be_done_is_one_sentence_and_the_chat_goes_on(chat, tiny, tmp_path, line):
    _, err = chat(tiny, line, "Once", f"/save {tmp_path}/chat.json")
    (sentence,) = [text for text in err.splitlines() if "error" in text]
    assert sentence.startswith("tinyhf: error: ")
    assert REFUSED[line] in sentence
    assert [message["role"] for message in saved(tmp_path)] == ["user", "assistant"]


def test_a_template_that_refuses_is_told_too(chat, talker, tmp_path):
    folder = make_tiny_folder(tmp_path / "strict")
    path = folder / "tokenizer_config.json"
    template = "{{ raise_exception('never ' ~ messages[0].role) }}"
    path.write_text(json.dumps({**json.loads(path.read_text()), "chat_template": template}))
    _, err = chat(folder, "Hello")
    assert "tinyhf: error: chat_template: the template refuses: never user" in err


def test_help_names_every_command(chat, tiny):
    out, _ = chat(tiny, "/help", "/exit", "never read")
    for words in ("/help", "/reset", "/system TEXT", "/save FILE", "/exit", "Ctrl-C", "Ctrl-D"):
        assert words in out
    assert out.endswith("makes it a message.\n")


def test_a_file_is_never_overwritten(chat, tiny, tmp_path):
    file = tmp_path / "mine.txt"
    file.write_text("mine")
    _, err = chat(tiny, "Once", f"/save {file}")
    assert "there is such a file already" in err
    assert file.read_text() == "mine"


def test_wrong_options(refused, tiny):
    assert "temperature: not allowed" in refused("chat", "--model", tiny, "--temperature", 0)
    assert "unrecognized arguments" in refused("chat", "Hello")


def test_ctrl_c_while_a_word_is_written_does_not_write_it_twice(talker, capsys, monkeypatch):
    tokenizer = AutoTokenizer.from_pretrained(talker)
    streamer = AnswerStreamer(tokenizer)
    prompt, *answer = tokenizer(["A", "little ", "fox"], add_special_tokens=False)["input_ids"]
    streamer.put(np.array([prompt]))

    def interrupt():
        monkeypatch.undo()
        raise KeyboardInterrupt

    monkeypatch.setattr("sys.stdout.flush", interrupt)
    with pytest.raises(KeyboardInterrupt):
        streamer.put(np.array(answer[0]))
    streamer.put(np.array(answer[1]))
    streamer.end()
    assert (streamer.answer, capsys.readouterr().out) == ("little fox", "little fox\n")
