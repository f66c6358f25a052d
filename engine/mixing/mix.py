"""From pool to mixture: `polydistill mix`.

    mixtures/sdrrl/
      pool0-000000-00.arrow         MIXTURE rows of unit 0 of the first pool, all subsets and target languages
      parallel-eng_Latn-deu_Latn-00.arrow
      manifest.json                 written last: a folder without it is no mixture

The pool is walked unit by unit and every unit becomes its own shard, in a process of its own where there is much to
do, so memory does not grow with the pool. Every row that a subset leaves out is counted with its reason.
"""

import contextlib
import multiprocessing
import os
import re
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from typing import Any

from polydistill.engine.config import Dictionaries, Judge, Leakage, Parallel
from polydistill.engine.errors import UserError
from polydistill.engine.languages import language_code
from polydistill.engine.mixing import manifest, worker
from polydistill.engine.mixing.leakage import Index
from polydistill.engine.mixing.recipe import Recipe, Sampling
from polydistill.engine.mixing.subsets import Counts
from polydistill.engine.mixing.worker import Done, Job
from polydistill.engine.progress import Progress
from polydistill.engine.storage.run_folder import Pool, open_pool
from polydistill.engine.storage.shards import Folder

_SERIAL_ROWS = 20_000  # below so many pool rows (prompts x languages) starting processes costs more than it saves
_OURS = re.compile(r"(pool\d+|parallel)-.*\.arrow")


def mix(
    runs: str | Folder | list[str | Folder],
    recipe: Recipe,
    out: str | Folder,
    *,
    seed: int = 0,
    dictionaries: Dictionaries | None = None,
    parallel: Parallel | None = None,
    judge: Judge | None = None,
    leakage: Leakage | None = None,
    targets: list[str] | None = None,
    processes: int | None = None,
) -> dict[str, Any]:
    """Make the mixture of `recipe` from the pools of one or more runs, and return its manifest.

    Args:
        runs: folders of runs; several of them bring several source languages into one mixture.
        out: the mixture's folder. One that holds this very mixture is left as it is.
        judge: other thresholds than the run's; reasons are recomputed from the stored scores.
        leakage: rows near to these evaluation files are left out, with the reason "leakage:FIELD".
        targets: only these target languages; default: all of the pools'.
        processes: worker processes; default: one per core, none for small pools.

    Raises:
        UserError: an unfinished pool, no dictionary or parallel text where the recipe needs it, no sample at all, or
            `out` holds another mixture.
    """
    pools = [open_pool(run) for run in (runs if isinstance(runs, list) else [runs])]
    job = _job(pools, recipe, seed, dictionaries, parallel, judge, leakage, targets, Folder.of(out))
    origin = manifest.origin(job)
    found = manifest.present(job.out, origin)
    if found is not None:
        return found
    rows = sum(pool.rows(target) for pool in pools for target in job.targets if target in pool.records)
    total = Done()
    with Progress(f"mix {recipe.name}", rows, "pool rows") as progress:
        processes = 1 if rows < _SERIAL_ROWS and processes is None else processes
        if recipe.sampling is not None:
            counted = Counts()
            for done in _run(job, [("count", *group) for group in worker.groups(job)], processes):
                counted.add(done.counts)
            job = replace(job, factors=_factors(recipe.sampling, counted, job.targets))
        for done in _run(job, worker.tasks(job), processes):
            total.add(done)
            progress.advance(done.rows)
    if not total.shards:
        reasons = Counter({key[2]: n for key, n in total.counts.dropped.items()}).most_common(3)
        raise UserError(f"{recipe.name}: no sample is left (dropped: {dict(reasons)}); see `polydistill inspect`")
    made = manifest.manifest(job, total, origin)
    for name in set(job.out.names()) - {shard.path for shard in total.shards}:
        if _OURS.fullmatch(name):  # left by a mixing that was ended before its manifest
            job.out.filesystem.delete_file(job.out.join(name))
    job.out.write_json("manifest.json", made)
    return made


def _job(
    pools: list[Pool],
    recipe: Recipe,
    seed: int,
    dictionaries: Dictionaries | None,
    parallel: Parallel | None,
    judge: Judge | None,
    leakage: Leakage | None,
    targets: list[str] | None,
    out: Folder,
) -> Job:
    have = list(dict.fromkeys(target for pool in pools for target in pool.targets))
    unknown = set(targets or []) - set(have)
    if unknown:
        raise UserError(f"no pool in {', '.join(sorted(unknown))} (there are: {', '.join(have)})")
    for pool in pools:
        for target, units in pool.records.items():
            missing = set().union(*pool.records.values()) - set(units)
            if missing and (targets is None or target in targets):
                raise UserError(
                    f"{pool.place.root}: {target} lacks {len(missing)} units (the first: {min(missing)}); "
                    f"run `polydistill synth` to its end, or leave the language out"
                )
    for needed, given, section in (
        (recipe.needs_dictionaries, dictionaries, "dictionaries"),
        (recipe.needs_parallel, parallel, "parallel"),
    ):
        if needed and given is None:
            raise UserError(f"recipe {recipe.name} needs the section `{section}: {{path: ...}}`")
    first = [pool.records[pool.targets[0]] for pool in pools]
    sources = {
        source
        for pool, units in zip(pools, first)
        for unit in units
        for source in pool.table(pool.targets[0], unit, ["source"])["source"].unique().to_pylist()
    }
    if parallel is not None:
        parallel = _counted(parallel)
    evaluation = Index.of(leakage) if leakage else None
    chosen = [target for target in have if targets is None or target in targets]
    return Job(pools, chosen, sorted(sources), recipe, seed, dictionaries, parallel, judge, evaluation, out)


def _factors(sampling: Sampling, counts: Counts, targets: list[str]) -> dict[str, float]:
    """How often each language's samples are taken, so that the shares are right and the total stays."""
    have = dict.fromkeys(targets, 0)
    for (_, target), count in counts.rows.items():
        have[target] += count
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


def _run(job: Job, tasks: list[tuple], processes: int | None) -> Iterator[Done]:
    workers = min(len(tasks), processes or len(os.sched_getaffinity(0)))
    if workers <= 1:
        worker.start(job)
        yield from map(worker.work, tasks)
        return
    context = multiprocessing.get_context("spawn")  # a fork would copy Polars' and Arrow's locks but not their threads
    with _one_thread(), ProcessPoolExecutor(workers, context, worker.start, (job,)) as pool:
        yield from pool.map(worker.work, tasks)


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


def _counted(parallel: Parallel) -> Parallel:
    """The section with its numbers of pairs by FLORES-200 code, read from `allocation` where that is given."""
    rows = parallel.rows
    if parallel.allocation is not None:
        folder, name = os.path.split(parallel.allocation)
        rows = Folder.of(folder or ".").read_json(name).get("pairs")
        if not isinstance(rows, dict):
            raise UserError(f"{parallel.allocation}: no 'pairs' in it; make it with `polydistill allocate --out FILE`")
    if isinstance(rows, dict):
        rows = {language_code(name): count for name, count in rows.items()}
    return parallel.model_copy(update={"rows": rows})
