"""Stand-ins at the model call: a translator that writes the target's code in front, a judge that measures lengths.

Everything else in these runs is real. Their outputs are functions of their inputs, so runs can be compared byte for
byte; each call leaves a line in `log`, so that work done twice can be counted.
"""

import os
import time
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from polydistill.engine import schema
from polydistill.engine.config import Judge, Synthesis, Translate
from polydistill.engine.errors import UserError
from polydistill.engine.synthesis.actors import JudgeFunction, Stages, TranslateFunction


@dataclass
class Standins(Stages):
    """Stages that cost nothing, and that misbehave on rows whose instruction holds a certain text."""

    log: str = ""  # file that gets a line for each call: "translate first-row-id rows time"
    delay: float = 0.0  # seconds for each call
    raise_on: str = ""
    hang_on: str = ""
    die_on: str = ""
    refuse: str = ""  # a UserError when the translator is made

    def check(self, config: Synthesis) -> None:
        """There is no model to look for."""

    def translate(self, translate: Translate, device: str) -> TranslateFunction:
        """A translator that writes the target's code in front."""
        if self.refuse:
            raise UserError(self.refuse)
        return _Prefix(self)

    def judge(self, judge: Judge, device: str) -> JudgeFunction:
        """A judge that measures lengths, and drops one row in sixteen."""
        return _Lengths(self)

    def note(self, stage: str, table: pa.Table) -> None:
        """Leave a line in the log, then take as long as asked."""
        if self.log and table.num_rows:
            descriptor = os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            os.write(descriptor, f"{stage} {table['id'][0].as_py()} {table.num_rows} {time.time()}\n".encode())
            os.close(descriptor)
        time.sleep(self.delay)

    def misbehave(self, table: pa.Table) -> None:
        """Die, hang or raise where the table holds a row for it."""

        def holds(text: str) -> bool:
            return bool(text) and pc.any(pc.match_substring(table["instruction"], text)).as_py()

        if holds(self.die_on):
            os.kill(os.getpid(), 9)
        if holds(self.hang_on):
            time.sleep(3600)
        if holds(self.raise_on):
            raise RuntimeError("this row cannot be translated")


class _Prefix:
    def __init__(self, settings: Standins) -> None:
        self.settings = settings

    def __call__(self, table: pa.Table, targets: list[str]) -> pa.Table:
        self.settings.misbehave(table)
        self.settings.note("translate", table)
        present = {field: pc.not_equal(pc.fill_null(table[field], ""), "") for field in schema.FIELDS}
        empty = pa.scalar([], pa.list_(pa.string()))
        parts = []
        for target in targets:
            part = table.append_column("target", pa.array([target] * table.num_rows))
            for field in schema.FIELDS:
                text = pc.binary_join_element_wise(target, table[field], ": ")
                part = part.append_column(f"mt_{field}", pc.if_else(present[field], text, pa.scalar(None, pa.string())))
            for field in schema.FIELDS:
                notes = pc.if_else(present[field], empty, pa.scalar(None, pa.list_(pa.string())))
                part = part.append_column(f"notes_{field}", notes)
            parts.append(part)
        return pa.concat_tables(parts).cast(schema.TRANSLATED)


class _Lengths:
    def __init__(self, settings: Standins) -> None:
        self.settings = settings

    def __call__(self, table: pa.Table) -> pa.Table:
        self.settings.note("judge", table)
        count = table.num_rows
        for field in schema.FIELDS:
            lengths = [pc.utf8_length(pc.fill_null(table[name], "")) for name in (f"mt_{field}", field)]
            ratio = pc.divide(lengths[0].cast(pa.float32()), pc.add(lengths[1].cast(pa.float32()), 1.0))
            columns = [pa.nulls(count, part.type) for part in schema.SCORES]
            columns[schema.SCORES.get_field_index("length_ratio")] = ratio.combine_chunks().cast(pa.float32())
            scores = pa.StructArray.from_arrays(columns, fields=list(schema.SCORES))
            table = table.append_column(f"scores_{field}", scores)
        failed = [
            pc.starts_with(pc.fill_null(pc.list_element(_first(table[f"notes_{field}"]), 0), ""), "error")
            for field in schema.FIELDS
        ]
        for field, bad in zip(schema.FIELDS, failed):
            reason = pc.if_else(bad, "error", pa.scalar(None, pa.string()))
            table = table.append_column(f"reason_{field}", reason)
        short = pc.equal(pc.utf8_slice_codeunits(table["id"], 0, 1), "0")  # one row in sixteen is dropped
        reason = pc.if_else(short, "instruction:length_ratio", pa.scalar(None, pa.string()))
        return table.append_column("reason", pc.if_else(failed[0], "instruction:error", reason)).cast(schema.JUDGED)


def _first(notes: pa.ChunkedArray) -> pa.Array:
    """Lists with at least one element (null where there was none), as list_element wants them."""
    values = [(item or [None])[:1] for item in notes.to_pylist()] if notes.null_count < len(notes) else []
    return pa.array(values or [[None]] * len(notes), pa.list_(pa.string()))
