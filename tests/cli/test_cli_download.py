"""``tinyhf download``: from a hub on this computer, into the cache that loading reads."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from huggingface_hub import close_session, constants

import tinyhf as package
from tests.hub.loopback_hub import LoopbackHub

NAME = "tinyhf-test/model"


class ListingHub(LoopbackHub):
    """It also answers ``GET /api/models/<repository>[/revision/<revision>]``: commit and files."""

    def __init__(self):
        super().__init__()
        self.server.RequestHandlerClass = listing(self, self.server.RequestHandlerClass)

    def listing(self, path):
        """The answer to a question about a repository; None if it has no such revision."""
        name, _, revision = path.removeprefix("/api/models/").partition("/revision/")
        repository = self.repositories.get(name)
        commit = repository and repository.branches.get(revision or "main", revision)
        if not repository or commit not in repository.commits:
            return None
        files = [{"rfilename": file} for file in repository.commits[commit]]
        return {"id": name, "sha": commit, "siblings": files}


def listing(hub, handler):
    class Handler(handler):
        def answer(self):
            if not self.path.startswith("/api/models/"):
                return super().answer()
            found = hub.listing(self.path)
            if found is None:
                code = "RevisionNotFound" if "/revision/" in self.path else "RepoNotFound"
                return self.send_headers(404, {"X-Error-Code": code})
            content = json.dumps(found).encode()
            self.send_headers(200, {"Content-Length": len(content)})
            self.wfile.write(content)
            return None

    return Handler


@pytest.fixture(scope="module")
def hub(tiny):
    """It has the tiny model, with files beside it that nobody here reads."""
    hub = ListingHub()
    files = {path.name: path.read_bytes() for path in tiny.iterdir()}
    others = ("README.md", "tf_model.h5", "pytorch_model.bin", "onnx/config.json")
    hub.add(NAME, {**files, **dict.fromkeys(others, b"{}")})
    hub.add("tinyhf-test/old", {"config.json": b"{}", "pytorch_model.bin": b"PK", "a.bin": b"x"})
    hub.add("tinyhf-test/empty", {"README.md": b"x"})
    hub.add("tinyhf-test/gated", {"config.json": b"{}"}, token="hf_1", gated=True)
    yield hub
    hub.stop()


@pytest.fixture
def cache(hub, tmp_path, monkeypatch):
    """The empty cache of a client that asks this hub."""
    template = hub.endpoint + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "ENDPOINT", hub.endpoint)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    close_session()  # the next one reads NO_PROXY
    yield tmp_path / "cache"
    close_session()


def listed(out):
    """The folder, and the names in the table."""
    folder, head, *rows = out.splitlines()
    assert head.split() == ["file", "size"]
    return Path(folder), [row.split()[0] for row in rows]


def test_what_is_downloaded_is_found_offline(tinyhf, cache, tiny, monkeypatch):
    code, out, _ = tinyhf("download", NAME)
    folder, names = listed(out)
    assert code == 0
    assert folder.is_relative_to(cache)
    assert sorted(names) == sorted([*os.listdir(tiny), "together"])
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    options = ("--greedy", "--max-new-tokens", 3)
    assert tinyhf("generate", "Hi", "--model", NAME, *options)[0] == 0


def test_only_the_files_asked_for(tinyhf, cache):
    _, out, _ = tinyhf("download", NAME, "config.json", "*.md", "onnx/*")
    folder, names = listed(out)
    assert sorted(names) == ["README.md", "config.json", "onnx/config.json", "together"]
    assert (folder / "onnx" / "config.json").read_text() == "{}"


def test_weights_of_torch_where_there_are_no_others(tinyhf, cache):
    _, names = listed(tinyhf("download", "tinyhf-test/old")[1])
    assert names == ["config.json", "pytorch_model.bin", "together"]


def test_what_lies_here_is_shown(tinyhf, tiny):
    for name in ("tinyhf/little-tales", tiny):
        code, out, err = tinyhf("download", name)
        assert (code, "config.json" in listed(out)[1]) == (0, True)
        assert "there is nothing to download" in err


REFUSED = {
    "tinyhf-test/none": "no local folder and no repository of this name at http://127.0.0.1",
    "tinyhf-test/gated --token hf_2": "the repository is gated, and this account has no access",
    "tinyhf-test/empty": "it has no file that tinyhf reads",
    f"{NAME} --revision v9": "the repository has no branch, tag or commit 'v9'",
    f"{NAME} config.jsn": "it has no such file (wanted ",
    "no/such/name": "neither a local folder nor the name of a repository",
}


@pytest.mark.parametrize("arguments", REFUSED)
def test_what_cannot_be_downloaded(refused, cache, arguments):
    assert REFUSED[arguments] in refused("download", *arguments.split())


def test_a_token_opens_what_is_gated(tinyhf, cache):
    assert tinyhf("download", "tinyhf-test/gated", "--token", "hf_1")[0] == 0


def test_offline(refused, cache, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "offline mode forbids a download. Unset HF_HUB_OFFLINE" in refused("download", NAME)


def test_a_mirror(hub, tmp_path):
    """In a process of its own, where the client has not been imported yet."""
    root = str(Path(package.__file__).parents[1])
    env = {**os.environ, "PYTHONPATH": root, "HF_HOME": str(tmp_path), "NO_PROXY": "127.0.0.1"}
    env |= {"HF_HUB_OFFLINE": "0"}
    command = [sys.executable, "-m", "tinyhf", "download", "tinyhf-test/old"]
    command += ["--mirror", hub.endpoint]
    done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert listed(done.stdout)[0].is_relative_to(tmp_path)
