"""docs/numerics.md: its first table is what the script measures, give or take the processor."""

from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "numerics.md"


def table(text, name):
    """weights stored as → the three errors, from the rows that begin with ``name``."""
    rows = [row.strip("| \n").split(" | ") for row in text.splitlines() if f"| {name} |" in row]
    return {
        row[1]: list(map(float, row[2:])) for row in rows if len(row) == 5 and "float" in row[1]
    }


@pytest.mark.parity
def test_errors_are_of_the_size_the_page_says(tmp_path, capsys):
    pytest.importorskip("transformers")
    from tests import measure_numerics

    measure_numerics.save_random_llama(tmp_path, *measure_numerics.SHAPES["2 × 64"])
    measure_numerics.precision("2 × 64", str(tmp_path))
    measured = table(capsys.readouterr().out, "2 × 64")
    page = table(PAGE.read_text(encoding="utf-8"), "2 × 64")
    assert list(measured) == list(page) == ["float32", "bfloat16", "float16"]
    for dtype, errors in measured.items():
        for error, told in zip(errors, page[dtype], strict=True):
            assert told / 5 < error < told * 5, dtype
