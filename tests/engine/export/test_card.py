from dataclasses import replace
from pathlib import Path

import pytest

from polydistill.engine.export.card import card, cell, size_category
from polydistill.engine.mixing.mixture import Mixture
from tests.engine.mixture_fixture import write_mixture


@pytest.mark.parametrize(
    ("rows", "name"),
    [(0, "n<1K"), (999, "n<1K"), (1_000, "1K<n<10K"), (9_999_999, "1M<n<10M"), (10_000_000, "10M<n<100M"),
     (2 * 10**9, "1B<n<10B"), (10**13, "n>1T")],
)  # fmt: skip
def test_sizes(rows: int, name: str) -> None:
    assert size_category(rows) == name


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<script>x</script>", "&lt;script&gt;x&lt;/script&gt;"),
        ("a|b", r"a\|b"),
        ("a\n## heading", r"a \#\# heading"),
        ("s3://KEY:SECRET@bucket/x", "s3://bucket/x"),
        ("[link](http://x)", r"\[link\](http://x)"),
    ],
)
def test_cells_show_as_themselves(text: str, shown: str) -> None:
    assert cell(text) == shown


def test_an_unfinished_pool_is_said(tmp_path: Path) -> None:
    from tests.trainer.conftest import rows

    mixture = Mixture.open(write_mixture(tmp_path / "mixture", rows(7)))
    mixture = replace(mixture, record=replace(mixture.record, runs=(str(tmp_path),)))
    assert "not finished" not in card(mixture, "datasets", "data/*.parquet", 7)
    partial = replace(mixture, record=replace(mixture.record, missing_units=3))
    assert "**The pool was not finished**: 3 of its units" in card(partial, "datasets", "data/*.parquet", 7)
