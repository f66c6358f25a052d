"""The Answers artifact: prompts with the student's own answers, unit by unit.

generated/000000.arrow   GENERATED rows of unit 0
generated/000000.json    AnswersRecord: counts, reasons, tokens, and the shard's digest; written last
"""

import re
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from polydistill.engine import schema
from polydistill.engine.config import Price, Student
from polydistill.engine.errors import DamagedError, mended_by
from polydistill.engine.generation.selection import Candidate, choose, score
from polydistill.engine.storage.record import read_record, write_record
from polydistill.engine.storage.run_folder import shard_name
from polydistill.engine.storage.shards import Folder, Shard, check_shard, read_shard, write_table

_AGAIN = "Run `polydistill synth` again: it makes this unit anew."


@dataclass(frozen=True)
class AnswerFigures:
    """Counts of answered rows."""

    rows: int = 0
    answered: int = 0  # rows with an own answer, cut ones included
    reasoned: int = 0  # rows whose reasoning trace was cut off
    reasons: dict[str, int] = field(default_factory=dict)  # `self_error`, messages left out -> rows
    candidates: int = 0  # answers generated
    prompt_tokens: int = 0
    answer_tokens: int = 0  # of all candidates
    cost: float = 0.0  # by `student.price`; 0 without prices

    def text(self) -> str:
        """One line for people."""
        marked = sorted(self.reasons.items(), key=lambda item: -item[1])
        parts = [f"{self.answered:,} of {self.rows:,} prompts answered"]
        parts += ["cut or missing: " + ", ".join(f"{name} {count:,}" for name, count in marked)] if marked else []
        parts += [f"{self.reasoned:,} reasoning traces cut off"] if self.reasoned else []
        parts += [f"{self.candidates:,} candidates"] if self.candidates > self.rows else []
        parts += [f"{self.prompt_tokens:,} prompt tokens, {self.answer_tokens:,} generated"]
        parts += [f"cost {self.cost:,.2f}"] if self.cost else []
        return "; ".join(parts)

    def __add__(self, other: "AnswerFigures") -> "AnswerFigures":
        return AnswerFigures(
            self.rows + other.rows,
            self.answered + other.answered,
            self.reasoned + other.reasoned,
            dict(sorted((Counter(self.reasons) + Counter(other.reasons)).items())),
            self.candidates + other.candidates,
            self.prompt_tokens + other.prompt_tokens,
            self.answer_tokens + other.answer_tokens,
            self.cost + other.cost,
        )


@dataclass(frozen=True)
class AnswersRecord:
    """What was committed of one unit."""

    unit: int
    shard: Shard
    figures: AnswerFigures
    format: int = 1


@dataclass(frozen=True)
class Answers:
    """The answered prompts of a run."""

    folder: Folder  # generated/

    def units(self) -> set[int]:
        """Units that are whole. One whose record or shard is damaged counts as not done, so it is made again."""
        return {unit for unit, problem in self._problems().items() if problem is None}

    def record(self, unit: int) -> AnswersRecord:
        """The record of one unit.

        Raises:
            DamagedError: it is missing or damaged.
        """
        with mended_by(_AGAIN):
            found = read_record(self.folder, self.name(unit), AnswersRecord)
            if found.unit != unit:
                raise DamagedError(f"{self.folder.join(self.name(unit))}: the record of another unit ({found.unit})")
        return found

    def table(self, unit: int, columns: list[str] | None = None) -> pa.Table:
        """GENERATED rows of one unit.

        Raises:
            DamagedError: the shard is not what was committed.
        """
        with mended_by(_AGAIN):
            return read_shard(self.folder, self.record(unit).shard, columns)

    def figures(self) -> AnswerFigures:
        """The counts of all units together, from their records.

        Raises:
            DamagedError: one is damaged.
        """
        return sum((self.record(unit).figures for unit in self._numbers()), AnswerFigures())

    def damaged(self) -> dict[int, str]:
        """Units that were committed and are not whole, each with what is wrong in one sentence."""
        shards = {int(name[:6]) for name in self.folder.names() if re.fullmatch(r"\d{6}\.arrow", name)}
        found = self._problems()
        lost = {unit: f"{self.folder.join(self.name(unit))} is missing. {_AGAIN}" for unit in shards - found.keys()}
        return dict(sorted((lost | {unit: text for unit, text in found.items() if text}).items()))

    def verify(self) -> list[str]:
        """Compare every shard with its record. Returns one sentence per problem."""
        return list(self.damaged().values())

    def commit(self, unit: int, table: pa.Table, figures: AnswerFigures) -> AnswersRecord:
        """Write the GENERATED rows of a unit, then its record."""
        shard = write_table(self.folder, shard_name(unit), table, compression="lz4")
        record = AnswersRecord(unit, shard, figures)
        write_record(self.folder, self.name(unit), record)
        return record

    @staticmethod
    def name(unit: int) -> str:
        """File name of a unit's record."""
        return f"{unit:06}.json"

    def names(self) -> set[str]:
        """File names of the records that are there."""
        return set(map(self.name, self._numbers()))

    def _numbers(self) -> list[int]:
        names = (re.fullmatch(r"(\d{6})\.json", name) for name in self.folder.names())
        return [int(match[1]) for match in names if match]

    def _problems(self) -> dict[int, str | None]:
        """What is wrong with each unit that has a record. Eight are read at a time."""
        with ThreadPoolExecutor(8) as threads:
            return dict(zip(numbers := self._numbers(), threads.map(self._problem, numbers)))

    def _problem(self, unit: int) -> str | None:
        try:
            record = self.record(unit)
            with mended_by(_AGAIN):
                check_shard(self.folder, record.shard)
        except DamagedError as error:
            return str(error)
        return None


def answered(
    prompts: pa.Table, candidates: Sequence[Sequence[Candidate]], student: Student, prompt_tokens: int
) -> tuple[pa.Table, AnswerFigures]:
    """GENERATED rows: each prompt with the chosen one of its candidates.

    Args:
        prompts: PROMPT rows.
        candidates: The answers to each of them.
        student: Says how to choose.
        prompt_tokens: Tokens read for all requests together, for the figures.

    Returns:
        The rows, and their counts.
    """
    chosen, scores = [], []
    for truth, source, some in zip(prompts["truth"].to_pylist(), prompts["source"].to_pylist(), candidates):
        values = score(some, student.select, truth, source)
        best = choose(values)
        chosen.append((some[best], None) if best is not None else (some[0], _refused(some, student)))
        scores.append(values)
    texts = [None if _failed(one, refused) else one.text for one, refused in chosen]
    errors = [refused or _mark(one) for one, refused in chosen]
    several = [
        [{"text": c.text, "finish": c.finish, "tokens": c.tokens, "score": s} for c, s in zip(some, values)]
        if student.samples > 1
        else None
        for some, values in zip(candidates, scores)
    ]
    # A column that is null throughout, or holds structs, comes back from the engine without its type.
    columns = {column.name: pa.array(prompts[column.name].to_pylist(), column.type) for column in schema.PROMPT}
    own: dict[str, list[Any]] = {
        "self": texts,
        "self_tokens": [None if one.finish.startswith("error") else one.tokens for one, _ in chosen],
        "self_error": errors,
        "self_reasoning": [one.reasoning for one, _ in chosen],
        "self_candidates": several,
    }
    columns |= {name: pa.array(some, schema.GENERATED.field(name).type) for name, some in own.items()}
    reasons = Counter(error.partition(":")[0] for error in errors if error)
    generated = sum(c.tokens for some in candidates for c in some)
    price = student.price or Price()
    figures = AnswerFigures(
        rows=prompts.num_rows,
        answered=sum(text is not None for text in texts),
        reasoned=sum(one.reasoning is not None for one, _ in chosen),
        reasons=dict(sorted(reasons.items())),
        candidates=sum(map(len, candidates)),
        prompt_tokens=prompt_tokens,
        answer_tokens=generated,
        cost=(prompt_tokens * price.prompt + generated * price.answer) / 1e6,
    )
    return pa.table(columns, schema=schema.GENERATED), figures


def unanswered(table: pa.Table) -> pa.Table:
    """GENERATED rows for a run without self-generation: every `self` is null."""
    for column in list(schema.GENERATED)[len(schema.PROMPT) :]:
        table = table.append_column(column, pa.nulls(table.num_rows, column.type))
    return table


def _mark(one: Candidate) -> str | None:
    """`self_error` of a candidate."""
    if one.finish == "stop":
        return None if one.text else "empty"
    return one.finish


def _failed(one: Candidate, refused: str | None) -> bool:
    return bool(refused) or not one.text or one.finish.startswith(("error", "reasoning"))


def _refused(candidates: Sequence[Candidate], student: Student) -> str:
    """Why no candidate was chosen."""
    whole = [c for c in candidates if c.usable]
    if whole and student.select == "matches_truth":
        return "unverified"
    if whole and student.select == "quality":
        return "unscored"
    return _mark(candidates[0]) or "empty"
