"""Another chance for a text with a failed first hypothesis: the beam's next best, then a second translator.

The first hypotheses are judged as usual. Where one fails, the others are judged as well, and the best of those that
pass is taken. Questions go first, and answers follow only where the question is usable: an answer to a lost question
is worth no quality estimate. Every hypothesis that was judged stays in the pool (`schema.TRIED`).

Where a first hypothesis fails by its quality, its translator often knows no right one, and the best of several scores
is the score's mistake. So the next best ones count for other failures, and for this one only where they pass the
threshold by `judge.quality.margin`.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from polydistill.engine.config import Quality
from polydistill.engine.judging.groups import each_group
from polydistill.engine.judging.quality.once import OnceEstimator
from polydistill.engine.judging.rules.score_rules import for_targets
from polydistill.engine.schema import FIELDS, GENERATED, JUDGED, OTHERS, RESCUED, TRANSLATED, TRIED, Reason
from polydistill.engine.storage.figures import RescueCost
from polydistill.engine.translation.translator import TokenCount, drained

JudgeFunction = Callable[[pa.Table], pa.Table]
TranslateFunction = Callable[[pa.Table, list[str]], pa.Table]

QUESTION, ANSWERS = ("instruction", "input"), ("truth", "self")
BEAM, FALLBACK = "beam", "fallback"


@dataclass(frozen=True)
class Candidate:
    """A hypothesis for the failed text of a row."""

    row: int
    origin: str
    rank: int
    text: str
    notes: list[str]


@dataclass(frozen=True)
class Tried:
    """A judged hypothesis for a text whose first one failed: an entry of `schema.TRIED`."""

    origin: str
    rank: int
    text: str | None
    quality: float | None
    reason: str | None
    taken: bool = False


class RescueStage:
    """TRANSLATED rows, with `others_*` where there are next best hypotheses -> RESCUED rows, in order.

    The result is a function of the rows.
    """

    def __init__(
        self,
        judge: JudgeFunction,
        quality: Quality | None = None,
        estimator: OnceEstimator | None = None,
        fallback: TranslateFunction | None = None,
    ) -> None:
        """Args:
        judge: judges TRANSLATED rows.
        quality: the judge's configuration of quality estimation.
        estimator: the one that `judge` asks, where it asks one.
        fallback: the translation stage of the second translator.
        """
        self._judge, self._quality, self._estimator, self._fallback = judge, quality, estimator, fallback
        self._cost: dict[str, RescueCost] = {}

    def __call__(self, rows: pa.Table) -> pa.Table:
        """Judge, and judge again where it failed."""
        if self._estimator is not None:
            self._estimator.forget()
        return each_group(rows, rows["target"], self._rescue) if rows.num_rows else RESCUED.empty_table()

    def _rescue(self, rows: pa.Table, target: str) -> pa.Table:
        """The same for rows of one language."""
        marks = [self._mark()]
        state = _State(self._judge(rows.select(TRANSLATED.names)), self._quality)
        first = state.pool["reason"]
        marks.append(self._mark())
        for fields in (QUESTION, ANSWERS):
            state = self._round(state, fields, {field: _next_best(rows, state, field) for field in fields})
        without = state.pool["reason"]
        marks.append(self._mark())
        if self._fallback is not None:
            for fields in (QUESTION, ANSWERS):
                state = self._round(state, fields, self._translated_again(state, fields, target))
        marks.append(self._mark())
        estimates, seconds = zip(*((b[0] - a[0], b[1] - a[1]) for a, b in pairwise(marks)))
        self._cost[target] = self._cost.get(target, RescueCost()) + RescueCost(*estimates, *seconds)
        table = state.pool.select(JUDGED.names)
        for field in FIELDS:
            tried = [None if own is None else [vars(one) for one in own] for own in state.tried[field]]
            table = table.append_column(f"tried_{field}", pa.array(tried, TRIED))
        for name, column in (("reason_without_rescue", first), ("reason_without_fallback", without)):
            table = table.append_column(name, column)
        return table.cast(RESCUED)

    def _mark(self) -> tuple[int, float]:
        """Pairs scored so far, and the time."""
        return self._estimator.pairs if self._estimator is not None else 0, time.monotonic()

    def drain(self) -> dict[str, TokenCount]:
        """Tokens that the second translator used since the last call, by target language."""
        return drained(self._fallback)

    def drain_cost(self) -> dict[str, RescueCost]:
        """What a second chance took since the last call, by target language. Tokens are what `drain` gives."""
        cost, self._cost = self._cost, {}
        return cost

    def _round(self, state: "_State", fields: tuple[str, ...], found: dict[str, list[Candidate]]) -> "_State":
        """Judge the candidates of `fields`, take the best ones that pass, and judge the changed rows again."""
        taken: dict[str, dict[int, Candidate]] = {}
        for field in fields:
            if found[field]:
                taken[field] = state.choose(field, found[field], self._judge(_alone(state.pool, field, found[field])))
        changed = sorted({row for own in taken.values() for row in own})
        return state.replaced(taken, changed, self._judge) if changed else state

    def _translated_again(self, state: "_State", fields: tuple[str, ...], target: str) -> dict[str, list[Candidate]]:
        """The second translator's hypotheses for what has failed so far."""
        wanted = {field: set(state.failed(field)) for field in fields}
        found: dict[str, list[Candidate]] = {field: [] for field in fields}
        rows = sorted(set().union(*wanted.values()))
        if not rows:
            return found
        part = state.pool.select(GENERATED.names).take(pa.array(rows, pa.int64()))
        for field in FIELDS:  # what has not failed is not translated again
            asked = [row in wanted.get(field, ()) for row in rows]
            part = _with(part, field, pc.if_else(pa.array(asked), part[field], ""))
        assert self._fallback is not None
        made = self._fallback(part, [target])
        for field in fields:
            for row, text, notes in zip(rows, *_texts(made, field)):
                if text is not None:
                    found[field].append(Candidate(row, FALLBACK, 0, text, notes))
        return found


class _State:
    """The pool as it is so far, and what was tried: by field, for each row."""

    def __init__(
        self,
        pool: pa.Table,
        quality: Quality | None,
        tried: dict[str, list[list[Tried] | None]] | None = None,
    ) -> None:
        self.pool, self._quality = pool, quality
        self.tried = tried or {field: [None] * pool.num_rows for field in FIELDS}

    def failed(self, field: str) -> list[int]:
        """Rows whose text of this field failed and is worth another chance."""
        wanted = pc.and_(pc.is_valid(self.pool[f"reason_{field}"]), pc.greater(pc.binary_length(self.pool[field]), 0))
        for other in QUESTION if field in ANSWERS else ():
            wanted = pc.and_(wanted, pc.is_null(self.pool[f"reason_{other}"]))
        if field == "self":  # an answer that the student did not finish is none in any language
            wanted = pc.and_(wanted, pc.not_equal(pc.fill_null(self.pool["self_error"], ""), "length"))
        return np.flatnonzero(pc.fill_null(wanted, False).to_numpy(zero_copy_only=False)).tolist()

    def worth_next_best(self, field: str) -> list[int]:
        """Those of them that the translator's next best hypotheses may replace."""
        rows = self.failed(field)
        if self._quality is None or self._quality.margin is not None:
            return rows
        reasons = self.pool[f"reason_{field}"].take(pa.array(rows, pa.int64())).to_pylist()
        return [row for row, reason in zip(rows, reasons) if reason != Reason.LOW_QUALITY]

    def choose(self, field: str, candidates: list[Candidate], judged: pa.Table) -> dict[int, Candidate]:
        """By row the best candidate that passed, the earlier one among equals. Notes all of them as tried."""
        chosen: dict[int, tuple[float, Candidate]] = {}
        scores = pc.struct_field(judged[f"scores_{field}"].combine_chunks(), "quality").to_pylist()
        bars = self._bars(field, candidates)
        for candidate, quality, reason, bar in zip(candidates, scores, judged[f"reason_{field}"].to_pylist(), bars):
            self._note(field, candidate.row)
            tried = self.tried[field][candidate.row]
            assert tried is not None
            if reason is None and quality is not None and quality < bar:
                reason = str(Reason.NARROW)
            tried.append(Tried(candidate.origin, candidate.rank, candidate.text, quality, reason))
            best = chosen.get(candidate.row)
            if reason is None and (best is None or (quality or 0.0) > best[0]):
                chosen[candidate.row] = (quality or 0.0, candidate)
        return {row: candidate for row, (_, candidate) in chosen.items()}

    def _bars(self, field: str, candidates: list[Candidate]) -> list[float]:
        """The score that each candidate needs beyond passing: -inf for those that compete with nothing by score."""
        if self._quality is None or self._quality.margin is None:
            return [-np.inf] * len(candidates)
        rows = pa.array([candidate.row for candidate in candidates], pa.int64())
        target = self.pool["target"].take(rows).to_numpy(zero_copy_only=False)
        low = pc.equal(self.pool[f"reason_{field}"].take(rows), str(Reason.LOW_QUALITY)).to_pylist()
        bar = for_targets(self._quality.threshold, target) + for_targets(self._quality.margin, target)
        best_of_several = [own and candidate.origin == BEAM for own, candidate in zip(low, candidates)]
        return np.where(best_of_several, bar, -np.inf).tolist()

    def _note(self, field: str, row: int) -> None:
        """The first hypothesis is the first one tried."""
        if self.tried[field][row] is None:
            text, reason = self.pool[f"mt_{field}"][row].as_py(), self.pool[f"reason_{field}"][row].as_py()
            quality = (self.pool[f"scores_{field}"][row].as_py() or {}).get("quality")
            self.tried[field][row] = [Tried(BEAM, 0, text, quality, reason, taken=text is not None)]

    def replaced(self, taken: dict[str, dict[int, Candidate]], changed: list[int], judge: JudgeFunction) -> "_State":
        """The state with the chosen candidates in their rows, and these rows judged again."""
        table = self.pool.select(TRANSLATED.names)
        for field, own in taken.items():
            texts, notes = _texts(table, field)
            for row, candidate in own.items():
                texts[row], notes[row] = candidate.text, candidate.notes
                self.tried[field][row] = [
                    replace(one, taken=(one.origin, one.rank) == (candidate.origin, candidate.rank))
                    for one in self.tried[field][row] or ()
                ]
            table = _with_texts(table, field, texts, notes)
        judged = judge(table.take(pa.array(changed)))
        order = np.arange(table.num_rows)
        order[changed] = table.num_rows + np.arange(len(changed))
        return _State(pa.concat_tables([self.pool, judged]).take(pa.array(order)), self._quality, self.tried)


def _next_best(rows: pa.Table, state: _State, field: str) -> list[Candidate]:
    if f"others_{field}" not in rows.column_names:
        return []
    others = rows[f"others_{field}"].cast(OTHERS)
    return [
        Candidate(row, BEAM, rank, other["text"], other["notes"])
        for row in state.worth_next_best(field)
        for rank, other in enumerate(others[row].as_py() or (), 1)
    ]


def _alone(pool: pa.Table, field: str, candidates: list[Candidate]) -> pa.Table:
    """TRANSLATED rows with a candidate each, and without the row's other texts.

    An answer keeps the input that it is compared with.
    """
    table = pool.select(TRANSLATED.names).take(pa.array([candidate.row for candidate in candidates], pa.int64()))
    table = _with_texts(table, field, [c.text for c in candidates], [c.notes for c in candidates])
    kept = {field, "input"} if field in ANSWERS else {field}
    for other in FIELDS:
        if other not in kept:
            count = len(candidates)
            table = _with(table, other, pa.array([""] * count, pa.string()))
            table = _with_texts(table, other, [None] * count, [None] * count)
    return table


def _texts(table: pa.Table, field: str) -> tuple[list[str | None], list[list[str]]]:
    return table[f"mt_{field}"].to_pylist(), table[f"notes_{field}"].to_pylist()


def _with_texts(
    table: pa.Table, field: str, texts: Sequence[str | None], notes: Sequence[list[str] | None]
) -> pa.Table:
    table = _with(table, f"mt_{field}", pa.array(texts, pa.string()))
    return _with(table, f"notes_{field}", pa.array(notes, pa.list_(pa.string())))


def _with(table: pa.Table, name: str, column: pa.Array) -> pa.Table:
    return table.set_column(table.schema.get_field_index(name), name, column)
