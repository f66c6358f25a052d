"""Signs as code has them, and as prose, Markdown and money have them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydistill.engine.text.kernels.signs import is_code


def as_code(text: str) -> list[bool]:
    """For each place of "^" in the text below it: whether the sign stands as in code."""
    data = np.frombuffer(text.encode(), np.uint8)
    signs = [i for i, byte in enumerate(data) if byte in b";*_#>~|/${}[]=<"]
    return [bool(is_code(data, i, 0, len(data))) for i in signs]


@pytest.mark.parametrize(
    "text",
    [
        "x = 1;\n",
        "a * b",
        "f(x) * (y)",
        "snake_case",
        "if x # why",
        "a || b",
        "// comment",
        "$name",
    ],
)
def test_as_in_code(text: str) -> None:
    assert any(as_code(text))


@pytest.mark.parametrize(
    "text",
    ["red; green", "*very* good", "* one", "____", "# Heading", "> quoted", "and/or", "$5", "a | b"],
)
def test_as_in_prose(text: str) -> None:
    assert not any(as_code(text))


@given(st.sampled_from(";*_#~|$"), st.integers(2, 9))
def test_a_run_of_one_sign_counts_once_at_most(sign: str, count: int) -> None:
    assert sum(as_code(f"ab{sign * count}cd")) <= 1


def test_bytes_outside_the_text_do_not_count() -> None:
    data = np.frombuffer(b"a_b", np.uint8)
    assert is_code(data, 1, 0, 3) and not is_code(data, 1, 1, 3) and not is_code(data, 1, 0, 2)
