"""``tinyhf env``: facts for a report, none of them a secret."""

import sys

import tinyhf as package
from tinyhf.cli import env


def facts(out):
    return dict(line.split("  ", 1) for line in out.splitlines())


def test_facts(tinyhf):
    code, out, err = tinyhf("env")
    found = {name: value.strip() for name, value in facts(out).items()}
    assert (code, err, found["tinyhf"]) == (0, "", package.__version__)
    assert "BLAS: " in found["numpy"]
    for name in ("Python", "tokenizers", "cupy", "torch", "platform", "memory", "GPU"):
        assert found[name]
    values = [line[len(max(found, key=len)) :] for line in out.splitlines()]
    assert all(value.startswith("  ") and value[2] != " " for value in values)  # aligned


def test_no_secrets(tinyhf, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setenv("HF_ENDPOINT", "https://me:pass@hub.example.org/path")
    _, out, _ = tinyhf("env")
    found = {name: value.strip() for name, value in facts(out).items()}
    assert (found["token"], found["HF_ENDPOINT"]) == ("set", "hub.example.org")
    assert "hf_secret" not in out
    assert "pass" not in out


def test_nothing_large_is_imported(tinyhf):
    before = set(sys.modules)
    tinyhf("env")
    assert not {"torch", "transformers"} & (set(sys.modules) - before)


def test_a_package_that_is_missing(monkeypatch):
    assert env.version("tinyhf-no-such-package") == "not installed"
    monkeypatch.setattr(env, "version", lambda package: "not installed")
    assert env.cupy_version() == "not installed: pip install 'tinyhf[cuda12]'"
