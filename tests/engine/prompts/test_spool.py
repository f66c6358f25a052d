"""Rows that went into the spool come out again, with their counts."""

from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

from polydistill.engine.prompts.spool import DROPPED, Spool
from polydistill.engine.schema import GIVEN, PROMPT


def frame(*ids: int, source: str = "eng_Latn") -> pl.DataFrame:
    texts = {name: [f"{name} {i}" for i in ids] for name in PROMPT.names if name != "history"}
    columns = texts | {"id": [f"{i:016x}" for i in ids], "source": [source] * len(ids), "history": [None] * len(ids)}
    return pl.DataFrame(pl.from_arrow(pa.table(columns).select(PROMPT.names).cast(PROMPT)))


def given(*texts: str | None) -> pl.DataFrame:
    return pl.DataFrame({name: list(texts) for name in GIVEN.names}, schema=dict.fromkeys(GIVEN.names, pl.String))


def dropped(*reasons: str) -> pa.Table:
    rows = [{"origin": f"a:{i}", "reason": reason, "excerpt": "x"} for i, reason in enumerate(reasons)]
    return pa.Table.from_pylist(rows, schema=DROPPED)


def whole(spool: Spool, name: str) -> pa.Table:
    return pa.concat_tables(spool.batches(name))


def test_rows_come_back_in_order_with_their_bits_and_translations(tmp_path: Path) -> None:
    with Spool(tmp_path, ["deu_Latn", "jpn_Jpan"]) as spool:
        spool.keep(frame(3, 2**64 - 1), {"deu_Latn": given("drei", None)}, 0)
        spool.keep(frame(5), {"deu_Latn": given("fünf"), "jpn_Jpan": given("五")}, 1)
        spool.close_rows()
        assert spool.ids.tolist() == [3, 2**64 - 1, 5]
        assert spool.counts == {0: 2, 1: 1} and spool.targets == ["deu_Latn", "jpn_Jpan"]
        rows = whole(spool, "rows")
        assert rows.schema.equals(PROMPT) and rows["instruction"].to_pylist()[2] == "instruction 5"
        assert whole(spool, "deu_Latn")["truth"].to_pylist() == ["drei", None, "fünf"]
        assert whole(spool, "jpn_Jpan")["truth"].to_pylist() == [None, None, "五"]  # a row each, given or not
        assert [batch.num_rows for batch in spool.batches("rows")] == [2, 1]


def test_dropped_rows_are_counted_by_reason(tmp_path: Path) -> None:
    with Spool(tmp_path, []) as spool:
        spool.drop(dropped("too_long", "bad_json", "too_long"))
        spool.drop(dropped())
        spool.drop(dropped("bad_json"))
        spool.close_dropped()
        assert spool.reasons == {"too_long": 2, "bad_json": 2}
        written = whole(spool, "dropped")
    assert written["reason"].to_pylist() == ["too_long", "bad_json", "too_long", "bad_json"]


def test_memory_does_not_grow_with_dropped_rows(tmp_path: Path) -> None:
    """An excerpt of every dropped row once stayed in memory: 60 GB for a hundred million rows, half of them doubled."""
    one = pa.table([["a:1"] * 5000, ["duplicate"] * 5000, ["x" * 200] * 5000], schema=DROPPED)
    with Spool(tmp_path, []) as spool:
        before, held = pa.total_allocated_bytes(), []
        for _ in range(40):
            spool.drop(one)
            held.append(pa.total_allocated_bytes() - before)
        spool.close_dropped()
        for batch in spool.batches("dropped"):
            assert batch.num_rows == 5000
            held.append(pa.total_allocated_bytes() - before)
            assert str(tmp_path) not in Path("/proc/self/maps").read_text()  # mapped files count as well
        assert spool.reasons == {"duplicate": 200_000}
    assert max(held) < 3 * one.nbytes


def test_nothing_at_all(tmp_path: Path) -> None:
    with Spool(tmp_path, ["deu_Latn"]) as spool:
        spool.close_rows()
        assert spool.ids.shape == (0,) and not list(spool.batches("rows")) and not list(spool.batches("deu_Latn"))


def test_leaving_closes_the_files(tmp_path: Path) -> None:
    with Spool(tmp_path, []) as spool:
        spool.keep(frame(1), {}, 0)
    with pytest.raises(pa.ArrowInvalid):
        spool.keep(frame(2), {}, 0)
    assert whole(spool, "rows").num_rows == 1
