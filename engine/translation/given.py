"""Translations that came with the prompts: they stand in for the translator's, text by text."""

from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc

from polydistill.engine.schema import FIELDS, GENERATED, GIVEN, TRANSLATED, Note
from polydistill.engine.translation.translator import TokenCount, drained

_PREFIX = "given_"


class Stage(Protocol):
    """The translation stage, see `engine.translation.stage`."""

    def __call__(self, rows: pa.Table, targets: list[str], /) -> pa.Table:
        """GENERATED rows into TRANSLATED rows, target by target."""


def attach(rows: pa.Table, given: dict[str, pa.Table]) -> pa.Table:
    """The rows with their given translations, one struct column for each target language."""
    for target, table in given.items():
        column = table.cast(GIVEN).combine_chunks().to_struct_array()
        rows = rows.append_column(f"{_PREFIX}{target}", column)
    return rows


class WithGiven:
    """A translation stage that takes given translations and asks the translator for the texts without one."""

    def __init__(self, stage: Stage | None) -> None:
        """Wrap a stage; null where there is no translator."""
        self.stage = stage or untranslated

    def __call__(self, rows: pa.Table, targets: list[str]) -> pa.Table:
        """Translate the rows of `attach` into all targets.

        Args:
            rows: GENERATED columns, and those that `attach` adds.
            targets: FLORES-200 codes.

        Returns:
            TRANSLATED rows, target by target. The notes of a given text are [GIVEN].
        """
        plain, count = rows.select(GENERATED.names), rows.num_rows
        given = {t: rows[f"{_PREFIX}{t}"].combine_chunks() for t in targets if f"{_PREFIX}{t}" in rows.column_names}
        # One call for all targets without given texts: the list of targets decides the model's batches.
        free = [target for target in targets if target not in given]
        made = self.stage(plain, free) if free else TRANSLATED.empty_table()
        parts = {target: made.slice(number * count, count) for number, target in enumerate(free)}
        for target, texts in given.items():
            parts[target] = self._fill(plain, texts, target)
        tables = [parts[target] for target in targets] or [TRANSLATED.empty_table()]
        return pa.concat_tables(tables, promote_options="default")  # next best hypotheses may be null

    def drain(self) -> dict[str, TokenCount]:
        """Tokens that the stage's translators used since the last call, by target language."""
        return drained(self.stage)

    def _fill(self, rows: pa.Table, given: pa.StructArray, target: str) -> pa.Table:
        """TRANSLATED rows of one target. The stage sees only the texts that have no translation."""
        # The student's own answers have no given translations.
        texts = {field: given.field(field) for field in GIVEN.names}
        taken = {field: pc.and_(_has_text(rows[field]), _has_text(texts[field])) for field in GIVEN.names}
        asked = rows
        for field, known in taken.items():
            asked = _set(asked, field, pc.if_else(known, pa.scalar(None, pa.string()), rows[field]))
        block = self.stage(asked, [target])
        note = pa.scalar([str(Note.GIVEN)], pa.list_(pa.string()))
        for field, known in taken.items():
            block = _set(block, field, rows[field])
            block = _set(block, f"mt_{field}", pc.if_else(known, texts[field], block[f"mt_{field}"]))
            block = _set(block, f"notes_{field}", pc.if_else(known, note, block[f"notes_{field}"]))
        others = [name for name in block.column_names if name not in TRANSLATED.names]
        made = block.select(TRANSLATED.names).cast(TRANSLATED)
        for name in others:
            made = made.append_column(name, block[name])
        return made


def untranslated(rows: pa.Table, targets: list[str], /) -> pa.Table:
    """TRANSLATED rows without a translator: texts in the target language are given back, others are NOT_GIVEN."""
    parts = []
    for target in targets:
        own = pc.equal(rows["source"], target)
        columns: dict[str, pa.Array | pa.ChunkedArray] = {"target": pa.array([target] * rows.num_rows, pa.string())}
        for field in FIELDS:
            has = _has_text(rows[field])
            columns[f"mt_{field}"] = pc.if_else(pc.and_(own, has), rows[field], pa.scalar(None, pa.string()))
            notes = zip(has.to_pylist(), own.to_pylist())
            lists = [([] if same else [str(Note.NOT_GIVEN)]) if text else None for text, same in notes]
            columns[f"notes_{field}"] = pa.array(lists, pa.list_(pa.string()))
        part = rows.select(GENERATED.names)
        for name in TRANSLATED.names[len(GENERATED) :]:
            part = part.append_column(TRANSLATED.field(name), columns[name])
        parts.append(part)
    return pa.concat_tables(parts or [TRANSLATED.empty_table()])


def _has_text(column: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    return pc.greater(pc.binary_length(column), 0).fill_null(False)


def _set(table: pa.Table, name: str, column: pa.Array | pa.ChunkedArray) -> pa.Table:
    return table.set_column(table.schema.get_field_index(name), name, column)
