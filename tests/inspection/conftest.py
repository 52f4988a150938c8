"""What the tests of inspection share."""

import shutil

import pytest
from huggingface_hub import close_session, constants

from tests.cli.tiny_folder import make_tiny_folder
from tests.hub.loopback_hub import LoopbackHub


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """A whole little model in shards; leave it as it is."""
    return make_tiny_folder(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def copy(tiny, tmp_path):
    """A model of its own for every test, to be broken."""
    return shutil.copytree(tiny, tmp_path / "copy")


@pytest.fixture
def hub_with_tiny(tiny, tmp_path, monkeypatch):
    """A hub on this computer that has the little model as "owner/tiny"; the cache is empty."""
    hub = LoopbackHub()
    hub.add("owner/tiny", {path.name: path.read_bytes() for path in tiny.iterdir()})
    template = hub.endpoint + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "ENDPOINT", hub.endpoint)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    close_session()  # the next one reads NO_PROXY
    yield hub
    close_session()
    hub.stop()
