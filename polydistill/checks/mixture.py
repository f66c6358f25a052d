"""Checks of what a mixture is made from: the recipe and the sections, dictionaries, texts and rows that it needs."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from polydistill.checks.problem import Problem, caught
from polydistill.engine.errors import UserError
from polydistill.engine.mixing.job import Sections, pair_counts
from polydistill.engine.mixing.recipe import Recipe, load_recipe
from polydistill.run_config import RunConfig


@dataclass(frozen=True)
class Ingredients:
    """What a mixture is made from."""

    recipe: Recipe
    sections: Sections
    pairs: tuple[tuple[str, str], ...]  # (source language, target language)


def mixture(run: RunConfig) -> list[Problem]:
    """The run's recipe exists, and has everything that it needs."""
    found: list[Problem] = []
    with caught("recipe", found):
        recipe = load_recipe(run.recipe)
        sections = Sections(run.dictionaries, run.parallel, None, run.leakage, run.native)
        sources = dict.fromkeys([source.language or run.source for source in run.prompts])
        pairs = tuple((source, target) for source in sources for target in run.targets if source != target)
        found += ingredients(Ingredients(recipe, sections, pairs))
    return found


def pool(run: str, key: str, targets: Sequence[str]) -> list[Problem]:
    """The folder of a run has a pool, with units in each of the languages.

    Args:
        run: the folder.
        key: where the folder is named.
        targets: languages that have to be there.
    """
    from polydistill.engine.storage.pool import open_pool
    from polydistill.engine.storage.run_folder import UNITS

    found: list[Problem] = []
    with caught(key, found):
        have = open_pool(run).targets
        if lacking := [target for target in targets if target not in have]:
            raise UserError(
                f"{run}: no record of a unit in {UNITS}/{f', {UNITS}/'.join(lacking)}. Run `polydistill synth` to its "
                "end, leave the language out with --targets, or mix what is there with --partial."
            )
    return found


def ingredients(given: Ingredients) -> list[Problem]:
    """Everything that would stop a mixture, and notes on what it would leave out."""
    checks = (needed, dictionaries, parallel, leakage, native)
    return [problem for check in checks for problem in check(given)]


def needed(given: Ingredients) -> list[Problem]:
    """The recipe has the sections that it needs."""
    recipe, sections = given.recipe, given.sections
    found = []
    for wanted, section, name in (
        (recipe.needs_dictionaries, sections.dictionaries, "dictionaries"),
        (recipe.needs_parallel, sections.parallel, "parallel"),
    ):
        if wanted and section is None:
            found.append(Problem(name, f"recipe {recipe.name} needs this section. Write {name}: {{path: FOLDER}}"))
    if recipe.needs_native and not sections.native:
        text = f"recipe {recipe.name} needs this section. Write native: [{{path: FILE, language: de}}]"
        found.append(Problem("native", text))
    return found


def dictionaries(given: Ingredients) -> list[Problem]:
    """Every pair of languages has a dictionary, and its first entry can be read."""
    from polydistill.engine.mixing.switching.dictionaries import load_dictionary

    found: list[Problem] = []
    section = given.sections.dictionaries
    if section is None or not given.recipe.needs_dictionaries:
        return found
    for source, target in given.pairs:
        for first, second in ((source, target), (target, source)):
            with caught("dictionaries.path", found):
                if load_dictionary(section, first, second, most_frequent=1) is None:
                    text = f"no dictionary {first} -> {second}. These questions stay unswitched"
                    found.append(Problem("dictionaries.path", text, note=True))
    return found


def parallel(given: Ingredients) -> list[Problem]:
    """Every pair of languages has parallel text, its first pair can be read, and its number of pairs is known."""
    from polydistill.engine.pairs.find import expected, find_corpora
    from polydistill.engine.pairs.read import read_pairs

    found: list[Problem] = []
    section = given.sections.parallel
    if section is None or not given.recipe.needs_parallel:
        return found
    for source, target in given.pairs:
        with caught("parallel.path", found):
            corpora = find_corpora(section.path, source, target, section.corpora)
            if not corpora:
                raise UserError(
                    f"no parallel text {source}-{target} in {section.path}. Looked for names like "
                    f"{expected(source, target)}"
                )
            for file in corpora:
                if next((pair for pair in read_pairs(file, source, target) if pair), None) is None:
                    raise UserError(f"{file.path}: no pair of sentences in it")
    with caught("parallel.allocation" if section.allocation else "parallel.rows", found):
        pair_counts(section, [target for _, target in given.pairs])
    return found


def leakage(given: Ingredients) -> list[Problem]:
    """The evaluation sets that training rows are compared with exist."""
    against = given.sections.leakage.against if given.sections.leakage else []
    missing = [path for path in against if "://" not in path and not Path(path).exists()]
    return [Problem("leakage.against", f"{path}: no such file or folder") for path in missing]


def native(given: Ingredients) -> list[Problem]:
    """Every source of native rows exists, fits a format, and says its language."""
    from polydistill.checks.data import readable

    found: list[Problem] = []
    for number, source in enumerate(given.sections.native if given.recipe.needs_native else ()):
        if source.language is None:
            found.append(Problem(f"native.{number}.language", f"in which language are the rows of {source.path}?"))
        found += readable(source, f"native.{number}.path", source.language or "eng_Latn")
    return found
