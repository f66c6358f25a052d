"""The actors around generation: they hand prompts to an engine or a server, and commit the answers."""

import time
from typing import Any

import numpy as np
import pyarrow as pa

from polydistill.engine.config import Student
from polydistill.engine.generation.answers import Answers, answered
from polydistill.engine.generation.prompting.conversation import conversations
from polydistill.engine.generation.prompting.tokens import Reading
from polydistill.engine.generation.remote import RemoteStage
from polydistill.engine.generation.reward import RewardModel
from polydistill.engine.generation.stage import UNIT, PromptStage, Reader
from polydistill.engine.prompts.artifact import open_prompts
from polydistill.engine.storage.run_folder import GENERATED
from polydistill.engine.storage.shards import Folder
from polydistill.engine.synthesis.actors import assignments


class PromptActor:
    """An ASSIGNMENT in, the unit's prompts out, ready for the engine."""

    def __init__(self, student: Student, seed: int, root: Folder) -> None:
        self._prompts, self._stage = open_prompts(root), PromptStage(student, seed)

    def __call__(self, table: pa.Table) -> pa.Table:
        """One unit."""
        (unit,) = table["unit"].to_pylist()
        rows = self._prompts.table(unit)
        return self._stage(rows.append_column(UNIT, pa.array([unit] * rows.num_rows, UNIT.type)))


class RemoteActor:
    """An ASSIGNMENT in; has the unit's prompts answered by a server, commits them, and passes the assignment on."""

    def __init__(self, student: Student, seed: int, root: Folder, monitor: Any) -> None:
        self._prompts, self._answers, self._monitor = open_prompts(root), Answers(root / GENERATED), monitor
        self._stage = RemoteStage(student, seed)

    def __call__(self, table: pa.Table) -> pa.Table:
        """One unit."""
        (unit,) = table["unit"].to_pylist()
        started = time.monotonic()
        rows, figures = self._stage(self._prompts.table(unit))
        self._answers.commit(unit, rows, figures)
        seconds = time.monotonic() - started
        self._monitor.end.remote(
            "generate", unit, rows.num_rows, seconds, figures.answer_tokens, reasons=figures.reasons
        )
        return table


class CommitActor:
    """The engine's rows of whole units in; rates the answers, chooses, commits them, and passes the assignments on."""

    def __init__(
        self,
        student: Student,
        root: Folder,
        rows: dict[int, int],
        todo: dict[int, list[str]],
        monitor: Any,
        reading: Reading,
    ) -> None:
        """Args:
        student: says how to choose.
        root: the run's folder.
        rows: number of prompts of each unit.
        todo: languages that each unit lacks.
        monitor: told of each unit.
        reading: see `Reader`.
        """
        self._student, self._rows, self._todo, self._monitor = student, rows, todo, monitor
        self._answers, self._reader = Answers(root / GENERATED), Reader(student, reading)
        self._reward = RewardModel(student.reward) if student.reward else None

    def __call__(self, table: pa.Table) -> pa.Table:
        """One unit or several."""
        numbers = table["unit"].to_numpy()
        done = dict.fromkeys(numbers.tolist())
        for unit in done:
            self._commit(unit, table.filter(pa.array(numbers == unit)))
        return assignments({unit: self._todo[unit] for unit in done})

    def _commit(self, unit: int, part: pa.Table) -> None:
        samples, count = self._student.samples, self._rows[unit]
        if part.num_rows != count * samples:
            raise RuntimeError(f"unit {unit} came back with {part.num_rows} of {count * samples} answers")
        prompts, candidates = part.take(pa.array(range(0, part.num_rows, samples))), self._reader.candidates(part)
        if self._reward:
            candidates = self._reward.rated(conversations(prompts), candidates)
        read = int(np.sum(part["num_input_tokens"].to_numpy()))
        rows, figures = answered(prompts, candidates, self._student, read)
        self._answers.commit(unit, rows, figures)
        seconds = max(0.0, *part["time_taken_llm"].to_pylist())  # the longest request; -1 for one that failed
        self._monitor.end.remote("generate", unit, count, seconds, figures.answer_tokens, reasons=figures.reasons)
