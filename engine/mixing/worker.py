"""Running tasks: in this process, or in one process per core.

A task is a frozen dataclass that says what to do and does it with the process's `Mixer`. The job goes to the
processes through a file: a large one in a pipe would block this process when a worker dies before it reads.
"""

import contextlib
import multiprocessing
import os
import pickle
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa

from polydistill.engine.errors import UserError
from polydistill.engine.mixing.counts import Done, Switching
from polydistill.engine.mixing.job import Job
from polydistill.engine.mixing.mixture import DictionaryRecord
from polydistill.engine.mixing.switching.codeswitch import Lexicon
from polydistill.engine.mixing.switching.dictionaries import load_dictionary
from polydistill.engine.schema import MIXTURE
from polydistill.engine.seeds import row_bits
from polydistill.engine.storage.shards import write_tables

SHARD_ROWS = 131_072  # approximate number of samples in a shard


class Mixer:
    """One process's state: the job, and what several of its tasks need, loaded once."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.dictionaries: dict[Switching, DictionaryRecord] = {}
        self._lexicons: dict[Switching, Lexicon | None] = {}
        self._earlier: dict[int, np.ndarray] = {}

    def lexicon(self, text: str, replacements: str) -> Lexicon | None:
        """The lexicon from words of language `text` to words of `replacements`; None where the pair is skipped."""
        key = Switching(text, replacements)
        if key not in self._lexicons:
            switching = self.job.recipe.code_switch
            assert self.job.dictionaries is not None
            limit = switching.most_frequent if switching else None
            found = load_dictionary(self.job.dictionaries, text, replacements, limit)
            lexicon = Lexicon(found) if found else None
            self._lexicons[key] = lexicon
            self.dictionaries[key] = DictionaryRecord(text, replacements, None)
            if found and lexicon:
                self.dictionaries[key] = DictionaryRecord(
                    text, replacements, found.path, found.pairs, found.dropped, len(found.entries), lexicon.unusable
                )
        return self._lexicons[key]

    def earlier(self, pool: int) -> np.ndarray:
        """The prompts of the pools before this one, which may hold the same prompts: uint64, sorted, distinct."""
        if pool not in self._earlier:
            found = [np.empty(0, np.uint64)]
            for index in range(pool):
                one, targets = self.job.pools[index], self.job.pool_targets(index)
                for unit in self.job.units(index):
                    found.append(row_bits(one.table(targets[0], unit, ["id"])["id"].to_pylist()))
            self._earlier[pool] = np.unique(np.concatenate(found))
        return self._earlier[pool]

    def write(self, done: Done, name: str, tables: Iterator[pa.Table]) -> None:
        """Write the samples `tables` as one shard and add it to `done`; a shard without samples is not added."""
        shard = write_tables(self.job.out, name, MIXTURE, tables)
        if shard.rows:
            done.shards.append(shard)


class Task(Protocol):
    """Something to do for a mixture."""

    def run(self, mixer: Mixer) -> Done:
        """Do it."""


def run_tasks(job: Job, tasks: Sequence[Task], processes: int | None) -> Iterator[Done]:
    """Do all tasks and yield what each has done, in their order.

    Args:
        processes: worker processes; None: one per core. One means this process.

    Raises:
        UserError: a task failed, or a worker process was ended from outside.
    """
    workers = min(len(tasks), processes or len(os.sched_getaffinity(0)))
    if workers <= 1:
        mixer = Mixer(job)
        yield from (task.run(mixer) for task in tasks)
        return
    context = multiprocessing.get_context("spawn")  # a fork would copy Polars' and Arrow's locks but not their threads
    with tempfile.TemporaryDirectory(prefix="polydistill-mix-") as folder, _one_thread():
        path = Path(folder, "job.pickle")
        path.write_bytes(pickle.dumps(job))
        try:
            with ProcessPoolExecutor(workers, context, _start, (str(path),)) as pool:
                yield from pool.map(_work, tasks)
        except BrokenProcessPool as error:
            raise UserError(
                f"{job.out.root}: a mixing process was ended from outside, often by the system when memory runs out. "
                "Run the command again when there is more memory; --targets mixes fewer languages at once."
            ) from error


_mixer: Mixer | None = None


def _start(path: str) -> None:
    """Prepare this process with the job in the file `path`."""
    global _mixer
    _mixer = Mixer(pickle.loads(Path(path).read_bytes()))


def _work(task: Task) -> Done:
    """Do one task in a prepared process."""
    assert _mixer is not None
    return task.run(_mixer)


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Processes started inside use one thread each, since there is one process per core."""
    names = ("POLARS_MAX_THREADS", "OMP_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
