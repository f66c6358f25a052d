"""Methods with several runs: one row for each arm, and tests only where there is something to test."""

import dataclasses
import xml.etree.ElementTree as ET

from polydistill.eval.reporting.methods import methods, one_per_arm
from polydistill.eval.reporting.table import Table, summary
from polydistill.eval.scores import Result
from tests.eval.test_scores import ARM, RECORD


def row(model: str, value: float | None) -> Result:
    low, high = (None, None) if value is None else (value - 1, value + 2)
    return Result(model, "mkqa", "deu_Latn", "target", "f1", value, low, high, 9, True, "")


def test_runs_of_an_arm_are_one_row_with_their_mean() -> None:
    found = one_per_arm([row("a/1", 10), row("a/2", 20), row("a/3", None), row("b", None)])
    assert [(each.model, each.value, each.low, each.high) for each in found] == [
        ("a", 15.0, 14.0, 17.0),
        ("b", None, None, None),
    ]


def test_what_is_drawn_is_well_formed_and_names_are_escaped() -> None:
    arm = dataclasses.replace(ARM, arm="a<b")
    page = methods(dataclasses.replace(RECORD, arms=[arm]), Table([], {}, []))
    ET.fromstring(f"<div>{page}</div>")
    assert "a&lt;b" in page and "<b>+1.0 <small>[+0.5, +1.5]</small></b>" in page  # p 0.01: sure


def test_without_a_baseline_there_are_no_tests() -> None:
    record = dataclasses.replace(RECORD, arms=[dataclasses.replace(ARM, effect=None)])
    assert "<details>" not in methods(record, summary(record))
