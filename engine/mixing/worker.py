"""What one process does in mixing: units of a pool, or a language pair's parallel text, become shards.

`engine.mixing.mix` plans the tasks and writes the manifest.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from polydistill.engine.config import Dictionaries, Judge, Parallel
from polydistill.engine.mixing import parallel_text
from polydistill.engine.mixing.codeswitch import Lexicon
from polydistill.engine.mixing.dictionaries import load_dictionary
from polydistill.engine.mixing.leakage import Index
from polydistill.engine.mixing.recipe import Recipe
from polydistill.engine.mixing.subsets import READS, Counts, Rows, pool_subset, unusable
from polydistill.engine.schema import MIXTURE, POOL
from polydistill.engine.seeds import row_bits, uniform
from polydistill.engine.storage.run_folder import Pool
from polydistill.engine.storage.shards import Folder, Shard, write_tables

SHARD_ROWS = 131_072  # a shard holds about so many samples


@dataclass(frozen=True)
class Job:
    """Everything that decides a mixture's content; sent to each worker once."""

    pools: list[Pool]
    targets: list[str]
    sources: list[str]
    recipe: Recipe
    seed: int
    dictionaries: Dictionaries | None
    parallel: Parallel | None
    judge: Judge | None
    evaluation: Index | None
    out: Folder
    factors: dict[str, float] = field(default_factory=dict)  # target -> how often each of its samples is taken


@dataclass
class Done:
    """What one task has written."""

    shards: list[Shard] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)
    dictionaries: dict[str, Any] = field(default_factory=dict)
    parallel: dict[str, Any] = field(default_factory=dict)
    rows: int = 0  # pool rows read

    def add(self, other: "Done") -> None:
        """Add what another task has written."""
        self.shards += other.shards
        self.counts.add(other.counts)
        self.dictionaries |= other.dictionaries
        self.parallel |= other.parallel


class Mixer:
    """One process's state: the job, and the lexicons loaded so far."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self._lexicons: dict[tuple[str, str], Lexicon | None] = {}
        self.loaded: dict[str, Any] = {}
        self._ids: dict[int, np.ndarray] = {}

    def lexicon(self, language: str, other: str) -> Lexicon | None:
        """The lexicon from words of `language` to words of `other`, loaded once."""
        if (language, other) not in self._lexicons:
            switching = self.job.recipe.code_switch
            assert self.job.dictionaries is not None
            found = load_dictionary(
                self.job.dictionaries, language, other, switching.most_frequent if switching else None
            )
            lexicon = Lexicon(found) if found else None
            self._lexicons[language, other] = lexicon
            self.loaded[f"{language} -> {other}"] = None
            if found and lexicon:
                info = {key: getattr(found, key) for key in ("path", "pairs", "identical", "malformed")}
                info |= {"entries": len(found.entries), "no_words": lexicon.unusable}
                self.loaded[f"{language} -> {other}"] = info
        return self._lexicons[language, other]

    def pool(self, index: int, units: list[int]) -> Done:
        """Mix some consecutive units of one pool into one shard (several where the units are large)."""
        done = Done()
        pool = self.job.pools[index]
        targets = self._targets(index)
        rows = sum(pool.shard(targets[0], unit).rows for unit in units)
        done.rows = rows * len(targets)
        step = math.ceil(rows / max(1, round(rows * samples(self.job.recipe, len(targets)) / SHARD_ROWS)))
        for number, start in enumerate(range(0, rows, step)):
            tables = ((target, self._table(pool, target, units).slice(start, step)) for target in targets)
            self._write(done, f"pool{index}-{units[0]:06}-{number:02}.arrow", self._samples(index, tables, done.counts))
        done.dictionaries = self.loaded
        return done

    def count(self, index: int, units: list[int]) -> Done:
        """Only count the samples that each subset and target language would have."""
        done = Done()
        for target in self._targets(index):
            for rows in self._by_source(self._table(self.job.pools[index], target, units), target, {}):
                for name, subset in self.job.recipe.subsets.items():
                    if subset.task is None and not subset.source_only:
                        reason, _ = unusable(rows, self.job.recipe, subset, self.job.seed)
                        done.counts.rows[name, target] += reason.null_count
        return done

    def _targets(self, index: int) -> list[str]:
        return [target for target in self.job.targets if target in self.job.pools[index].records]

    def _table(self, pool: Pool, target: str, units: list[int]) -> pa.Table:
        if self.job.judge is None:
            return pa.concat_tables(pool.table(target, unit, READS) for unit in units)
        from polydistill.engine.judging.stage import reasons  # loads the language-ID library

        tables = (reasons(pool.table(target, unit, POOL.names), self.job.judge) for unit in units)
        return pa.concat_tables(table.select(READS) for table in tables)

    def _by_source(self, table: pa.Table, target: str, shared: dict[str, Any]) -> Iterator[Rows]:
        """The rows of each source language; `shared` is the same for every target language."""
        sources = pc.unique(table["source"]).to_pylist()
        for source in sources:
            part = table if len(sources) == 1 else table.filter(pc.equal(table["source"], source))
            yield Rows(part, target, self.job.evaluation, shared.setdefault(source, {}))

    def _samples(self, index: int, tables: Iterable[tuple[str, pa.Table]], counts: Counts) -> Iterator[pa.Table]:
        """The samples of all subsets of the same prompts in all target languages, one language after the other."""
        recipe = self.job.recipe
        shared: dict[str, Any] = {}
        for target, table in tables:
            for rows in self._by_source(table, target, shared):
                for name, subset in recipe.subsets.items():
                    if subset.task is None and subset.source_only:
                        among = self._once(index, rows, name, counts)
                        if among.any():
                            yield pool_subset(rows, recipe, name, self.job.seed, self.lexicon, counts, among)
                    elif subset.task is None:
                        made = pool_subset(rows, recipe, name, self.job.seed, self.lexicon, counts)
                        yield self._sampled(made, name, target, counts)

    def _once(self, index: int, rows: Rows, name: str, counts: Counts) -> np.ndarray:
        """The prompts that a source-only subset takes beside this target language: bool (rows,).

        Each prompt is taken once; where questions are switched, beside a language that is drawn for it.
        """
        job = self.job
        new = ~np.isin(rows.bits, self._earlier(index))
        targets = self._targets(index)
        if rows.target == targets[0] and not new.all():
            counts.dropped[name, rows.source, "prompt:in_earlier_pool"] += int((~new).sum())
        if not job.recipe.probability(job.recipe.subsets[name]):
            return new & (rows.target == targets[0])
        drawn_from = [target for target in targets if target != rows.source] or targets
        if rows.target not in drawn_from:
            return np.zeros(len(new), bool)
        draw = (uniform(job.seed, rows.bits, f"language:{name}") * len(drawn_from)).astype(np.int64)
        return new & (draw == drawn_from.index(rows.target))

    def _earlier(self, index: int) -> np.ndarray:
        """Bits of the prompts' ids in the pools before this one, which may hold the same prompts."""
        if index not in self._ids:
            pools = self.job.pools[:index]
            found = [row_bits(t["id"].to_pylist()) for pool in pools for t in pool.tables(pool.targets[0], ["id"])]
            self._ids[index] = np.unique(np.concatenate([np.empty(0, np.uint64), *found]))
        return self._ids[index]

    def _sampled(self, table: pa.Table, name: str, target: str, counts: Counts) -> pa.Table:
        """The samples as often as the recipe's language shares ask for: left out, once, or several times."""
        factor = self.job.factors.get(target)
        if factor is None:
            return table
        bits = row_bits(table["id"].to_pylist())
        whole = int(factor)
        times = whole + (uniform(self.job.seed, bits, f"sample:{name}:{target}") < factor - whole)
        counts.rows[name, target] += int(times.sum()) - len(times)
        if not times.all():
            counts.dropped[name, target, "sampling:language_share"] += int((times == 0).sum())
        return table.take(np.repeat(np.arange(len(times)), times))

    def parallel(self, source: str, target: str) -> Done:
        """Make the tasks on parallel text of one language pair."""
        job, done = self.job, Done()
        assert job.parallel is not None
        rows = job.parallel.rows.get(target, 0) if isinstance(job.parallel.rows, dict) else job.parallel.rows
        if rows == 0:
            return done
        drawn = parallel_text.draw(job.parallel, source, target, rows, job.seed, job.evaluation)
        done.parallel[f"{source}-{target}"] = {
            **{"path": drawn.path, "lines": drawn.lines, "pairs": len(drawn.frame), "dropped": drawn.dropped}
        }
        for number, part in enumerate(drawn.frame.iter_slices(SHARD_ROWS // 4)):
            tables = (
                table
                for name, subset in job.recipe.subsets.items()
                if subset.task is not None
                for table in parallel_text.task_subset(part, name, subset, source, target, job.seed, done.counts)
            )
            self._write(done, f"parallel-{source}-{target}-{number:02}.arrow", tables)
        return done

    def _write(self, done: Done, name: str, tables: Iterator[pa.Table]) -> None:
        shard = write_tables(self.job.out, name, MIXTURE, tables)
        if shard.rows:
            done.shards.append(shard)


def samples(recipe: Recipe, targets: int) -> int:
    """How many samples the recipe makes of one prompt in so many target languages, at most."""
    return sum(1 if s.source_only else targets for s in recipe.subsets.values() if s.task is None)


def tasks(job: Job) -> list[tuple]:
    """("pool", pool, units) and ("parallel", source, target): names of Mixer's methods and their arguments."""
    made = [("parallel", s, t) for s in job.sources for t in job.targets if s != t] if job.recipe.needs_parallel else []
    return made + ([("pool", *group) for group in groups(job)] if job.recipe.needs_pool else [])


def groups(job: Job) -> list[tuple[int, list[int]]]:
    """(pool, consecutive units) that together make about one shard, all of a pool of about as many bytes."""
    found = []
    for index, pool in enumerate(job.pools):
        targets = [target for target in job.targets if target in pool.records]
        if not targets:
            continue
        units = [pool.shard(targets[0], unit) for unit in pool.units]
        count = math.ceil(sum(unit.rows for unit in units) * samples(job.recipe, len(targets)) / SHARD_ROWS)
        ends = np.cumsum([unit.bytes for unit in units])
        group = (ends - 1) * count // ends[-1]
        found += [(index, [int(pool.units[i]) for i in np.flatnonzero(group == g)]) for g in np.unique(group)]
    return found


_mixer: Mixer | None = None


def start(job: Job) -> None:
    """Prepare this process."""
    global _mixer
    _mixer = Mixer(job)


def work(task: tuple) -> Done:
    """Do one task in a prepared process."""
    assert _mixer is not None
    kind, *arguments = task
    return getattr(_mixer, kind)(*arguments)
