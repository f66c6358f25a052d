"""Thresholds: one for all languages, or by language."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydistill.engine.config import Judge, dump, validate
from polydistill.engine.errors import UserError


def test_thresholds_by_language_are_kept_by_code():
    judge = validate(Judge, {"language_score": {"default": 0.5, "Thai": 0.3}}, "test")
    assert judge.language_score == {"default": 0.5, "tha_Thai": 0.3}
    assert validate(Judge, {"language_score": 0.4}, "test").language_score == 0.4


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"tha_Thai": 0.3}, "need a `default`"),
        ({"default": 0.5, "klingon": 0.3}, "unknown language 'klingon'"),
        ({"default": 0.5, "tha_Thai": 1.5}, "less than or equal to 1"),
        (-0.1, "greater than or equal to 0"),
    ],
)
def test_wrong_thresholds(value, message):
    with pytest.raises(UserError, match=message):
        validate(Judge, {"rules": {"copied": value}}, "test")


@given(low=st.floats(0, 1), high=st.floats(1, 9), default=st.floats(0, 1))
def test_what_is_dumped_reads_back(low, high, default):
    ratio = {"default": [low, high], "deu_Latn": [low / 2, high]}
    judge = validate(Judge, {"rules": {"length_ratio": ratio, "copied": default}}, "test")
    assert validate(Judge, dump(judge), "again") == judge
    assert judge.rules.length_ratio["deu_Latn"] == (low / 2, high)
