from polydistill.engine import schema


def test_tables_grow_by_columns():
    assert schema.GENERATED.names[: len(schema.PROMPT)] == schema.PROMPT.names
    assert schema.TRANSLATED.names[: len(schema.GENERATED)] == schema.GENERATED.names
    assert schema.POOL.names[: len(schema.TRANSLATED)] == schema.TRANSLATED.names
    for field in schema.FIELDS:
        assert field in schema.GENERATED.names
        assert {f"mt_{field}", f"notes_{field}", f"scores_{field}", f"reason_{field}"} <= set(schema.POOL.names)
