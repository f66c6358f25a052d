"""Tasks on a pool: some consecutive units become one shard of samples, or their samples are only counted."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from polydistill.engine.mixing.counts import Counts, Done, Dropped, Made
from polydistill.engine.mixing.job import Job
from polydistill.engine.mixing.recipe import Recipe
from polydistill.engine.mixing.subsets import pool_subset, unusable
from polydistill.engine.mixing.texts import SOURCE_COLUMNS, TARGET_COLUMNS, Rows, SourceTexts, TargetTexts
from polydistill.engine.mixing.worker import SHARD_ROWS, Mixer
from polydistill.engine.schema import POOL
from polydistill.engine.seeds import row_bits, uniform


@dataclass(frozen=True)
class PoolTask:
    """Mix some consecutive units of one pool into one shard (several where the units are large)."""

    pool: int  # index in the job
    units: tuple[int, ...]

    def run(self, mixer: Mixer) -> Done:
        """Write the shard."""
        job, done = mixer.job, Done()
        targets = job.pool_targets(self.pool)
        rows = sum(job.pools[self.pool].shard(targets[0], unit).rows for unit in self.units)
        done.rows = rows * len(targets)
        step = math.ceil(rows / max(1, round(rows * samples(job.recipe, len(targets)) / SHARD_ROWS)))
        for number, start in enumerate(range(0, rows, step)):
            stretches = (
                (target, _table(job, self, target, first=target == targets[0]).slice(start, step)) for target in targets
            )
            tables = self._samples(mixer, stretches, done.counts)
            mixer.write(done, f"pool{self.pool}-{self.units[0]:06}-{number:02}.arrow", tables)
        done.dictionaries = mixer.dictionaries
        return done

    def _samples(self, mixer: Mixer, tables: Iterable[tuple[str, pa.Table]], counts: Counts) -> Iterator[pa.Table]:
        """The samples of all subsets of the same prompts in all target languages, one language after the other."""
        recipe, seed = mixer.job.recipe, mixer.job.seed
        for rows in _rows(mixer.job, tables):
            for name, subset in recipe.subsets.items():
                if subset.task is None and subset.source_only:
                    among = self._once(mixer, rows, name, counts)
                    if among.any():
                        yield pool_subset(rows, recipe, name, seed, mixer.lexicon, counts, among)
                elif subset.task is None:
                    made = pool_subset(rows, recipe, name, seed, mixer.lexicon, counts)
                    yield _sampled(mixer.job, made, Made(name, rows.target.language), counts)

    def _once(self, mixer: Mixer, rows: Rows, name: str, counts: Counts) -> np.ndarray:
        """The prompts that a source-only subset takes for this target language: bool (rows,).

        Each prompt is taken once. Where questions are switched, a language is drawn for it.
        """
        recipe, source, target = mixer.job.recipe, rows.source.language, rows.target.language
        new = ~np.isin(rows.source.bits, mixer.earlier(self.pool))
        targets = mixer.job.pool_targets(self.pool)
        if target == targets[0] and not new.all():
            counts.dropped[Dropped(name, source, "prompt:in_earlier_pool")] += int((~new).sum())
        if not recipe.probability(recipe.subsets[name]):
            return new & (target == targets[0])
        drawn_from = [other for other in targets if other != source] or targets
        if target not in drawn_from:
            return np.zeros(len(new), bool)
        draw = (uniform(mixer.job.seed, rows.source.bits, f"language:{name}") * len(drawn_from)).astype(np.int64)
        return new & (draw == drawn_from.index(target))


@dataclass(frozen=True)
class CountTask:
    """Only count the samples that each subset and target language would have."""

    pool: int
    units: tuple[int, ...]

    def run(self, mixer: Mixer) -> Done:
        """Count."""
        job, done = mixer.job, Done()
        targets = job.pool_targets(self.pool)
        tables = ((target, _table(job, self, target, first=target == targets[0])) for target in targets)
        for rows in _rows(job, tables):
            for name, subset in job.recipe.subsets.items():
                if subset.task is None and not subset.source_only:
                    reason, _ = unusable(rows, job.recipe, subset, job.seed)
                    done.counts.rows[Made(name, rows.target.language)] += reason.null_count
        return done


def _table(job: Job, task: PoolTask | CountTask, target: str, first: bool) -> pa.Table:
    """The task's pool rows in one language; source texts only of the `first`, which they are read from."""
    pool = job.pools[task.pool]
    wanted = [*SOURCE_COLUMNS, *TARGET_COLUMNS[2:]] if first else TARGET_COLUMNS
    if job.judge is None:
        return pa.concat_tables(pool.table(target, unit, wanted) for unit in task.units)
    from polydistill.engine.judging.decision import reasons

    judged = (reasons(pool.table(target, unit, POOL.names), job.judge) for unit in task.units)
    return pa.concat_tables(table.select(wanted) for table in judged)


def _rows(job: Job, tables: Iterable[tuple[str, pa.Table]]) -> Iterator[Rows]:
    """The rows of each target language and in it of each source language; the first table has the source texts."""
    shared: dict[str, SourceTexts] = {}
    for target, table in tables:
        sources = pc.unique(table["source"]).to_pylist()
        for source in sources:
            part = table if len(sources) == 1 else table.filter(pc.equal(table["source"], source))
            if source not in shared:
                shared[source] = SourceTexts(part, job.evaluation)
            yield Rows(shared[source], TargetTexts(part, target, shared[source]))


def _sampled(job: Job, table: pa.Table, made: Made, counts: Counts) -> pa.Table:
    """The samples as often as the recipe's language shares ask for: left out, once, or several times."""
    factor = job.factors.get(made.target)
    if factor is None:
        return table
    bits = row_bits(table["id"].to_pylist())
    whole = int(factor)
    times = whole + (uniform(job.seed, bits, f"sample:{made.subset}:{made.target}") < factor - whole)
    counts.rows[made] += int(times.sum()) - len(times)
    if not times.all():
        counts.dropped[Dropped(*made, "sampling:language_share")] += int((times == 0).sum())
    return table.take(np.repeat(np.arange(len(times)), times))


def samples(recipe: Recipe, targets: int) -> int:
    """Maximum number of samples that the recipe makes of one prompt in `targets` languages."""
    return sum(1 if s.source_only else targets for s in recipe.subsets.values() if s.task is None)


def groups(job: Job) -> list[tuple[int, tuple[int, ...]]]:
    """(pool, consecutive units) that together make about one shard, all of a pool of about as many bytes."""
    found = []
    for index, pool in enumerate(job.pools):
        targets, numbers = job.pool_targets(index), job.units(index)
        if not numbers:
            continue
        units = [pool.shard(targets[0], unit) for unit in numbers]
        count = math.ceil(sum(unit.rows for unit in units) * samples(job.recipe, len(targets)) / SHARD_ROWS)
        ends = np.cumsum([unit.bytes for unit in units])
        group = (ends - 1) * count // ends[-1]
        found += [(index, tuple(numbers[i] for i in np.flatnonzero(group == g))) for g in np.unique(group)]
    return found
