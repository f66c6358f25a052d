"""A unit on which the judge failed has all columns of a rescued one, and none of its rows counts as kept."""

import pyarrow as pa

from polydistill.engine.judging.turns import fold
from polydistill.engine.schema import RESCUED, TRANSLATED
from polydistill.engine.storage.figures import figures_of
from polydistill.engine.synthesis.actors import _unrescued


def test_failed_rows_are_kept_by_no_step() -> None:
    columns = {field.name: pa.nulls(2, field.type) for field in TRANSLATED} | {"origin": pa.array(["a:1", "a:2"])}
    failed = _unrescued(pa.table(columns, schema=TRANSLATED), "out of memory")
    assert failed.schema.names == RESCUED.names
    figures = figures_of(fold(failed))
    assert figures.rescue is not None
    assert (figures.kept, figures.rescue.kept_without_rescue, figures.rescue.kept_without_fallback) == (0, 0, 0)
