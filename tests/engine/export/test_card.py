import pytest

from polydistill.engine.export.card import cell, size_category


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
