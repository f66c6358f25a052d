"""From scores and flags to reasons: the first test that fails, field by field, then for the row."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polydistill.engine.config import Judge, Quality, validate
from polydistill.engine.judging.decision import ALWAYS, decide, has_text, reasons
from polydistill.engine.judging.verdicts import NUMBERS, Verdicts
from polydistill.engine.schema import FIELDS, POOL, Flag, Reason
from tests.engine.pool_fixture import row

JUDGE = Judge()
STRICT = validate(Judge, {"quality": {"model": "q", "threshold": 0.8}}, "judge")


def verdicts(flags: list[set[str]], **scores: list[float | None]) -> Verdicts:
    """Verdicts of hypotheses that are good but for what is given."""
    rows = len(flags)
    columns: dict[str, np.ndarray] = {name: np.full(rows, np.nan, np.float32) for name in NUMBERS}
    columns |= {name: np.array(values, np.float32) for name, values in scores.items()}
    columns["language"] = np.full(rows, None, object)
    fired = {str(flag): np.array([flag in one for one in flags], bool) for flag in Flag}
    return Verdicts(columns, fired, np.ones(rows, bool))


def pool(*rows: dict) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=POOL)


@settings(max_examples=20)
@given(st.lists(st.sets(st.sampled_from(list(Flag))), min_size=1, max_size=8))
def test_flags_fail_a_text_only_where_they_are_to_be_dropped(flags: list[set[Flag]]) -> None:
    order = [str(flag) for flag in (*ALWAYS, *JUDGE.rules.drop)]
    expected = [next((name for name in order if name in one), "") for one in flags]
    assert decide(verdicts([{str(flag) for flag in one} for one in flags]), "deu_Latn", JUDGE).tolist() == expected


def test_what_always_fails_does_so_without_any_rule() -> None:
    lax = validate(Judge, {"rules": {"drop": []}}, "judge")
    flags = [{Flag.ERROR}, {Flag.EMPTY}, {Flag.QUALITY_ERROR}, {Flag.DIGITS}]
    assert decide(verdicts(flags), "deu_Latn", lax).tolist() == ["error", "empty", "quality_error", ""]


def test_a_missing_score_fails_only_where_one_is_wanted() -> None:
    quality = [0.9, 0.79, float("nan")]
    given = verdicts([set()] * 3, quality=quality)
    assert decide(given, "deu_Latn", STRICT).tolist() == ["", Reason.LOW_QUALITY, Reason.UNSCORED]
    assert decide(given, "deu_Latn", JUDGE).tolist() == ["", "", ""]


@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=10), st.floats(0, 1), st.floats(0, 1))
def test_a_higher_threshold_drops_no_fewer(quality: list[float], one: float, other: float) -> None:
    low, high = sorted((one, other))
    given = verdicts([set()] * len(quality), quality=quality)
    lax, strict = (Judge(quality=Quality(model="q", threshold=value)) for value in (low, high))
    dropped = decide(given, "deu_Latn", lax) != ""
    assert not (dropped & (decide(given, "deu_Latn", strict) == "")).any()


def test_thresholds_may_differ_by_language() -> None:
    by_language = validate(Judge, {"quality": {"model": "q", "threshold": {"default": 0.8, "jpn_Jpan": 0.5}}}, "judge")
    targets = np.array(["deu_Latn", "jpn_Jpan"], object)
    assert decide(verdicts([set()] * 2, quality=[0.6, 0.6]), targets, by_language).tolist() == ["low_quality", ""]


def scored(*names: str, **quality: float) -> dict:
    """Columns of fields that were scored; those named in `names` lack their translation."""
    found = {f"scores_{field}": {"quality": value, "flags": []} for field, value in quality.items()}
    return found | {f"mt_{name}": None for name in names}


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        (scored(instruction=0.9, truth=0.9, self=0.9), None),
        (scored(instruction=0.9, truth=0.9, self=0.1), None),  # one usable answer is enough
        (scored(instruction=0.9, truth=0.1, self=0.9), None),
        (scored(instruction=0.9, truth=0.1, self=0.1), "truth:low_quality"),
        (scored(instruction=0.1, truth=0.9, self=0.9), "instruction:low_quality"),
        (scored(instruction=0.1, truth=0.1, self=0.1), "instruction:low_quality"),  # the question comes first
        (scored("instruction", truth=0.9, self=0.9), "instruction:error"),
        ({"truth": "", "self": None, **scored(instruction=0.9)}, "answer:missing"),
    ],
)
def test_a_row_needs_its_question_and_one_answer(columns: dict, reason: str | None) -> None:
    decided = reasons(pool(row(0, "deu_Latn", **columns)), STRICT)
    assert decided["reason"].to_pylist() == [reason] and decided.schema.equals(POOL)


def test_deciding_again_changes_reasons_only_and_is_stable() -> None:
    rows = [row(i, "deu_Latn", **scored(instruction=0.9, truth=i / 10, self=0.3)) for i in range(10)]
    before = pool(*rows)
    once = reasons(before, STRICT)
    assert reasons(once, STRICT).equals(once)
    kept = [name for name in POOL.names if not name.startswith("reason")]
    assert once.select(kept).equals(before.select(kept))
    assert [reason is None for reason in once["reason"].to_pylist()] == [i >= 8 for i in range(10)]
    assert reasons(once, JUDGE)["reason"].null_count == 10  # scores stay, so a laxer judge takes all back


def test_a_translation_that_nobody_gave_is_told_from_an_error() -> None:
    lost = {"mt_self": None, "notes_self": ["not_given"], "mt_truth": None}
    decided = reasons(pool(row(0, "deu_Latn", **lost)), JUDGE)
    assert decided["reason_self"].to_pylist() == ["not_given"] and decided["reason_truth"].to_pylist() == ["error"]


def test_text_is_neither_null_nor_empty() -> None:
    table = pa.table({field: ["a", "", None] for field in FIELDS})
    assert has_text(table, "self").tolist() == [True, False, False]
