"""`polydistill mix`: a recipe turns pools into a training mixture."""

from typing import TYPE_CHECKING, Annotated

import typer

from polydistill.cli.options import Set

if TYPE_CHECKING:
    from polydistill.engine.mixing.mixture import MixtureRecord
    from polydistill.run_config import MixSections

SECTIONS = ("dictionaries", "parallel", "native", "leakage", "judge", "recipe", "seed")


def command(
    runs: Annotated[
        list[str],
        typer.Argument(
            help="Folder(s) that `polydistill synth` wrote. Several bring several source languages together"
        ),
    ],
    recipe: Annotated[
        str | None, typer.Option(help="Name (see configs/recipes) or path of a .yaml file. Default: the run's")
    ] = None,
    out: Annotated[str | None, typer.Option(help="The mixture's folder. Default: RUN/mixtures/RECIPE")] = None,
    seed: Annotated[
        int | None, typer.Option(help="Seed of coin, switching and split points. Default: the run's")
    ] = None,
    targets: Annotated[str | None, typer.Option(help="Only these target languages, e.g. de,ja. Default: all")] = None,
    dictionaries: Annotated[str | None, typer.Option(help="Folder of word lists. Default: the run's")] = None,
    parallel: Annotated[str | None, typer.Option(help="Folder of parallel text. Default: the run's")] = None,
    partial: Annotated[
        bool, typer.Option("--partial", help="Mix a pool that is not finished. The mixture's record says so")
    ] = False,
    set_: Set = None,
) -> None:
    """Make a training mixture from a pool: cheap, so try recipes and thresholds freely.

    --set changes the recipe (code_switch.questions=0, subsets.TL=null, ...) or, by their names, the run's sections
    (parallel.rows=500, dictionaries.path=..., judge.quality.threshold=0.7, leakage.against=[...]).
    """
    from polydistill.checks import announce
    from polydistill.checks.mixture import Ingredients, ingredients, pool
    from polydistill.engine.config import override, validate
    from polydistill.engine.languages import language_code
    from polydistill.engine.mixing.job import Sections
    from polydistill.engine.mixing.mix import mix
    from polydistill.engine.mixing.recipe import load_recipe
    from polydistill.engine.screen import visible
    from polydistill.run_config import MixSections

    data = _sections(runs[0])
    mine = [text for text in set_ or [] if text.partition("=")[0].partition(".")[0] in SECTIONS]
    for name, path in (("dictionaries", dictionaries), ("parallel", parallel)):
        if path is not None:
            mine.append(f"{name}.path={path}")
    for text in mine:
        override(data, text)
    config = validate(MixSections, data, f"{runs[0]}/config.yaml with --set")
    chosen = load_recipe(recipe or config.recipe, [text for text in set_ or [] if text not in mine])
    languages = [language_code(name) for name in targets.split(",")] if targets else None
    sections = Sections(
        dictionaries=config.dictionaries,
        parallel=config.parallel,
        judge=config.judge if any(text.startswith("judge") for text in mine) else None,
        leakage=config.leakage,
        native=config.native,
    )
    found = []
    for run in runs:
        found += pool(run, "RUNS", [] if languages or partial else _run_sections(run).targets)
    announce([*found, *ingredients(Ingredients(chosen, sections, _pairs(runs, languages)))])
    place = out or f"{runs[0].rstrip('/')}/mixtures/{chosen.name}"
    mixture = mix(
        runs,
        chosen,
        place,
        seed=config.seed if seed is None else seed,
        sections=sections,
        targets=languages,
        partial=partial,
    )
    typer.echo(visible(describe(mixture.record)))
    typer.echo(f"mixture: {mixture.folder.root}")


def _configuration(run: str) -> dict[str, object]:
    """What `synth` left in the run's folder. {} where a folder that is bound to no configuration has none."""
    from polydistill.engine.storage.configuration import CONFIG, read_configuration
    from polydistill.engine.storage.run_fingerprint import FILE
    from polydistill.engine.storage.shards import Folder

    place = Folder.of(run)
    return read_configuration(place) if place.exists(CONFIG) or place.exists(FILE) else {}


def _sections(run: str) -> dict[str, object]:
    """The sections that mixing needs of a run's configuration."""
    return {name: value for name, value in _configuration(run).items() if name in SECTIONS and value is not None}


def _run_sections(run: str) -> "MixSections":
    """The run's own sections."""
    from polydistill.engine.config import validate
    from polydistill.run_config import MixSections

    return validate(MixSections, _configuration(run), f"{run}/config.yaml")


def _pairs(runs: list[str], targets: list[str] | None) -> tuple[tuple[str, str], ...]:
    """All pairs of a source and another target language of these runs."""
    found = []
    for run in runs:
        config = _run_sections(run)
        sources = dict.fromkeys(each.language or config.source for each in config.prompts)
        wanted = [target for target in config.targets if targets is None or target in targets]
        found += [(source, target) for source in sources for target in wanted if target != source]
    return tuple(dict.fromkeys(found))


def describe(record: "MixtureRecord") -> str:
    """A mixture's record as text for people."""
    lines = [f"{record.recipe.name}: {record.rows:,} samples, fingerprint {record.fingerprint}"]
    if record.missing_units:
        lines.append(f"  of an unfinished pool: {record.missing_units:,} units were missing")
    for subset in record.subsets:
        left = sum(subset.dropped.values())
        lines.append(f"  {subset.name:12} {subset.rows:>10,} samples, {left:,} left out")
        lines += [f"    {count:>10,} {reason}" for reason, count in subset.dropped.items()]
    for name, columns in record.unused.items():
        listed = ", ".join(f"{column} ({rows:,} rows)" for column, rows in columns.items())
        lines.append(f"  {name}: not used: {listed}. native.columns gives a column its role")
    for pair in record.code_switch:
        share = f"{pair.rate:.3f}" if pair.rate is not None else "-"
        lines.append(
            f"  switched {pair.text} -> {pair.replacements}: {pair.switched:,} of {pair.switchable:,} covered words "
            f"({share})"
        )
    return "\n".join(lines)
