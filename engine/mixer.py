"""What one process does in mixing: units of a pool, or a language pair's parallel text, become shards.

`engine.mix` plans the tasks and writes the manifest.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from engine import parallel as parallel_text
from engine.codeswitch import Lexicon
from engine.config import Dictionaries, Judge, Parallel
from engine.dictionaries import load_dictionary
from engine.leakage import Index
from engine.pool import Pool
from engine.recipe import Recipe
from engine.schema import MIXTURE, POOL
from engine.seeds import row_bits, uniform
from engine.shards import Place, Shard, write_table
from engine.subsets import READS, Counts, Rows, pool_subset, unusable

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
    out: Place
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
            self._lexicons[language, other] = Lexicon(found) if found else None
            info = {k: getattr(found, k) for k in ("path", "pairs", "identical", "malformed")} if found else None
            self.loaded[f"{language} -> {other}"] = info and {**info, "entries": len(found.entries)}  # type: ignore[union-attr]
        return self._lexicons[language, other]

    def pool(self, index: int, units: list[int]) -> Done:
        """Mix some consecutive units of one pool into one shard (several where the units are large)."""
        done = Done()
        tables = self._tables(index, units)
        rows = next(iter(tables.values())).num_rows
        done.rows = rows * len(tables)
        step = max(1, SHARD_ROWS // samples(self.job.recipe, len(tables)))
        for number, start in enumerate(range(0, rows, step)):
            parts = self._slice(index, {t: table.slice(start, step) for t, table in tables.items()}, done.counts)
            self._write(done, f"pool{index}-{units[0]:06}-{number:02}.arrow", list(parts))
        done.dictionaries = self.loaded
        return done

    def count(self, index: int, units: list[int]) -> Done:
        """Only count the samples that each subset and target language would have."""
        done = Done()
        for target, table in self._tables(index, units).items():
            frame = pl.DataFrame(pl.from_arrow(table))
            for _, part in frame.group_by("source", maintain_order=True):
                rows = Rows(part, target, self.job.evaluation)
                for name, subset in self.job.recipe.subsets.items():
                    if subset.task is None and not subset.source_only:
                        reason, _ = unusable(rows, self.job.recipe, subset, self.job.seed)
                        done.counts.rows[name, target] += reason.null_count()
        return done

    def _tables(self, index: int, units: list[int]) -> dict[str, pa.Table]:
        pool = self.job.pools[index]
        targets = [target for target in self.job.targets if target in pool.records]
        return {target: pa.concat_tables([self._table(pool, target, unit) for unit in units]) for target in targets}

    def _table(self, pool: Pool, target: str, unit: int) -> pa.Table:
        if self.job.judge is None:
            return pool.table(target, unit, READS)
        from engine.judge import reasons  # loads the language-ID library

        return reasons(pool.table(target, unit, POOL.names), self.job.judge).select(READS)

    def _slice(self, index: int, tables: dict[str, pa.Table], counts: Counts) -> Iterator[pa.Table]:
        """The samples of all subsets of the same prompts in all languages."""
        recipe = self.job.recipe
        frames = {target: pl.DataFrame(pl.from_arrow(table)) for target, table in tables.items()}
        subsets = {name: subset for name, subset in recipe.subsets.items() if subset.task is None}
        for source in next(iter(frames.values()))["source"].unique(maintain_order=True).to_list():
            mine = {target: frame.filter(pl.col("source") == source) for target, frame in frames.items()}
            shared: dict[str, Any] = {}
            for name, subset in subsets.items():
                if subset.source_only:
                    yield from self._source_only(index, next(iter(mine.values())), name, counts)
            for target, frame in mine.items():
                rows = Rows(frame, target, self.job.evaluation, shared)
                for name, subset in subsets.items():
                    if not subset.source_only:
                        table = pool_subset(rows, recipe, name, self.job.seed, self.lexicon, counts)
                        yield self._sampled(table, name, target, counts)

    def _source_only(self, index: int, frame: pl.DataFrame, name: str, counts: Counts) -> Iterator[pa.Table]:
        """Each prompt once; where questions are switched, to a target language drawn for each prompt."""
        job = self.job
        source = frame["source"][0]
        again = pl.Series(np.isin(row_bits(frame["id"].to_list()), self._earlier(index)))
        if again.any():
            counts.dropped[name, source, "prompt:in_earlier_pool"] += int(again.sum())
            frame = frame.filter(~again)
        targets = [target for target in job.targets if target != source]
        if not job.recipe.probability(job.recipe.subsets[name]):
            targets = [""]
        draw = uniform(job.seed, row_bits(frame["id"].to_list()), f"language:{name}")
        which = pl.Series((draw * len(targets)).astype(np.int64))
        for number, target in enumerate(targets):
            rows = frame.filter(which == number)
            if len(rows):
                part = Rows(rows, target, job.evaluation)
                yield pool_subset(part, job.recipe, name, job.seed, self.lexicon, counts, target)

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
            tables = [
                table
                for name, subset in job.recipe.subsets.items()
                if subset.task is not None
                for table in parallel_text.task_subset(part, name, subset, source, target, job.seed, done.counts)
            ]
            self._write(done, f"parallel-{source}-{target}-{number:02}.arrow", tables)
        return done

    def _write(self, done: Done, name: str, parts: list[pa.Table]) -> None:
        table = pa.concat_tables(parts) if parts else MIXTURE.empty_table()
        if self.job.recipe.same_step:  # a prompt's variants stand together, under one id
            table = table.take(np.argsort(row_bits(table["id"].to_pylist()), kind="stable"))
        if table.num_rows:
            done.shards.append(write_table(self.job.out, name, table))


def samples(recipe: Recipe, targets: int) -> int:
    """How many samples the recipe makes of one prompt in so many target languages, at most."""
    return sum(1 if s.source_only else targets for s in recipe.subsets.values() if s.task is None)


def tasks(job: Job) -> list[tuple]:
    """("pool", pool, units) and ("parallel", source, target): names of Mixer's methods and their arguments."""
    made = [("parallel", s, t) for s in job.sources for t in job.targets if s != t] if job.recipe.needs_parallel else []
    return made + ([("pool", *group) for group in groups(job)] if job.recipe.needs_pool else [])


def groups(job: Job) -> list[tuple[int, list[int]]]:
    """(pool, consecutive units) that together make about one shard."""
    found = []
    for index, pool in enumerate(job.pools):
        targets = [target for target in job.targets if target in pool.records]
        limit = SHARD_ROWS // max(1, samples(job.recipe, len(targets)))
        group: list[int] = []
        rows = 0
        for unit in pool.units if targets else ():
            size = pool.shard(targets[0], unit).rows
            if group and rows + size > limit:
                found.append((index, group))
                group, rows = [], 0
            group.append(unit)
            rows += size
        if group:
            found.append((index, group))
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
