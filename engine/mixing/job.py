"""What is to be mixed: pools, recipe and sections, checked against each other before anything is read."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from polydistill.engine.config import Dictionaries, Judge, Leakage, Parallel, PromptSource, dump, validate
from polydistill.engine.errors import UserError
from polydistill.engine.files.json_text import read_json
from polydistill.engine.files.source import File
from polydistill.engine.languages import language_code
from polydistill.engine.mixing.instructions import ask
from polydistill.engine.mixing.leakage import Index
from polydistill.engine.mixing.mixture import Origin
from polydistill.engine.mixing.recipe import Recipe
from polydistill.engine.pairs.find import PairFile, find_corpora, find_one
from polydistill.engine.prompts.artifact import MANIFEST, fingerprint_of, open_prompts
from polydistill.engine.prompts.sources import open_sources
from polydistill.engine.storage.fingerprint import fingerprint
from polydistill.engine.storage.pool import Pool, record_name
from polydistill.engine.storage.run_folder import PROMPTS, UNITS
from polydistill.engine.storage.shards import Folder


@dataclass(frozen=True)
class Sections:
    """The sections of a run's configuration that mixing needs; None: not given."""

    dictionaries: Dictionaries | None = None
    parallel: Parallel | None = None
    judge: Judge | None = None  # other thresholds than the run's
    leakage: Leakage | None = None
    native: Sequence[PromptSource] = ()


@dataclass(frozen=True)
class Job:
    """Everything that decides a mixture's content; each worker process gets it once."""

    pools: tuple[Pool, ...]
    targets: tuple[str, ...]
    sources: tuple[str, ...]
    recipe: Recipe
    seed: int
    dictionaries: Dictionaries | None
    parallel: Parallel | None
    judge: Judge | None
    evaluation: Index | None
    native: tuple[PromptSource, ...]  # each with its language
    out: Folder
    missing_units: int = 0
    factors: dict[str, float] = field(default_factory=dict)  # target -> how often each of its samples is taken

    def pool_targets(self, index: int) -> list[str]:
        """The job's target languages that a pool has."""
        return [target for target in self.targets if target in self.pools[index].records]

    def units(self, index: int) -> list[int]:
        """Units of a pool that are there in all of the job's target languages, in order."""
        pool, targets = self.pools[index], self.pool_targets(index)
        return sorted(set.intersection(*(set(pool.records[target]) for target in targets))) if targets else []

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """All pairs of a source and another target language."""
        return [(source, target) for source in self.sources for target in self.targets if source != target]


def make_job(
    pools: Sequence[Pool],
    recipe: Recipe,
    seed: int,
    sections: Sections,
    targets: Sequence[str] | None,
    out: Folder,
    partial: bool = False,
) -> Job:
    """Check what was asked for and put it together.

    Raises:
        UserError: an unknown target, an unfinished pool without `partial`, or a section that the recipe needs and that
            is not there.
    """
    have = list(dict.fromkeys(target for pool in pools for target in pool.targets))
    unknown = set(targets or []) - set(have)
    if unknown:
        raise UserError(
            f"no pool in {', '.join(sorted(unknown))}: {pools[0].folder.join(UNITS)} has {', '.join(have)}. Run "
            "`polydistill synth` to its end, or leave the language out with --targets."
        )
    chosen = tuple(target for target in have if targets is None or target in targets)
    for needed, given, section in (
        (recipe.needs_dictionaries, sections.dictionaries, "dictionaries"),
        (recipe.needs_parallel, sections.parallel, "parallel"),
    ):
        if needed and given is None:
            raise UserError(f"recipe {recipe.name} needs the section `{section}: {{path: ...}}`")
    sources = _sources(pools)
    _check_requests(recipe, sources, chosen)
    wanted = [target for target in chosen if target not in sources] if recipe.needs_parallel else []
    parallel = pair_counts(sections.parallel, wanted) if sections.parallel else None
    return Job(
        pools=tuple(pools),
        targets=chosen,
        sources=sources,
        recipe=recipe,
        seed=seed,
        dictionaries=sections.dictionaries,
        parallel=parallel,
        judge=sections.judge,
        native=_native(sections, recipe),
        evaluation=Index.of(sections.leakage) if sections.leakage else None,
        out=out,
        missing_units=sum(_missing_units(pool, chosen, partial) for pool in pools),
    )


def _native(sections: Sections, recipe: Recipe) -> tuple[PromptSource, ...]:
    """The sources of native rows, where the recipe has such a subset.

    Raises:
        UserError: there are none, or one does not say its language, or has translations.
    """
    if not recipe.needs_native:
        return ()
    if not sections.native:
        raise UserError(
            f"recipe {recipe.name} needs the section `native: [{{path: FILE, language: de}}]`, rows that are in the "
            "target languages from the beginning. To do without: --set subsets.NAME=null for each subset with `task: "
            "native`."
        )
    for source in sections.native:
        if source.language is None:
            raise UserError(f"native: {source.path}: say in which language its rows are, e.g. language: de")
        if source.translations:
            raise UserError(f"native: {source.path}: takes no translations. Rows that have some belong to `prompts`.")
    return tuple(sections.native)


def _check_requests(recipe: Recipe, sources: Sequence[str], targets: Sequence[str]) -> None:
    """UserError where a request for the answer's language cannot be written in one of the languages."""
    for subset in recipe.subsets.values():
        if subset.ask is not None:
            for language in sources if subset.answer == "source" else targets:
                ask(subset.ask, language)


def _missing_units(pool: Pool, targets: Sequence[str], partial: bool) -> int:
    """How many units a pool lacks in the languages chosen.

    Raises:
        UserError: it lacks some and `partial` was not given.
    """
    total = _units_of(pool)
    lacks = {
        target: sorted(set(range(total)) - set(pool.records[target])) for target in targets if target in pool.records
    }
    lacks = {target: units for target, units in lacks.items() if units}
    if lacks and not partial:
        each = ", ".join(f"{target} lacks {len(units):,}" for target, units in lacks.items())
        first = record_name(*next((target, units[0]) for target, units in lacks.items()))
        raise UserError(
            f"{pool.folder.root}: the pool is not finished: of {total:,} units {each}. The first is {first}. Run "
            "`polydistill synth` to its end, leave the language out with --targets, or mix what is there with "
            "--partial."
        )
    return sum(len(units) for units in lacks.values())


def _units_of(pool: Pool) -> int:
    """How many units the pool has when it is finished: what the prompts' record says."""
    if not (pool.folder / PROMPTS).exists(MANIFEST):
        raise UserError(
            f"{pool.folder.join(PROMPTS)}: no record of the prompts ({MANIFEST}), so nothing says whether the pool is "
            "whole. Copy the run's folder prompts/ as well."
        )
    return len(open_prompts(pool.folder).record.units)


def _sources(pools: Sequence[Pool]) -> tuple[str, ...]:
    found: set[str] = set()
    for pool in pools:
        for unit in pool.records[pool.targets[0]]:
            found.update(pool.table(pool.targets[0], unit, ["source"])["source"].unique().to_pylist())
    return tuple(sorted(found))


def pair_counts(parallel: Parallel, targets: Sequence[str]) -> Parallel:
    """The section with its numbers of pairs by FLORES-200 code, read from `allocation` where that is given.

    Args:
        targets: languages that need a number where the numbers differ.

    Raises:
        UserError: the file of `allocation` is missing or holds no numbers of pairs, or a target has none.
    """
    if parallel.allocation is not None:
        value = read_json(File.of(parallel.allocation))
        pairs = value.get("pairs") if isinstance(value, dict) else None
        if not isinstance(pairs, dict):
            raise UserError(f"{parallel.allocation}: no 'pairs' in it. Make it with `polydistill allocate --out FILE`")
        parallel = validate(Parallel, dump(parallel) | {"rows": pairs}, parallel.allocation)
    if not isinstance(parallel.rows, dict):
        return parallel
    rows = {language_code(name): count for name, count in parallel.rows.items()}
    if lacking := [target for target in targets if target not in rows]:
        raise UserError(
            f"{parallel.allocation or 'parallel.rows'}: no number of sentence pairs for {', '.join(lacking)}. Add "
            "it (0 for none), or leave the language out with --targets."
        )
    return parallel.model_copy(update={"rows": rows})


def origin(job: Job) -> Origin:
    """Everything that the mixture's content depends on, files by their content."""
    dictionaries: dict[str, str | None] = {}
    parallel: dict[str, str | None] = {}
    for source, target in job.pairs:
        if job.dictionaries and job.recipe.needs_dictionaries:
            for a, b in ((source, target), (target, source)):
                one = find_one(job.dictionaries.path, a, b)
                dictionaries[f"{a} -> {b}"] = _content([one]) if one else None
        if job.parallel and job.recipe.needs_parallel:
            corpora = find_corpora(job.parallel.path, source, target, job.parallel.corpora)
            parallel[f"{source}-{target}"] = _content(corpora) if corpora else None
    return Origin(
        recipe=fingerprint(dump(job.recipe)),
        seed=job.seed,
        pools=tuple(_pool_content(job, index) for index in range(len(job.pools))),
        targets=job.targets,
        dictionaries=dictionaries,
        dictionaries_missing=job.dictionaries.missing if dictionaries and job.dictionaries else None,
        parallel=parallel,
        parallel_rows=job.parallel.rows if parallel and job.parallel else None,
        judge=fingerprint(dump(job.judge)) if job.judge else None,
        leakage=job.evaluation.signature() if job.evaluation else None,
        native=_native_content(job),
    )


def _native_content(job: Job) -> str | None:
    if not job.native:
        return None
    sources = open_sources(list(job.native), job.sources[0])
    return fingerprint_of([source.input() for source in sources], 1, None)


def _pool_content(job: Job, index: int) -> str:
    pool = job.pools[index]
    return fingerprint(
        {
            target: [pool.shard(target, unit).sha256 for unit in sorted(pool.records[target])]
            for target in job.pool_targets(index)
        }
    )


def _content(files: Sequence[PairFile]) -> str:
    digest = hashlib.sha256()
    for path in (path for file in files for path in file.paths):
        with open(path, "rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()
