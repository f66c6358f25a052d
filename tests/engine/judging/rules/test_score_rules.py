"""Rules over stored scores: thresholds, and what was not measured."""

import numpy as np
import pytest

from polydistill.engine.config import Judge, Rules, validate
from polydistill.engine.errors import UserError
from polydistill.engine.judging.rules.score_rules import SCORE_RULES
from polydistill.engine.judging.verdicts import NUMBERS, Columns
from polydistill.engine.schema import Reason

GERMAN = np.array(["deu_Latn"] * 2, object)


def scores(**values: list[float]) -> Columns:
    """Scores of two hypotheses; NaN where not given."""
    measured: Columns = {name: np.array(values.get(name, [np.nan, np.nan])) for name in NUMBERS}
    return measured | {"language": np.array([None, None], object)}


@pytest.mark.parametrize(
    ("reason", "score", "judge"),
    [
        (Reason.LENGTH_RATIO, 0.5, Judge(rules=Rules(length_ratio=(0.6, 2)))),
        (Reason.REPETITION, 0.3, Judge(rules=Rules(repetition=0.2))),
        (Reason.COPIED, 0.8, Judge(rules=Rules(copied=0.7))),
        (Reason.MIXED_LANGUAGE, 0.8, Judge(rules=Rules(target_share=0.9))),
        (Reason.WRONG_SCRIPT, 0.8, Judge(rules=Rules(script=0.9))),
    ],
)
def test_thresholds_come_from_the_configuration(reason: Reason, score: float, judge: Judge) -> None:
    name = {Reason.MIXED_LANGUAGE: "target_share", Reason.WRONG_SCRIPT: "script"}.get(reason, str(reason))
    measured = scores(**{name: [score, np.nan]})
    assert SCORE_RULES[reason](measured, GERMAN, judge).tolist() == [True, False]
    assert not SCORE_RULES[reason](measured, GERMAN, Judge()).any()


def test_nothing_measured_fires_nothing() -> None:
    assert not any(rule(scores(), GERMAN, Judge()).any() for rule in SCORE_RULES.values())


def test_off_target_needs_another_language_and_certainty() -> None:
    measured = scores(language_score=[0.9, 0.9]) | {"language": np.array(["eng_Latn", "deu_Latn"], object)}
    assert SCORE_RULES[Reason.OFF_TARGET](measured, GERMAN, Judge()).tolist() == [True, False]
    assert not SCORE_RULES[Reason.OFF_TARGET](measured, GERMAN, Judge(language_score=0.95)).any()


def test_thresholds_by_language() -> None:
    target = np.array(["tha_Thai", "deu_Latn"], object)
    judge = validate(
        Judge,
        {
            "language_score": {"default": 0.9, "Thai": 0.2},
            "rules": {"length_ratio": {"default": [0.6, 2], "th": [0.1, 9]}, "copied": {"default": 0.4, "deu": 0.7}},
            "quality": {"model": "m", "threshold": {"default": 0.8, "tha_Thai": 0.5}},
        },
        "judge",
    )
    same = {"quality": [0.6, 0.6], "length_ratio": [0.5, 0.5], "copied": [0.6, 0.6], "language_score": [0.5, 0.5]}
    measured = scores(**same) | {"language": np.array(["eng_Latn", "eng_Latn"], object)}
    fired = {reason: SCORE_RULES[reason](measured, target, judge).tolist() for reason in SCORE_RULES}
    assert fired[Reason.LOW_QUALITY] == [False, True] and fired[Reason.LENGTH_RATIO] == [False, True]
    assert fired[Reason.COPIED] == [True, False] and fired[Reason.OFF_TARGET] == [True, False]
    assert judge.quality and judge.quality.threshold == {"default": 0.8, "tha_Thai": 0.5}


@pytest.mark.parametrize(
    ("threshold", "message"),
    [({"tha_Thai": 0.7}, "default"), ({"default": 0.8, "Klingon": 1}, "Klingon"), ("high", "number")],
)
def test_wrong_thresholds_are_told(threshold: object, message: str) -> None:
    with pytest.raises(UserError, match=message):
        validate(Judge, {"quality": {"model": "m", "threshold": threshold}}, "judge")
