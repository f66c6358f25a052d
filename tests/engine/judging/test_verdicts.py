"""Verdicts as a column and back."""

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from polydistill.engine.judging.verdicts import NUMBERS, Verdicts
from polydistill.engine.schema import SCORES, Flag

VALUES = st.one_of(st.just(float("nan")), st.floats(0, 1, width=32))
ROWS = st.lists(
    st.tuples(st.booleans(), st.sets(st.sampled_from(list(Flag))), VALUES, st.sampled_from([None, "deu_Latn", "la"])),
    max_size=20,
)


def verdicts(rows: list[tuple[bool, set[Flag], float, str | None]]) -> Verdicts:
    present = np.array([row[0] for row in rows], bool)
    scores = {name: np.array([row[2] for row in rows], np.float32) for name in NUMBERS}
    scores["language"] = np.array([*[row[3] for row in rows], None], object)[:-1]
    return Verdicts(scores, {str(flag): np.array([flag in row[1] for row in rows], bool) for flag in Flag}, present)


@given(ROWS)
def test_unpack_undoes_pack(rows: list[tuple[bool, set[Flag], float, str | None]]) -> None:
    before = verdicts(rows)
    column = before.pack()
    assert column.type == SCORES
    after = Verdicts.unpack(column)
    assert after.present.tolist() == before.present.tolist()
    for flag in Flag:
        fired = after.flags.get(str(flag), np.zeros(len(rows), bool))
        assert fired.tolist() == (before.flags[str(flag)] & before.present).tolist()
    for name in NUMBERS:
        kept = before.present
        assert np.array_equal(after.scores[name][kept], before.scores[name][kept], equal_nan=True)
    assert after.scores["language"][before.present].tolist() == before.scores["language"][before.present].tolist()


def test_spread_repeats_what_is_there() -> None:
    pairs = verdicts([(True, {Flag.CODE}, 0.5, "deu_Latn"), (True, set(), 0.25, None)])
    rows = pairs.spread(np.array([1, 0, 0]), np.array([True, True, False]))
    assert rows.scores["copied"][:2].tolist() == [0.25, 0.5] and np.isnan(rows.scores["copied"][2])
    assert rows.flags["code"].tolist() == [False, True, False]
    more = rows.with_flags({"code": np.array([True, False, True])})
    assert more.flags["code"].tolist() == [True, True, False]  # a row without a hypothesis has no flag


def test_no_row_at_all() -> None:
    assert Verdicts.unpack(pa.array([], SCORES)).pack() == pa.array([], SCORES)
