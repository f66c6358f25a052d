"""From pool to mixture: `polydistill mix`.

The pool is walked unit by unit. Some consecutive units become one shard, in a process of its own where there is much
to do, so memory does not grow with the pool. Every row that a subset leaves out is counted with its reason.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from polydistill.engine.errors import UserError
from polydistill.engine.languages import language_code
from polydistill.engine.mixing import worker
from polydistill.engine.mixing.counts import Counts, Done, subset_records, switch_records, total_dropped
from polydistill.engine.mixing.job import Job, Sections, make_job, origin
from polydistill.engine.mixing.mixture import Mixture, MixtureRecord, Origin, origin_fingerprint, present
from polydistill.engine.mixing.recipe import Recipe, Sampling
from polydistill.engine.mixing.tasks.native import NativeTask
from polydistill.engine.mixing.tasks.parallel import ParallelTask
from polydistill.engine.mixing.tasks.pool import CountTask, PoolTask, groups
from polydistill.engine.progress import Progress
from polydistill.engine.storage.pool import open_pool
from polydistill.engine.storage.run_folder import exclusive
from polydistill.engine.storage.shards import Folder

_SERIAL_ROWS = 20_000  # below this many pool rows (prompts x languages), starting processes costs more than it saves
_OURS = re.compile(r"(pool\d+|parallel|native)-.*\.arrow|.*\.tmp-\d+-\d+")


def mix(
    runs: str | Folder | Sequence[str | Folder],
    recipe: Recipe,
    out: str | Folder,
    *,
    seed: int = 0,
    sections: Sections | None = None,
    targets: Sequence[str] | None = None,
    partial: bool = False,
    processes: int | None = None,
) -> Mixture:
    """Make the mixture of `recipe` from the pools of one or more runs.

    Args:
        runs: folders of runs; several of them bring several source languages into one mixture.
        out: the mixture's folder. One that holds this very mixture is left as it is.
        seed: seed of the coin, of switched words, templates and split points.
        sections: dictionaries, parallel text, leakage files; a judge's section decides again from stored scores.
        targets: only these target languages (FLORES-200 codes); default: all of the pools'.
        partial: mix a pool that is not finished; the record says how many units were missing.
        processes: worker processes; default: one per core, none for small pools.

    Raises:
        UserError: an unfinished pool, no dictionary or parallel text where the recipe needs it, no sample at all, `out`
            holds another mixture, or another process mixes there.
        DamagedError: a pool shard is not what was written.
    """
    pools = [open_pool(run) for run in ([runs] if isinstance(runs, str | Folder) else runs)]
    job = make_job(pools, recipe, seed, sections or Sections(), targets, Folder.of(out), partial)
    made_of = origin(job)
    with exclusive(job.out):
        found = present(job.out, made_of, recipe)
        if found is not None:
            return found
        total = _run(job, processes)
        mixture = Mixture(job.out, _record(job, total, made_of))
        _sweep(job.out, keep={shard.path for shard in total.shards})
        mixture.write()
    return mixture


def _run(job: Job, processes: int | None) -> Done:
    """Do all tasks; returns what they have done together."""
    rows = sum(pool.rows(target) for pool in job.pools for target in job.targets if target in pool.records)
    processes = 1 if rows < _SERIAL_ROWS and processes is None else processes
    total = Done()
    with Progress(f"mix {job.recipe.name}", rows if job.recipe.needs_pool else None, "pool rows") as progress:
        if job.recipe.sampling is not None:
            counted = Counts()
            for done in worker.run_tasks(job, [CountTask(*group) for group in groups(job)], processes):
                counted.add(done.counts)
            job = replace(job, factors=_factors(job.recipe.sampling, counted, job.targets))
        for done in worker.run_tasks(job, _tasks(job), processes):
            total.add(done)
            progress.advance(done.rows)
    return total


def _tasks(job: Job) -> list[worker.Task]:
    tasks: list[worker.Task] = []
    if job.recipe.needs_parallel:
        tasks += [ParallelTask(source, target) for source, target in job.pairs]
    if job.recipe.needs_native:
        wanted = [target for target in job.targets if target not in job.sources]
        others = (source.language for source in job.native if source.language)  # whose rows are only counted
        tasks += [NativeTask(language, language in wanted) for language in dict.fromkeys([*wanted, *others])]
    if job.recipe.needs_pool:
        tasks += [PoolTask(*group) for group in groups(job)]
    return tasks


def _record(job: Job, total: Done, made_of: Origin) -> MixtureRecord:
    """The record of what the tasks have written together.

    Raises:
        UserError: there is no sample, or a subset has none, whose mean could not be taken.
    """
    if not total.shards:
        reasons = Counter({key.reason: n for key, n in total.counts.dropped.items()}).most_common(3)
        raise UserError(f"{job.recipe.name}: no sample is left (dropped: {dict(reasons)}). See `polydistill inspect`")
    subsets = subset_records(job.recipe, total.counts)
    empty = next((subset for subset in subsets if not subset.rows), None)
    if empty:
        raise UserError(
            f"{job.recipe.name}: subset {empty.name} is empty (dropped: {empty.dropped}). See the pool with "
            f"`polydistill inspect`, or leave the subset out with --set subsets.{empty.name}=null"
        )
    return MixtureRecord(
        recipe=job.recipe,
        seed=job.seed,
        rows=sum(subset.rows for subset in subsets),
        subsets=subsets,
        dropped=total_dropped(total.counts),
        code_switch=switch_records(total.counts),
        dictionaries=tuple(record for _, record in sorted(total.dictionaries.items())),
        parallel=tuple(sorted(total.parallel, key=lambda record: (record.source, record.target))),
        runs=tuple(pool.folder.root for pool in job.pools),
        sources=job.sources,
        targets=job.targets,
        missing_units=job.missing_units,
        origin=made_of,
        fingerprint=origin_fingerprint(made_of),
        shards=tuple(sorted(total.shards, key=lambda shard: shard.path)),
        unused=dict(sorted(total.unused.items())),
    )


def _sweep(out: Folder, keep: set[str]) -> None:
    """Delete what a mixing left here that was ended before its record was written; other files stay."""
    for name in set(out.names()) - keep:
        if _OURS.fullmatch(name):
            out.filesystem.delete_file(out.join(name))


def _factors(sampling: Sampling, counts: Counts, targets: Sequence[str]) -> dict[str, float]:
    """How often each language's samples are taken, so that the shares are right and the total stays."""
    have = dict.fromkeys(targets, 0)
    for made, count in counts.rows.items():
        have[made.target] += count
    if sampling.shares is not None:
        given = {language_code(name): share for name, share in sampling.shares.items()}
        missing = [target for target in have if target not in given]
        if missing:
            raise UserError(f"sampling.shares lacks {', '.join(missing)}")
        weights = {target: given[target] for target in have}
    else:
        weights = {target: count ** (1 / sampling.temperature) for target, count in have.items()}
    unit = sum(have.values()) / sum(weights.values())
    return {target: unit * weights[target] / count for target, count in have.items() if count}
