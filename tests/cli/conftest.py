"""What the tests of the command line share."""

import shutil

import pytest

from tests.cli.tiny_folder import make_tiny_folder
from tinyhf.cli import main
from tinyhf.errors import note_once


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """A whole little model; leave it as it is."""
    return make_tiny_folder(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def copy(tiny, tmp_path):
    """A model of its own for every test, to be broken."""
    return shutil.copytree(tiny, tmp_path / "copy")


@pytest.fixture
def tinyhf(capsys):
    """``tinyhf("generate", "Hello")`` → (exit code, standard output, standard error)."""

    def run(*argv):
        note_once.cache_clear()
        code = main([str(argument) for argument in argv])
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def refused(tinyhf):
    """Runs a command that must end with one sentence; returns it."""

    def run(*argv):
        code, out, err = tinyhf(*argv)
        errors = [line for line in err.split("\n") if "error" in line]
        assert code == 2
        assert out == ""
        assert len(errors) == 1
        assert err.endswith(f"{errors[0]}\n")
        assert errors[0].startswith("tinyhf: error: ")
        return errors[0].removeprefix("tinyhf: error: ")

    return run
