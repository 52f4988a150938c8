"""`cached_file` with the real client against a hub on this computer."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from huggingface_hub import constants

from tinyhf.errors import ArgumentError, HubError
from tinyhf.hub import (
    BUNDLED,
    HubOptions,
    cached_file,
    extract_commit_hash,
    record_lookups,
)

NAME = "owner/model"
CONFIG = b'{"model_type": "llama"}'
HEAD, GET = ("HEAD", None), ("GET", None)


def asked(hub):
    """Method and Range of each request for a file."""
    return [(r.method, r.range) for r in hub.requests if "/resolve/" in r.path]


def finished_files():
    files = [*Path(constants.HF_HUB_CACHE).glob("*/blobs/*")]
    files += Path(constants.HF_HUB_CACHE).glob("*/snapshots/*/*")
    return [file for file in files if file.suffix != ".incomplete"]


# --- a local folder, a bundled model


def test_local_folder(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "config.json").write_bytes(CONFIG)
    expected = str(tmp_path / "sub" / "config.json")
    assert cached_file(tmp_path, "config.json", subfolder="sub") == expected
    assert cached_file(str(tmp_path), "sub/config.json", subfolder=None) == expected
    assert cached_file(tmp_path, "config.json") is None
    assert cached_file(tmp_path, "sub") is None  # a folder is no file


@pytest.mark.parametrize("name", ["tinyhf/some-tales", "some-tales"])
def test_bundled_model(tmp_path, monkeypatch, name):
    (tmp_path / "config.json").write_bytes(CONFIG)
    monkeypatch.setitem(BUNDLED, "tinyhf/some-tales", tmp_path)
    with record_lookups() as lookups:
        assert cached_file(name, "config.json") == str(tmp_path / "config.json")
        assert cached_file(name, "model.bin") is None
    assert [lookup.reason for lookup in lookups] == ["bundled", "not there"]


def test_a_folder_just_saved_hides_the_bundled_model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(BUNDLED, "tinyhf/some-tales", tmp_path / "bundled")
    (tmp_path / "some-tales").mkdir()
    (tmp_path / "some-tales" / "config.json").write_bytes(CONFIG)
    assert cached_file("some-tales", "config.json") == str(Path("some-tales", "config.json"))


@pytest.mark.parametrize(
    "path", ["../secret", "a/../../secret", "/etc/passwd", "..\\secret", "C:\\secret"]
)
def test_paths_out_of_the_folder_are_refused(tmp_path, path):
    with pytest.raises(HubError, match="leads out of the model's folder"):
        cached_file(tmp_path, path)
    with pytest.raises(HubError, match="leads out of the model's folder"):
        cached_file(tmp_path, "secret", subfolder=path)


# --- the hub and the cache


def test_download_then_cache(loopback_hub):
    commit = loopback_hub.add(NAME, {"config.json": CONFIG})
    with record_lookups() as lookups:
        first = cached_file(NAME, "config.json")
        second = cached_file(NAME, "config.json")
    assert first == second and f"snapshots/{commit}/" in Path(first).as_posix()
    assert Path(first).read_bytes() == CONFIG
    assert asked(loopback_hub) == [HEAD, GET, HEAD]
    assert [lookup.reason for lookup in lookups] == ["download", "cache"]
    assert "tinyhf" in loopback_hub.requests[-1].user_agent


def test_missing_file_lets_the_next_name_be_tried(loopback_hub):
    loopback_hub.add(NAME, {"model.safetensors.index.json": b"{}"})
    names = ["model.safetensors", "model.safetensors.index.json"]
    with record_lookups() as lookups:
        found = [cached_file(NAME, name) for name in names]
    assert found[0] is None and found[1].endswith(names[1])
    assert [lookup.reason for lookup in lookups] == ["not there", "download"]


def test_a_commit_in_the_cache_needs_no_question(loopback_hub):
    commit = loopback_hub.add(NAME, {"config.json": CONFIG})
    options = HubOptions().at_commit_of(cached_file(NAME, "config.json"))
    assert options.revision == commit
    assert cached_file(NAME, "model.bin", options) is None
    loopback_hub.requests.clear()
    assert cached_file(NAME, "config.json", options) is not None
    assert cached_file(NAME, "model.bin", options) is None
    assert loopback_hub.requests == []


def test_a_branch_moves_and_a_pinned_commit_does_not(loopback_hub):
    loopback_hub.add(NAME, {"config.json": CONFIG, "weights": b"old"})
    pinned = HubOptions().at_commit_of(cached_file(NAME, "config.json"))
    loopback_hub.add(NAME, {"config.json": CONFIG, "weights": b"new"})
    assert Path(cached_file(NAME, "weights", pinned)).read_bytes() == b"old"
    assert Path(cached_file(NAME, "weights")).read_bytes() == b"new"


def test_revision_and_subfolder(loopback_hub):
    loopback_hub.add(NAME, {"config.json": CONFIG})
    loopback_hub.add(NAME, {"sub/config.json": b"v1"}, branch="v1")
    path = cached_file(NAME, "config.json", revision="v1", subfolder="sub")
    assert Path(path).read_bytes() == b"v1"
    assert cached_file(NAME, "config.json", revision="v1") is None


def test_force_download(loopback_hub):
    loopback_hub.add(NAME, {"config.json": CONFIG})
    path = Path(cached_file(NAME, "config.json"))
    path.resolve().write_bytes(b"damaged")
    with record_lookups() as lookups:
        cached_file(NAME, "config.json", force_download=True)
    assert path.read_bytes() == CONFIG
    assert lookups[0].reason == "download"


def test_own_cache_folder(loopback_hub, tmp_path, monkeypatch):
    loopback_hub.add(NAME, {"config.json": CONFIG})
    monkeypatch.chdir(tmp_path)
    path = cached_file(NAME, "config.json", cache_dir="mine")
    assert Path(path).is_relative_to(tmp_path / "mine")
    with record_lookups() as lookups:
        assert cached_file(NAME, "config.json", cache_dir=Path("mine")) == path
    assert lookups[0].reason == "cache"


def test_a_cut_download_is_resumed(loopback_hub, monkeypatch):
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 50_000)  # only whole chunks are kept
    weights = bytes(range(256)) * 4000
    loopback_hub.add(NAME, {"model.safetensors": weights})
    loopback_hub.cut_after = 300_000
    path = cached_file(NAME, "model.safetensors")
    assert Path(path).read_bytes() == weights
    assert asked(loopback_hub) == [HEAD, GET, ("GET", "bytes=300000-")]


def test_a_download_that_never_ends_leaves_no_file(loopback_hub):
    loopback_hub.add(NAME, {"model.safetensors": b"x" * 1000})
    loopback_hub.cut_after = 400
    loopback_hub.statuses = [200, 200, 500]  # HEAD, the cut GET, and the try to resume
    with pytest.raises(HubError, match="answers with error 500"):
        cached_file(NAME, "model.safetensors")
    assert finished_files() == []
    assert Path(cached_file(NAME, "model.safetensors")).read_bytes() == b"x" * 1000


def test_server_error_then_success(loopback_hub):
    loopback_hub.add(NAME, {"config.json": CONFIG})
    loopback_hub.statuses = [503, 503]
    assert Path(cached_file(NAME, "config.json")).read_bytes() == CONFIG
    assert asked(loopback_hub) == [HEAD, HEAD, HEAD, GET]


# --- without a network


def offline(monkeypatch, how):
    """Keyword arguments that forbid the network, or HF_HUB_OFFLINE set."""
    if how == "HF_HUB_OFFLINE":
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
        return {}
    return {"local_files_only": True}


@pytest.mark.parametrize("how", ["HF_HUB_OFFLINE", "local_files_only"])
def test_offline_means_no_question_at_all(loopback_hub, monkeypatch, how):
    loopback_hub.add(NAME, {"config.json": CONFIG})
    path = cached_file(NAME, "config.json")
    loopback_hub.requests.clear()
    arguments = offline(monkeypatch, how)
    assert cached_file(NAME, "config.json", **arguments) == path
    assert cached_file(NAME, "model.bin", **arguments) is None
    with pytest.raises(HubError, match=r"offline mode forbids .* cached revision: main"):
        cached_file(NAME, "config.json", revision="v2", **arguments)
    with pytest.raises(HubError, match=r"offline mode forbids .* HF_HUB_OFFLINE\.$"):
        cached_file("owner/other", "config.json", **arguments)
    with pytest.raises(HubError, match="force_download=True needs the network"):
        cached_file(NAME, "config.json", force_download=True, **arguments)
    assert loopback_hub.requests == []


def test_hub_out_of_reach(loopback_hub, caplog):
    loopback_hub.add(NAME, {"config.json": CONFIG})
    path = cached_file(NAME, "config.json")
    loopback_hub.stop()
    assert cached_file(NAME, "config.json") == path
    with pytest.raises(HubError, match=r"connection to http://127\S+ failed: .*HF_ENDPOINT"):
        cached_file("owner/other", "config.json")
    caplog.clear()
    with record_lookups() as lookups:  # as transformers: the cached copy is all there is
        assert cached_file(NAME, "model.bin") is None
    assert lookups[0].reason == "not in the cache"
    assert "connection" in next(r.message for r in caplog.records if r.name == "tinyhf")


@pytest.mark.parametrize("status", [500, 503])
def test_hub_is_down_but_the_model_is_cached(loopback_hub, status):
    loopback_hub.add(NAME, {"config.json": CONFIG})
    path = cached_file(NAME, "config.json")
    assert cached_file(NAME, "known-to-be-absent") is None
    loopback_hub.statuses = [status] * 50
    assert cached_file(NAME, "config.json") == path
    assert cached_file(NAME, "known-to-be-absent") is None
    assert cached_file(NAME, "never-asked-for") is None


def test_a_refusal_is_no_missing_file(loopback_hub):
    loopback_hub.add(NAME, {"config.json": CONFIG})
    cached_file(NAME, "config.json")
    with pytest.raises(HubError, match="forbids access"):
        cached_file(NAME, "model.bin", token="forbidden")
    loopback_hub.statuses = [429] * 50
    with pytest.raises(HubError, match="too many requests"):
        cached_file(NAME, "model.bin")


def run_python(code, **environment):
    environment = {**os.environ, "HF_HUB_DISABLE_PROGRESS_BARS": "1", **environment}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True)


def test_environment_names_mirror_and_cache(loopback_hub, tmp_path):
    loopback_hub.add(NAME, {"config.json": CONFIG})
    code = f"from tinyhf.hub import cached_file; print(cached_file({NAME!r}, 'config.json'))"
    home = {"HF_HOME": str(tmp_path / "home"), "HF_HUB_CACHE": str(tmp_path / "home" / "hub")}
    online = run_python(code, HF_ENDPOINT=loopback_hub.endpoint, **home).stdout.strip()
    assert Path(online).is_relative_to(tmp_path / "home") and Path(online).read_bytes() == CONFIG
    loopback_hub.stop()
    assert run_python(code, HF_HUB_OFFLINE="1", **home).stdout.strip() == online


# --- refusals


def test_missing_repository(loopback_hub):
    with pytest.raises(HubError, match=r"no local folder and no repository .* `hf auth login`"):
        cached_file(NAME, "config.json")


def test_private_repository(loopback_hub):
    loopback_hub.add(NAME, {"config.json": CONFIG}, token="secret")
    with pytest.raises(HubError, match="if the repository is private, sign in"):
        cached_file(NAME, "config.json")
    assert Path(cached_file(NAME, "config.json", token="secret")).read_bytes() == CONFIG


def test_gated_repository(loopback_hub):
    loopback_hub.add(NAME, {"config.json": CONFIG}, token="secret", gated=True)
    with pytest.raises(HubError, match=f"gated.*Request access at http://127.*/{NAME}"):
        cached_file(NAME, "config.json", token="another")


@pytest.mark.parametrize(
    ("token", "sentence"),
    [
        ("expired", "the hub does not accept the token.*settings/tokens"),
        ("forbidden", "the hub forbids access.*This token may not read"),
        (True, "nobody is signed in on this computer"),
    ],
)
def test_token_of_no_use(loopback_hub, token, sentence):
    loopback_hub.add(NAME, {"config.json": CONFIG})
    with pytest.raises(HubError, match=sentence):
        cached_file(NAME, "config.json", token=token)


def test_missing_revision(loopback_hub):
    loopback_hub.add(NAME, {"config.json": CONFIG})
    with pytest.raises(HubError, match="no branch, tag or commit 'v9'"):
        cached_file(NAME, "config.json", revision="v9")


def test_hub_stays_broken(loopback_hub):
    loopback_hub.add(NAME, {"config.json": CONFIG})
    loopback_hub.statuses = [503] * 20
    with pytest.raises(HubError, match=r"answers with error 503\. Try again later"):
        cached_file(NAME, "config.json")


def test_not_a_hub(loopback_hub, monkeypatch):
    loopback_hub.add(NAME, {"config.json": CONFIG})
    monkeypatch.setattr(loopback_hub, "find", lambda *_: ("", b"<html>Please sign in"))
    with pytest.raises(HubError, match=r"does not answer as a hub does\. Check HF_ENDPOINT"):
        cached_file(NAME, "config.json")


@pytest.mark.parametrize("name", ["/no/such/folder", "./nothing", "a/b/c", "~/model", "a..b", ""])
def test_neither_folder_nor_repository(loopback_hub, name):
    with pytest.raises(HubError, match="neither a local folder nor the name of a repository"):
        cached_file(name, "config.json")
    assert loopback_hub.requests == []


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOSPC, "no space is left .* HF_HOME or cache_dir="),
        (errno.EACCES, "cannot be written"),
        (errno.EROFS, "cannot be written"),
        (errno.EIO, "the download failed"),
    ],
)
def test_trouble_on_the_disk(loopback_hub, monkeypatch, number, sentence):
    loopback_hub.add(NAME, {"config.json": CONFIG})

    def fail(*arguments, **keywords):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("huggingface_hub.file_download.http_get", fail)
    with pytest.raises(HubError, match=sentence) as raised:
        cached_file(NAME, "config.json")
    assert isinstance(raised.value.__cause__, OSError)
    assert finished_files() == []


def test_unknown_argument(tmp_path):
    with pytest.raises(ArgumentError, match="no argument local_file_only"):
        cached_file(tmp_path, "config.json", local_file_only=True)


@pytest.mark.parity
def test_same_answers_as_transformers(loopback_hub):
    theirs = pytest.importorskip("transformers.utils.hub")
    commit = loopback_hub.add(NAME, {"config.json": CONFIG, "sub/config.json": b"sub"})
    for arguments in ({}, {"subfolder": "sub"}, {"revision": commit}, {"local_files_only": True}):
        for filename in ("config.json", "model.bin"):
            path = cached_file(NAME, filename, **arguments)
            quiet = {"_raise_exceptions_for_missing_entries": False, **arguments}
            assert path == theirs.cached_file(NAME, filename, **quiet)
            assert extract_commit_hash(path) == theirs.extract_commit_hash(path, None)
