"""The two actors of the stream: each holds one model, guards it, and tells the monitor what it does."""

import os
import time
from collections.abc import Callable
from typing import Any

import pyarrow as pa

from engine import schema, units
from engine.config import Judge, Synthesis, Translate, Work
from engine.guard import Guarded, StageFunction
from engine.monitor import CRASHES, Prometheus
from engine.shards import Place
from engine.summary import facts

TARGETS = pa.field("targets", pa.string())
"""The languages that a unit still lacks, comma-separated, on each of its rows."""


class Stages:
    """Makes the model stages inside their actors. A measurement without models replaces these, and only these."""

    def check(self, config: Synthesis) -> None:
        """Look for every model before anything is started, and convert the translator once.

        Raises:
            UserError: a model is not there, or does not know one of the languages.
        """
        from engine.convert import converted, model_folder, vocabulary
        from engine.judge import language_id
        from engine.languagetokens import LanguageTokens
        from engine.templates import load_tokenizer

        if config.student:
            load_tokenizer(config.student.model, config.student.trust_remote_code)
        folder = model_folder(config.translate.model)
        if config.translate.method == "seq2seq":
            tokens = LanguageTokens(vocabulary(converted(folder, config.translate.compute_type)))
            for target in config.targets:
                tokens.target(target)
        language_id(config.judge.language_id)

    def translate(self, translate: Translate, targets: list[str], device: str) -> StageFunction:
        """GENERATED rows -> TRANSLATED rows in `targets`; its attribute `targets` may be set before each call."""
        from engine.translate import TranslateStage

        return TranslateStage(translate, targets, device)

    def judge(self, judge: Judge, device: str) -> StageFunction:
        """TRANSLATED rows -> POOL rows."""
        from engine.judge import JudgeStage

        return JudgeStage(judge, device)


class TranslateActor:
    """GENERATED rows of a unit in, its TRANSLATED rows in all languages it lacks out (and `unit`)."""

    def __init__(self, stages: Stages, translate: Translate, work: Work, device: str, monitor: Any) -> None:
        self._targets: list[str] = []
        make = lambda: stages.translate(translate, self._targets, device)  # noqa: E731
        self._guarded = Guarded(make, self._failed, work.retries, work.translate.timeout)
        self._watch = _Watch("translate", monitor)

    def __call__(self, table: pa.Table) -> pa.Table:
        """One unit."""
        unit = table["unit"][0].as_py()
        self._targets = table["targets"][0].as_py().split(",")
        self._guarded.stage.targets = self._targets  # type: ignore[attr-defined]
        table = self._watch.run(unit, table.select(schema.GENERATED.names), self._guarded, self._failed)
        # A batch that was halved comes back as rows x targets for each half: target-major order is restored.
        rows = table.append_column("unit", pa.array([unit] * table.num_rows, pa.int64()))
        return rows if not self._guarded.split else _target_major(rows, self._targets)

    def _failed(self, table: pa.Table, message: str) -> pa.Table:
        parts = []
        for target in self._targets:
            part = table.append_column("target", pa.array([target] * table.num_rows, pa.string()))
            for field in schema.FIELDS:
                part = part.append_column(f"mt_{field}", pa.nulls(table.num_rows, pa.string()))
            for field in schema.FIELDS:
                notes = [[f"error: {message}"] if text else None for text in table[field].to_pylist()]
                part = part.append_column(f"notes_{field}", pa.array(notes, pa.list_(pa.string())))
            parts.append(part)
        return pa.concat_tables(parts).select(schema.TRANSLATED.names)


class JudgeActor:
    """TRANSLATED rows of a unit in; judges them, commits them, and passes on figures only."""

    def __init__(
        self, stages: Stages, judge: Judge, work: Work, device: str, root: Place, digest: str, monitor: Any
    ) -> None:
        self._root, self._digest, self._versions = root, digest, units.versions()
        self._guarded = Guarded(lambda: stages.judge(judge, device), _unjudged, work.retries, work.judge.timeout)
        self._watch = _Watch("judge", monitor)

    def __call__(self, table: pa.Table) -> pa.Table:
        """One unit; returns one row per language: unit, target, rows, kept, failed, reasons (as lists)."""
        unit = table["unit"][0].as_py()
        pool = self._watch.run(unit, table.select(schema.TRANSLATED.names), self._guarded, _unjudged)
        targets = pool["target"].dictionary_encode().combine_chunks()
        out = []
        for target in targets.dictionary.to_pylist():
            part = pool.filter(pa.compute.equal(pool["target"], target))
            known = facts(part)
            extra = {"together": targets.dictionary.to_pylist(), "fingerprint": self._digest}
            extra |= {"versions": self._versions, **known}
            units.commit_pool(self._root, unit, target, part, extra)
            reasons = known["reasons"]
            out.append(
                {
                    "unit": unit,
                    "target": target,
                    "rows": known["rows"],
                    "kept": known["kept"],
                    "failed": known["failed"],
                }
                | {"reasons": list(reasons), "counts": list(reasons.values())}
            )
        return pa.Table.from_pylist(out, schema=FIGURES)


FIGURES = pa.schema(
    [
        pa.field("unit", pa.int64()),
        pa.field("target", pa.string()),
        pa.field("rows", pa.int64()),
        pa.field("kept", pa.int64()),
        pa.field("failed", pa.int64()),
        pa.field("reasons", pa.list_(pa.string())),
        pa.field("counts", pa.list_(pa.int64())),
    ]
)
"""What reaches the driver of each unit and language."""


class _Watch:
    """Reports a stage's work, and gives up a unit whose process keeps dying."""

    def __init__(self, name: str, monitor: Any) -> None:
        self._name, self._monitor, self._metrics = name, monitor, Prometheus(name)

    def run(
        self, unit: int, table: pa.Table, guarded: Guarded, failed: Callable[[pa.Table, str], pa.Table]
    ) -> pa.Table:
        import ray

        if guarded.hung:
            os._exit(1)  # A thread hangs in native code: Ray gives this unit to a fresh process.
        attempt = ray.get(self._monitor.begin.remote(self._name, unit))
        started, processor = time.monotonic(), time.process_time()
        if attempt > CRASHES:
            out = failed(table, f"the {self._name} process died {CRASHES} times on this unit")
        else:
            out = guarded(table)
        seconds = time.monotonic() - started
        processor = time.process_time() - processor
        self._monitor.end.remote(self._name, unit, out.num_rows, seconds, 0, processor)
        self._metrics.count(out.num_rows, seconds)
        return out


def _unjudged(table: pa.Table, message: str) -> pa.Table:
    """POOL rows that the judge could not judge: no scores, the error as every field's reason."""
    for field in schema.FIELDS:
        table = table.append_column(f"scores_{field}", pa.nulls(table.num_rows, schema.SCORES))
    for field in schema.FIELDS:
        reasons = [f"error: {message}" if text else None for text in table[f"mt_{field}"].to_pylist()]
        table = table.append_column(f"reason_{field}", pa.array(reasons, pa.string()))
    reason = pa.array(["instruction:error"] * table.num_rows, pa.string())
    return table.append_column("reason", reason).select(schema.POOL.names)


def _target_major(table: pa.Table, targets: list[str]) -> pa.Table:
    return pa.concat_tables([table.filter(pa.compute.equal(table["target"], target)) for target in targets])
