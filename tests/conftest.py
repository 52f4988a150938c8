"""What several floors' tests share."""

import json
from pathlib import Path

import pytest

from tests import strict_device
from tinyhf.backend import arrays

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data():
    """Real models, tokenizers and configs, where the project's workshop provides them."""
    if not SHARED_DATA.is_dir():
        pytest.skip("needs ../shared/data, which lies beside the project in its workshop only")
    return SHARED_DATA


@pytest.fixture(scope="session")
def stories260k(shared_data):
    """(folder, expected.json) of a real trained Llama."""
    folder = shared_data / "models" / "stories260K"
    return str(folder), json.loads((folder / "expected.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def strict_library():
    """Adds the device "strict", a stand-in for a GPU."""
    arrays.LIBRARIES["strict"] = strict_device.NAME
    yield strict_device
    del arrays.LIBRARIES["strict"]
