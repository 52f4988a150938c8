import pytest
from huggingface_hub import close_session, constants
from loopback_hub import LoopbackHub

from tinyhf import errors


@pytest.fixture
def loopback_hub(tmp_path, monkeypatch):
    """A ``LoopbackHub`` in place of the hub, for the real client with an empty cache, no waits."""
    hub = LoopbackHub()
    template = hub.endpoint + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "ENDPOINT", hub.endpoint)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # the client waits between its tries
    close_session()  # the next one reads NO_PROXY
    yield hub
    close_session()
    if hub.thread.is_alive():
        hub.stop()


@pytest.fixture(autouse=True)
def notes_heard_anew():
    errors.note_once.cache_clear()
