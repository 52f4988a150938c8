"""Chat templates: where they come from, what they may do, and what is refused."""

from datetime import datetime

import pytest
from tokenizers_for_tests import write_config

from tinyhf.errors import ArgumentError, TokenizerError
from tinyhf.tokenization import AutoTokenizer

TEMPLATE = """{{ bos_token }}{% for message in messages %}
    {% if message.role == "system" and not loop.first %}
        {{ raise_exception("the system message comes first") }}
    {% endif %}
    {{- message.role + ": " + message.content + "\n" -}}
{% endfor %}
{% if add_generation_prompt %}assistant:{% endif %}"""
CHAT = [
    {"role": "user", "content": "the fox?"},
    {"role": "assistant", "content": "the lazy fox ", "tool_calls": None},
]


@pytest.fixture
def chatty(tokenizer):
    tokenizer.chat_template = TEMPLATE
    return tokenizer


def test_text(chatty):
    text = chatty.apply_chat_template(CHAT, tokenize=False, add_generation_prompt=True)
    assert text == "<s>user: the fox?\nassistant: the lazy fox \nassistant:"
    texts = chatty.apply_chat_template([CHAT, CHAT[:1]], tokenize=False)
    assert texts[1] == "<s>user: the fox?\n"


def test_ids(chatty, notes):
    text = chatty.apply_chat_template(CHAT, tokenize=False)
    ids = chatty.encode(text, add_special_tokens=False)
    assert chatty.apply_chat_template(CHAT)["input_ids"] == ids
    assert chatty.apply_chat_template(CHAT, return_dict=False) == ids
    batch = chatty.apply_chat_template([CHAT, CHAT[:1]], padding=True, return_tensors="np")
    assert batch["input_ids"].shape == (2, len(ids))
    assert len(chatty.apply_chat_template(CHAT, truncation=True, max_length=5)["input_ids"]) == 5
    kwargs = {"return_offsets_mapping": True}
    assert "offset_mapping" in chatty.apply_chat_template(CHAT, tokenizer_kwargs=kwargs)
    assert notes == []
    chatty(text)
    assert "twice" in notes[0]


def test_open_end(chatty):
    options = {"continue_final_message": True, "tokenize": False}
    assert chatty.apply_chat_template(CHAT, **options).endswith("assistant: the lazy fox ")
    chatty.chat_template = "{% for m in messages %}[{{ m.content | trim }}]{% endfor %}"
    assert chatty.apply_chat_template(CHAT, **options) == "[the fox?][the lazy fox"
    chatty.chat_template = "nothing"
    with pytest.raises(TokenizerError, match="does not write the last message"):
        chatty.apply_chat_template(CHAT, **options)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{ messages[0] | tojson }}", '{"role": "user", "content": "the fox?"}'),
        ('{{ {"a": "<é>"} | tojson(indent=1) }}', '{\n "a": "<é>"\n}'),
        ("{{ strftime_now('%Y') }}", str(datetime.now().year)),
        ("{% generation %}said{% endgeneration %}", "said"),
        ("{% for m in messages %}{{ m.role }}{% break %}{% endfor %}", "user"),
        ("{% set n = namespace(a=1) %}{% set n.a = n.a + 1 %}{{ n.a }}", "2"),
        ("{{ extra }}{{ bos_token }}{{ eos_token }}", "more<s></s>"),
        ("{{ thing }}", "<object>"),
        ("{% if tools is none and documents is none %}none{% endif %}", "none"),
        ("  {% if true %}\nline\n  {% endif %}\n", "line\n"),
    ],
)
def test_language(tokenizer, source, text):
    options = {"chat_template": source, "tokenize": False, "extra": "more", "thing": object()}
    assert tokenizer.apply_chat_template(CHAT, **options) == text


@pytest.mark.parametrize(
    "source",
    [
        "{{ messages.append(1) }}",
        "{{ messages.__class__.__mro__ }}",
        "{% set n = namespace() %}{% set n.__init__ = 1 %}",
        "{{ namespace(_a=1) }}",
        "{{ ''.__class__.mro() }}",
        "{% for m in messages %}",
        "{{ raise_exception('no') }}",
    ],
)
def test_what_a_template_may_not_do(tokenizer, source):
    with pytest.raises(TokenizerError, match="chat_template: the template refuses"):
        tokenizer.apply_chat_template(CHAT, chat_template=source)


def test_messages_stay_as_they_were(chatty):
    chat = [dict(message) for message in CHAT]
    chatty.apply_chat_template(chat, continue_final_message=True)
    assert chat == CHAT


def test_choice_of_template(tokenizer):
    with pytest.raises(TokenizerError, match="no chat template"):
        tokenizer.apply_chat_template(CHAT)
    tokenizer.chat_template = {"default": "plain", "tool_use": "tools", "rag": "sources"}
    assert tokenizer.get_chat_template() == "plain"
    assert tokenizer.get_chat_template(tools=[{}]) == "tools"
    assert tokenizer.get_chat_template("rag") == "sources"
    assert tokenizer.get_chat_template("{{ own }}") == "{{ own }}"
    tokenizer.chat_template = {"rag": "sources", "a": "b"}
    with pytest.raises(TokenizerError, match=r"wanted one of \['a', 'rag'\]"):
        tokenizer.get_chat_template()


def test_files(folder):
    assert AutoTokenizer.from_pretrained(folder).chat_template is None
    (folder / "chat_template.json").write_text('{"chat_template": "oldest"}')
    assert AutoTokenizer.from_pretrained(folder).chat_template == "oldest"
    write_config(folder, chat_template="config")
    assert AutoTokenizer.from_pretrained(folder).chat_template == "config"
    named = [{"name": "default", "template": "one"}, {"name": "rag", "template": "two"}]
    write_config(folder, chat_template=named)
    assert AutoTokenizer.from_pretrained(folder).chat_template == {"default": "one", "rag": "two"}
    (folder / "chat_template.jinja").write_text("file")
    assert AutoTokenizer.from_pretrained(folder).chat_template == "file"
    (folder / "additional_chat_templates").mkdir()
    (folder / "additional_chat_templates" / "tool_use.jinja").write_text("tools")
    both = {"default": "file", "tool_use": "tools"}
    assert AutoTokenizer.from_pretrained(folder).chat_template == both


@pytest.mark.parametrize(
    ("conversation", "options", "sentence"),
    [
        ([], {}, "list of messages"),
        ([[]], {}, "list of messages"),
        ("Hi", {}, "list of messages"),
        (["Hi"], {}, "a message is a dictionary"),
        ([{"role": "user"}], {"continue_final_message": True}, "no text to continue"),
        (CHAT, {"tools": [print]}, "JSON schema"),
        (CHAT, {"add_generation_prompt": True, "continue_final_message": True}, "choose one"),
        (CHAT, {"return_assistant_tokens_mask": True}, "return_assistant_tokens_mask"),
    ],
)
def test_refusals(chatty, conversation, options, sentence):
    with pytest.raises(ArgumentError) as caught:
        chatty.apply_chat_template(conversation, **options)
    assert sentence in str(caught.value)


def test_the_template_says_what_it_does_not_like(chatty):
    late = [*CHAT, {"role": "system", "content": "late"}]
    with pytest.raises(TokenizerError, match="the system message comes first"):
        chatty.apply_chat_template(late)
