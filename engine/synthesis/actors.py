"""The actors of the stream: they read a unit, run a guarded model over it, commit it, and tell the monitor."""

import functools
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol, runtime_checkable

import pyarrow as pa
import pyarrow.compute as pc

from polydistill.engine import schema
from polydistill.engine.config import Judge, Synthesis, Translate, Translator, Work
from polydistill.engine.generation.answers import Answers, unanswered
from polydistill.engine.judging.turns import append, fold
from polydistill.engine.prompts.artifact import open_prompts
from polydistill.engine.storage.figures import RescueCost, TokenFigures, figures_of
from polydistill.engine.storage.pool import commit
from polydistill.engine.storage.run_folder import GENERATED
from polydistill.engine.storage.shards import Folder
from polydistill.engine.synthesis.isolation import Guarded, P
from polydistill.engine.synthesis.monitor import CRASHES
from polydistill.engine.synthesis.token_columns import TOKENS, tokens_of, with_tokens
from polydistill.engine.translation.given import WithGiven, attach
from polydistill.engine.translation.translator import TokenCount, drained

ASSIGNMENT = pa.schema([pa.field("unit", pa.int64()), pa.field("targets", pa.list_(pa.string()))])
"""A unit on its way, while its rows lie on storage: its number and the languages that it still lacks."""


def assignments(todo: dict[int, list[str]]) -> pa.Table:
    """Units and the languages that they lack, as ASSIGNMENT rows."""
    return pa.table([list(todo), list(todo.values())], schema=ASSIGNMENT)


TranslateFunction = Callable[[pa.Table, list[str]], pa.Table]
"""(GENERATED rows, target languages) -> TRANSLATED rows, target by target. Made once per actor, called per unit."""

JudgeFunction = Callable[[pa.Table], pa.Table]
"""TRANSLATED rows -> JUDGED rows, in order. Made once per actor, called once per unit."""


@runtime_checkable
class Rescuing(Protocol):
    """A judge that gives failed texts another chance, `engine.judging.rescue.RescueStage`."""

    def drain_cost(self) -> dict[str, RescueCost]:
        """What that took since the last call, by target language."""
        ...


class Stages:
    """Makes the model stages inside their actors. A measurement without models replaces these, and only these."""

    def check(self, config: Synthesis) -> None:
        """Look for every model before anything is started, and convert the translator once.

        Raises:
            UserError: a model is not there, or does not know one of the languages.
        """
        from polydistill.engine.generation.endpoint import EndpointClient
        from polydistill.engine.generation.prompting.check import check_template
        from polydistill.engine.judging.languages.language_id import load_language_id

        if config.student:
            for note in check_template(config.student).notes:
                print(f"{config.student.model}: {note}", file=sys.stderr)
            if config.student.endpoint:
                EndpointClient(config.student.endpoint).model()
        if config.translate is not None:
            _check_translator(config.translate, config.source, config.targets, config.translate.mark_answers)
            if config.translate.fallback is not None:
                _check_translator(config.translate.fallback, config.source, config.targets)
        load_language_id(config.judge.language_id)

    def translate(self, translate: Translate, device: str) -> TranslateFunction:
        """The translation stage, its model loaded."""
        from polydistill.engine.translation.stage import TranslateStage

        return TranslateStage(translate, device)

    def judge(self, judge: Judge, device: str) -> JudgeFunction:
        """The judge, its models loaded."""
        from polydistill.engine.judging.stage import JudgeStage

        return JudgeStage(judge, device)

    def rescue(self, judge: Judge, translate: Translate, device: str) -> JudgeFunction:
        """The judge with a second look at what failed, its models and the second translator loaded."""
        from polydistill.engine.judging.quality.estimator import load_estimator
        from polydistill.engine.judging.quality.once import OnceEstimator
        from polydistill.engine.judging.rescue import RescueStage
        from polydistill.engine.judging.stage import JudgeStage
        from polydistill.engine.translation.stage import TranslateStage

        model = load_estimator(judge, device)
        estimator = OnceEstimator(model) if model is not None else None
        fallback = TranslateStage(translate.second, device) if translate.second is not None else None
        return RescueStage(JudgeStage(judge, device, estimator), judge.quality, estimator, fallback)


def _check_translator(translator: Translator, source: str, targets: list[str], marked: bool = False) -> None:
    from polydistill.engine.translation.chat.languages import check_languages
    from polydistill.engine.translation.chat.prompts import family_for
    from polydistill.engine.translation.encoder_decoder.conversion import converted, model_folder, vocabulary
    from polydistill.engine.translation.encoder_decoder.language_tokens import language_tokens
    from polydistill.engine.translation.shots import check_shots

    if translator.method == "chat":
        check_languages(family_for(translator), source, targets)
    if translator.endpoint is not None:
        from polydistill.engine.generation.endpoint import EndpointClient

        EndpointClient(translator.endpoint).model()
        return
    folder = model_folder(translator.model)
    if translator.method == "self":
        check_shots(translator, marked, [source], targets)
    if translator.method == "seq2seq":
        tokens = language_tokens(folder, vocabulary(converted(folder, translator.compute_type)))
        tokens.check({source} - set(targets), set(targets) - {source})


class TranslateActor:
    """An ASSIGNMENT in, the unit's TRANSLATED rows in all languages it lacks out (and `unit`).

    It reads the answered prompts, or the prompts themselves where no student answers them (`own` is false).
    """

    def __init__(
        self,
        stages: Stages,
        translate: Translate | None,
        work: Work,
        device: str,
        root: Folder,
        own: bool,
        monitor: Any,
    ) -> None:
        self._root, self._own, self._prompts = root, own, open_prompts(root)

        def make() -> TranslateFunction:
            return WithGiven(stages.translate(translate, device) if translate else None)

        self._guarded = Guarded(make, _untranslated, work.retries, work.translate.timeout)
        self._watch = _Watch("translate", monitor)

    def __call__(self, table: pa.Table) -> pa.Table:
        """One unit."""
        (assignment,) = table.to_pylist()
        unit, targets = assignment["unit"], assignment["targets"]
        rows = Answers(self._root / GENERATED).table(unit) if self._own else unanswered(self._prompts.table(unit))
        rows = append(attach(rows.select(schema.GENERATED.names), self._prompts.given(unit, targets)))
        made = self._watch.run(unit, rows, self._guarded, _unchanged, targets)
        # A batch that was halved comes back as rows x targets for each half: target-major order is restored.
        made = made if not self._guarded.split else _target_major(made, targets)
        made = with_tokens(made, drained(self._guarded.stage))
        return made.append_column("unit", pa.array([unit] * made.num_rows, pa.int64()))


class JudgeActor:
    """TRANSLATED rows of a unit in; judges them, commits them, and passes on figures only."""

    def __init__(
        self,
        stages: Stages,
        judge: Judge,
        translate: Translate | None,
        work: Work,
        device: str,
        root: Folder,
        digest: str,
        monitor: Any,
    ) -> None:
        self._root, self._digest = root, digest
        self._price = translate.price if translate else None
        self._second = translate.fallback.price if translate and translate.fallback else None

        def make() -> JudgeFunction:
            if translate is not None and translate.rescues:
                return stages.rescue(judge, translate, device)
            return stages.judge(judge, device)

        failed = _unrescued if translate is not None and translate.rescues else _unjudged
        self._guarded = Guarded(make, failed, work.retries, work.judge.timeout)
        self._watch = _Watch("judge", monitor)

    def __call__(self, table: pa.Table) -> pa.Table:
        """One unit; returns one row per language: unit, target, rows, kept, failed, reasons (as lists)."""
        unit = table["unit"][0].as_py()
        commit = functools.partial(self._commit, unit, tokens_of(table))
        return self._watch.run(unit, table.drop_columns(["unit", *TOKENS.names]), self._guarded, commit)

    def _commit(self, unit: int, used: dict[str, TokenCount], judged: pa.Table) -> pa.Table:
        targets = pc.unique(judged["target"]).to_pylist()
        again = drained(self._guarded.stage)  # by the second translator
        stage = self._guarded.stage
        costs: dict[str, RescueCost] = stage.drain_cost() if isinstance(stage, Rescuing) else {}

        def one(target: str) -> dict[str, object]:
            part = fold(judged.filter(pc.equal(judged["target"], target)))
            first, second = used.get(target, TokenCount()), again.get(target, TokenCount())
            spent = TokenFigures.of(first.read, first.written, self._price)
            spent += TokenFigures.of(second.read, second.written, self._second)
            cost = costs.get(target, RescueCost()) + RescueCost(tokens_fallback=second.read + second.written)
            known = figures_of(part, spent, cost)
            commit(self._root, unit, target, part, targets, self._digest, known)
            counts = {"rows": known.rows, "kept": known.kept, "failed": known.failed}
            reasons = known.reasons
            return {"unit": unit, "target": target, **counts, "reasons": [*reasons], "counts": [*reasons.values()]}

        with ThreadPoolExecutor(8) as threads:  # a commit waits for storage, not for the processor
            return pa.Table.from_pylist(list(threads.map(one, targets)), schema=FIGURES)


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
        self._name, self._monitor = name, monitor

    def run(
        self,
        unit: int,
        table: pa.Table,
        guarded: Guarded[P],
        then: Callable[[pa.Table], pa.Table],
        *context: P.args,
        **options: P.kwargs,
    ) -> pa.Table:
        """The stage's output for `table`, passed through `then`, which counts as the stage's work."""
        import ray

        if guarded.hung:
            os._exit(1)  # A thread hangs in native code: Ray gives this unit to a fresh process.
        try:
            attempt = ray.get(self._monitor.begin.remote(self._name, unit))
        except ray.exceptions.RayActorError:  # the monitor died and is being replaced
            attempt = 1
        started, processor = time.monotonic(), time.process_time()
        if attempt > CRASHES:
            message = f"the {self._name} process died {CRASHES} times on this unit"
            out = guarded.failed(table, message, *context, **options)
        else:
            out = guarded(table, *context, **options)
        result = then(out)
        seconds = time.monotonic() - started
        processor = time.process_time() - processor
        self._monitor.end.remote(self._name, unit, out.num_rows, seconds, 0, processor)
        return result


def _unchanged(table: pa.Table) -> pa.Table:
    return table


def _untranslated(table: pa.Table, message: str, targets: list[str], /) -> pa.Table:
    """TRANSLATED rows that the translator could not translate: no hypotheses, the error as every field's note."""
    parts = []
    for target in targets:
        part = table.append_column("target", pa.array([target] * table.num_rows, pa.string()))
        for field in schema.FIELDS:
            part = part.append_column(f"mt_{field}", pa.nulls(table.num_rows, pa.string()))
        for field in schema.FIELDS:
            notes = [[f"{schema.Note.ERROR}: {message}"] if text else None for text in table[field].to_pylist()]
            part = part.append_column(f"notes_{field}", pa.array(notes, pa.list_(pa.string())))
        parts.append(part)
    return pa.concat_tables(parts).select(schema.TRANSLATED.names)


def _unjudged(table: pa.Table, message: str) -> pa.Table:
    """JUDGED rows that the judge could not judge: no scores, the error as every field's reason."""
    for field in schema.FIELDS:
        table = table.append_column(f"scores_{field}", pa.nulls(table.num_rows, schema.SCORES))
    for field in schema.FIELDS:
        reasons = [f"error: {message}" if text else None for text in table[f"mt_{field}"].to_pylist()]
        table = table.append_column(f"reason_{field}", pa.array(reasons, pa.string()))
    reason = pa.array(["instruction:error"] * table.num_rows, pa.string())
    return table.append_column("reason", reason).select(schema.JUDGED.names)


def _unrescued(table: pa.Table, message: str) -> pa.Table:
    """The same as RESCUED rows."""
    table = _unjudged(table, message)
    for column in schema.RESCUED:
        if column.name not in table.column_names:
            nothing_tried = column.name.startswith("tried_")
            values = pa.nulls(table.num_rows, column.type) if nothing_tried else table["reason"]
            table = table.append_column(column.name, values)
    return table


def _target_major(table: pa.Table, targets: list[str]) -> pa.Table:
    return pa.concat_tables([table.filter(pc.equal(table["target"], target)) for target in targets])
