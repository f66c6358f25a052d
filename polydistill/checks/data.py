"""Checks of the data that synthesis and mixing read: prompts, recipe, dictionaries, parallel text."""

from collections.abc import Iterator

from polydistill.checks.locate import locate
from polydistill.checks.problem import Problem, caught
from polydistill.engine.errors import UserError
from polydistill.engine.mixing.recipe import Recipe, load_recipe
from polydistill.run_config import RunConfig


def languages(run: RunConfig) -> list[Problem]:
    """The source language is no target."""
    sources = {run.source, *(source.language for source in run.prompts if source.language)}
    both = [target for target in run.targets if target in sources]
    if both and len(sources) == 1:
        return [Problem("targets", f"{', '.join(both)} is the language of the prompts as well. Leave it out")]
    return []


def prompts(run: RunConfig) -> list[Problem]:
    """Every source of prompts exists, and its first rows fit a format."""
    from polydistill.engine.prompts.fields import Notes
    from polydistill.engine.prompts.sources import on_hub, open_sources

    found: list[Problem] = []
    for number, source in enumerate(run.prompts):
        with caught("prompts.path" if len(run.prompts) == 1 else f"prompts.{number}.path", found):
            if on_hub(source.path):  # asked first: the library that reads it tries again for half a minute
                locate(source.path.removeprefix("hub:"), "README.md", "dataset")
            next(open_sources([source], run.source)[0].frames(Notes()), None)
    return found


def recipe(run: RunConfig) -> list[Problem]:
    """The recipe exists, is valid, and has the sections that it needs."""
    found: list[Problem] = []
    with caught("recipe", found):
        chosen = load_recipe(run.recipe)
        for needed, given, name in (
            (chosen.needs_dictionaries, run.dictionaries, "dictionaries"),
            (chosen.needs_parallel, run.parallel, "parallel"),
        ):
            if needed and given is None:
                found.append(Problem(name, f"recipe {chosen.name} needs this section. Write {name}: {{path: FOLDER}}"))
    return found


def dictionaries(run: RunConfig) -> list[Problem]:
    """Every pair of languages has a dictionary, and its first entry can be read."""
    from polydistill.engine.mixing.switching.dictionaries import load_dictionary

    found: list[Problem] = []
    chosen = _recipe(run)
    if run.dictionaries is None or chosen is None or not chosen.needs_dictionaries:
        return found
    for source, target in _pairs(run):
        for first, second in ((source, target), (target, source)):
            with caught("dictionaries.path", found):
                if load_dictionary(run.dictionaries, first, second, most_frequent=1) is None:
                    text = f"no dictionary {first} -> {second}. These questions stay unswitched"
                    found.append(Problem("dictionaries.path", text, note=True))
    return found


def parallel(run: RunConfig) -> list[Problem]:
    """Every pair of languages has parallel text, and its first pair can be read."""
    from polydistill.engine.pairs.find import expected, find_corpora
    from polydistill.engine.pairs.read import read_pairs

    found: list[Problem] = []
    chosen = _recipe(run)
    if run.parallel is None or chosen is None or not chosen.needs_parallel:
        return found
    for source, target in _pairs(run):
        with caught("parallel.path", found):
            corpora = find_corpora(run.parallel.path, source, target, run.parallel.corpora)
            if not corpora:
                raise UserError(
                    f"no parallel text {source}-{target} in {run.parallel.path}. Looked for names like "
                    f"{expected(source, target)}"
                )
            for file in corpora:
                if next((pair for pair in read_pairs(file, source, target) if pair), None) is None:
                    raise UserError(f"{file.path}: no pair of sentences in it")
    return found


def leakage(run: RunConfig) -> list[Problem]:
    """The evaluation sets that training rows are compared with exist."""
    from pathlib import Path

    against = run.leakage.against if run.leakage else []
    missing = [path for path in against if "://" not in path and not Path(path).exists()]
    return [Problem("leakage.against", f"{path}: no such file or folder") for path in missing]


def _recipe(run: RunConfig) -> Recipe | None:
    try:
        return load_recipe(run.recipe)
    except UserError:
        return None  # `recipe` says so


def _pairs(run: RunConfig) -> Iterator[tuple[str, str]]:
    sources = dict.fromkeys([source.language or run.source for source in run.prompts])
    return ((source, target) for source in sources for target in run.targets if source != target)
