"""Lines of text tables."""

from collections.abc import Mapping


def columns(head: list[str], rows: list[list[str]]) -> list[str]:
    """Lines of a table: text columns to the left, figures to the right.

    Args:
        head: the columns' titles.
        rows: as many cells each as there are titles.
    """
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    left = [not any(row[i][:1].isdigit() for row in rows) for i in range(len(head))]
    return [
        "  ".join(c.ljust(w) if to_left else c.rjust(w) for c, w, to_left in zip(row, widths, left)).rstrip()
        for row in [head, *rows]
    ]


def reasons(counts: Mapping[str, int]) -> str:
    """Reasons and their counts, the most frequent first: "copied 12, too_long 3"; "" without any."""
    items = sorted(counts.items(), key=lambda item: -item[1])
    return ", ".join(f"{name} {count:,}" for name, count in items)
