import pyarrow as pa

from polydistill.engine import schema
from polydistill.engine.storage.figures import figures_of, merge


def pool_rows(reasons: list[str | None], quality: list[float | None]) -> pa.Table:
    scores = [{"quality": q, "length_ratio": 1.0} for q in quality]
    columns = {field.name: pa.nulls(len(reasons), field.type) for field in schema.POOL}
    columns["scores_truth"] = pa.array(scores, schema.SCORES)
    columns["reason"] = pa.array(reasons, pa.string())
    return pa.table(columns, schema=schema.POOL)


def test_rows_are_kept_plus_dropped_by_reason():
    known = figures_of(
        pool_rows([None, "truth:low_quality", "truth:low_quality", "instruction:error"], [0.92, 0.1, None, 1.2])
    )
    assert (known.rows, known.kept, known.failed) == (4, 1, 1)
    assert known.reasons == {"truth:low_quality": 2, "instruction:error": 1}
    assert known.rows == known.kept + sum(known.reasons.values())
    histogram = known.fields["truth"].quality
    assert sum(histogram) == 3 and histogram[18] == 1 and histogram[19] == 1


def test_errors_count_without_their_messages():
    table = pool_rows(["instruction:error"], [None])
    index = table.schema.get_field_index("reason_instruction")
    table = table.set_column(index, schema.POOL.field("reason_instruction"), pa.array(["error: out: of memory"]))
    assert figures_of(table).fields["instruction"].reasons == {"error": 1}


def test_notes_of_translation_are_counted_by_field():
    table = pool_rows([None, None, None], [None] * 3)
    notes = pa.array([["preamble", "remark"], ["preamble"], ["error: out: of memory"]], pa.list_(pa.string()))
    index = table.schema.get_field_index("notes_truth")
    known = figures_of(table.set_column(index, schema.POOL.field("notes_truth"), notes))
    assert known.fields["truth"].notes == {"preamble": 2, "remark": 1, "error": 1}
    assert known.fields["instruction"].notes == {}
    assert merge([known, known]).notes() == {"preamble": 4, "remark": 2, "error": 2}


def test_merge_adds_everything_up():
    parts = [figures_of(pool_rows([None], [0.5])), figures_of(pool_rows(["truth:script", None], [0.5, None]))]
    total = merge(parts)
    assert (total.rows, total.kept) == (3, 2)
    assert total.reasons == {"truth:script": 1}
    assert sum(total.fields["truth"].quality) == 2
