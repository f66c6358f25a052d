import pyarrow as pa
import pytest

from polydistill.engine import schema


def test_tables_grow_by_columns():
    assert schema.GENERATED.names[: len(schema.PROMPT)] == schema.PROMPT.names
    assert schema.TRANSLATED.names[: len(schema.GENERATED)] == schema.GENERATED.names
    assert schema.POOL.names[: len(schema.TRANSLATED)] == schema.TRANSLATED.names
    for field in schema.FIELDS:
        assert field in schema.GENERATED.names
        assert {f"mt_{field}", f"notes_{field}", f"scores_{field}", f"reason_{field}"} <= set(schema.POOL.names)


def test_require_names_the_first_column_that_is_wrong():
    good = schema.PROMPT.empty_table()
    schema.require(good.append_column("more", pa.array([], pa.int8())), schema.PROMPT, "prompts")
    with pytest.raises(ValueError, match=r"prompts: column 'source' is missing \(has: id, origin"):
        schema.require(good.drop(["source", "input"]), schema.PROMPT, "prompts")
    with pytest.raises(ValueError, match="column 'input' is int64, expected string"):
        schema.require(good.set_column(4, "input", pa.array([], pa.int64())), schema.PROMPT, "prompts")
