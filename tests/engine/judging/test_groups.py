"""Work group by group leaves the rows in their order."""

import pyarrow as pa
import pyarrow.compute as pc
from hypothesis import given
from hypothesis import strategies as st

from polydistill.engine.judging.groups import each_group


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=30))
def test_rows_keep_their_order_and_each_group_is_asked_once(keys: list[str]) -> None:
    asked: list[str] = []

    def work(rows: pa.Table, key: str) -> pa.Table:
        asked.append(key)
        assert set(rows["key"].to_pylist()) == {key}
        return rows.append_column("double", pc.multiply(rows["number"], 2))

    table = pa.table({"key": keys, "number": list(range(len(keys)))})
    made = each_group(table, table["key"], work)
    assert asked == list(dict.fromkeys(keys))
    assert made["number"].to_pylist() == list(range(len(keys)))
    assert made["double"].to_pylist() == [2 * number for number in range(len(keys))]
