"""`HubOptions`, the old names of its fields, and the record of lookups."""

import pytest

from tinyhf.errors import HubError
from tinyhf.hub import HubOptions, cached_file, extract_commit_hash, record_lookups

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def test_pop_from_leaves_what_is_not_the_hubs():
    arguments = {"cache_dir": "here", "revision": "v1", "subfolder": "sub", "dtype": "float32"}
    options = HubOptions.pop_from(arguments)
    assert options == HubOptions(cache_dir="here", revision="v1", subfolder="sub")
    assert arguments == {"dtype": "float32"}


@pytest.mark.parametrize(
    "name", ["resume_download", "proxies", "mirror", "local_dir_use_symlinks", "trust_remote_code"]
)
def test_outdated_arguments_are_noted_once(caplog, name):
    for _ in range(2):
        arguments = {name: "something", "dtype": "float32"}
        assert HubOptions.pop_from(arguments) == HubOptions()
        assert arguments == {"dtype": "float32"}
    assert len(caplog.messages) == 1 and caplog.messages[0].startswith(f"{name}= has no effect: ")


def test_the_articles_arguments(tmp_path, caplog):
    (tmp_path / "config.json").write_text("{}")
    path = cached_file(
        tmp_path,
        "config.json",
        cache_dir=None,
        force_download=False,
        resume_download=None,
        proxies=None,
        use_auth_token=None,
        token=None,
        local_files_only=False,
        revision=None,
        subfolder="",
        user_agent={"file_type": "config"},
        _from_pipeline=None,
        _from_auto=True,
        _commit_hash=None,
    )
    assert path == str(tmp_path / "config.json")
    assert caplog.messages == []


def test_old_names_with_a_meaning(caplog):
    options = HubOptions.pop_from(
        {"use_auth_token": "secret", "token": None, "revision": "main", "_commit_hash": COMMIT}
    )
    assert options.token == "secret"
    assert options.revision == COMMIT and options.pinned
    assert "token=" in caplog.text
    assert HubOptions.pop_from({"use_auth_token": "old", "token": "new"}).token == "new"


def test_the_token_is_not_shown():
    assert "secret" not in repr(HubOptions(token="secret"))


@pytest.mark.parametrize(
    ("path", "commit"),
    [
        (f"/cache/models--a--b/snapshots/{COMMIT}/config.json", COMMIT),
        (f"/cache/models--a--b/snapshots/{COMMIT}/sub/config.json", COMMIT),
        ("/home/me/snapshots/monday/config.json", None),
        ("/home/me/model/config.json", None),
        ("/home/me/snapshots", None),
        (None, None),
    ],
)
def test_extract_commit_hash(path, commit):
    assert extract_commit_hash(path) == commit
    assert extract_commit_hash(path, "given") == "given"
    assert HubOptions(revision="main").at_commit_of(path).revision == (commit or "main")


def test_record_lookups(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with record_lookups() as outer:
        cached_file(tmp_path, "config.json")
        with record_lookups() as inner:
            cached_file(tmp_path, "model.bin")
        with pytest.raises(HubError) as raised:
            cached_file(tmp_path, "../model.bin")
    cached_file(tmp_path, "config.json")
    name, config = str(tmp_path), str(tmp_path / "config.json")
    assert inner == [(name, "model.bin", None, "not there")]
    assert outer == [
        (name, "config.json", config, "local folder"),
        (name, "../model.bin", None, str(raised.value)),
    ]
