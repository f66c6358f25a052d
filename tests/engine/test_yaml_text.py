"""YAML that people write is read; what would fill the memory, or is no YAML, ends in a sentence."""

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from polydistill.engine.errors import UserError
from polydistill.engine.yaml_text import CHARACTERS, DEPTH, parse_yaml

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)


@settings(max_examples=20)
@given(PLAIN)
def test_plain_values_come_back(value: object) -> None:
    assert parse_yaml(yaml.safe_dump(value, allow_unicode=True), "run.yaml") == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: [1, 2", r"run\.yaml: not valid YAML \(line 2, column \d+\)"),
        ("a: 1\n\tb: 2", r"run\.yaml: not valid YAML \(line 2, column 1\)"),
        ("a: &x [1]\nb: *x", r"run\.yaml: the alias \*x is not supported"),
        ("a: !!python/object/apply:os.system [ls]", r"run\.yaml: not valid YAML \(line 1, column 4\)"),
        ("day: 2001-13-45", r"run\.yaml: a value that YAML cannot read .*Put it in quotes"),
        ("a: \0", r"run\.yaml: not valid YAML"),
    ],
)
def test_a_mistake_is_said_with_its_place(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        parse_yaml(text, "run.yaml")


def test_nesting_and_length_have_an_end() -> None:
    assert parse_yaml("[" * DEPTH + "]" * DEPTH, "x") is not None
    for depth in (DEPTH + 1, 100_000):
        with pytest.raises(UserError, match=f"nested more than {DEPTH} levels deep"):
            parse_yaml("[" * depth + "]" * depth, "x")
    with pytest.raises(UserError, match=f"{CHARACTERS + 1:,} characters, at most"):
        parse_yaml("#" * (CHARACTERS + 1), "x")


def test_aliases_that_would_grow_without_end_are_refused_before_they_grow() -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    with pytest.raises(UserError, match=r"the alias \*a0"):
        parse_yaml("\n".join(lines), "x")
