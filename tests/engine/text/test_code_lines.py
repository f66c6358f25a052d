"""Code that stands in a text without a fence is found line by line; prose is not taken for it."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydistill.engine.text.code_lines import code_lines

LINES = ["def f(x):", "    return x", "x = 5", "# Results", "", "The sun is warm.", "print(x)", "  indented", "a; b"]


@pytest.mark.parametrize(
    "line",
    [
        "async def run(self, x):", "class A(B):", "public static void main(String[] args) {", "let x = 5;",
        "#include <stdio.h>", "from os import path", "for (int i = 0; i < 9; i++) {", "elif x == 3:", "print('a')",
        "INSERT INTO t VALUES (1)", "CREATE TABLE t (a int)", "color: red;", '"name": "x",', "$ ls -l", "pip install x",
    ],
)  # fmt: skip
def test_sure_code(line: str) -> None:
    assert code_lines([line]) == [True] == code_lines([f"    {line}"])


@pytest.mark.parametrize(
    "line",
    [
        "x = 5", "# Results", "- a point", "Print the result.", "Select a color from the list.", "For example:",
        "If you want to go, call me:", "See [the page](https://a.example) for more.", "import duties are high",
        "return to sender", "I (and she) went home.", "Note: this is important", "while he slept.", "2 + 2 = 4", "",
    ],
)  # fmt: skip
def test_prose_and_what_is_only_likely_stay_prose_alone(line: str) -> None:
    assert code_lines([line]) == [False]


def test_sure_code_takes_its_neighbors_along_over_blank_lines() -> None:
    lines = ["Look at this:", "# add", "x = 5", "", "def f(x):", "    y = x", "", "    z = y", "That is all."]
    assert code_lines(lines) == [False, True, True, False, True, True, False, True, False]
    assert code_lines(["x = 5", "Then we rest.", "print(x)"]) == [False, False, True]


@given(st.lists(st.sampled_from(LINES), max_size=8), st.lists(st.sampled_from(LINES), max_size=8))
def test_prose_separates_what_stands_above_from_what_stands_below(above: list[str], below: list[str]) -> None:
    whole = code_lines([*above, "The sun is warm.", *below])
    assert whole == [*code_lines(above), False, *code_lines(below)]


@given(st.lists(st.sampled_from(LINES), max_size=10))
def test_code_read_backwards_spreads_alike_and_blank_lines_are_none(lines: list[str]) -> None:
    found = code_lines(lines)
    assert len(found) == len(lines) and not any(code for code, line in zip(found, lines) if not line.strip())
    assert code_lines(lines[::-1]) == found[::-1]
    assert any(found) == any(code_lines([line])[0] for line in lines)


@pytest.mark.parametrize("line", ["(" * 100_000, "a(" * 50_000, "x = " * 30_000, "word " * 30_000 + ";", "{" * 100_000])
def test_a_line_of_any_length_takes_no_time(line: str) -> None:
    start = time.monotonic()
    code_lines([line, "print(x)", line[:500]])
    assert time.monotonic() - start < 2
