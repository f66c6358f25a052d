"""`polydistill mix`: a recipe turns pools into a training mixture."""

from typing import Annotated, Any

import typer

from polydistill.cli.options import Set

SECTIONS = ("dictionaries", "parallel", "leakage", "judge", "recipe", "seed")


def command(
    runs: Annotated[
        list[str],
        typer.Argument(
            help="Folder(s) that `polydistill synth` wrote; several bring several source languages together"
        ),
    ],
    recipe: Annotated[
        str | None, typer.Option(help="Name (see configs/recipes) or path of a .yaml file; default: the run's")
    ] = None,
    out: Annotated[str | None, typer.Option(help="The mixture's folder; default: RUN/mixtures/RECIPE")] = None,
    seed: Annotated[
        int | None, typer.Option(help="Seed of coin, switching and split points; default: the run's")
    ] = None,
    targets: Annotated[str | None, typer.Option(help="Only these target languages, e.g. de,ja; default: all")] = None,
    dictionaries: Annotated[str | None, typer.Option(help="Folder of word lists; default: the run's")] = None,
    parallel: Annotated[str | None, typer.Option(help="Folder of parallel text; default: the run's")] = None,
    set_: Set = None,
) -> None:
    """Make a training mixture from a pool: cheap, so try recipes and thresholds freely.

    --set changes the recipe (code_switch.questions=0, subsets.TL=null, ...) or, by their names, the run's sections
    (parallel.rows=500, dictionaries.path=..., judge.quality.threshold=0.7, leakage.against=[...]).
    """
    from polydistill.engine.config import override, validate
    from polydistill.engine.languages import language_code
    from polydistill.engine.mixing.mix import mix
    from polydistill.engine.mixing.recipe import load_recipe
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
    manifest = mix(
        list(runs),
        chosen,
        out or f"{runs[0].rstrip('/')}/mixtures/{chosen.name}",
        seed=config.seed if seed is None else seed,
        dictionaries=config.dictionaries,
        parallel=config.parallel,
        judge=config.judge if any(text.startswith("judge") for text in mine) else None,
        leakage=config.leakage,
        targets=[language_code(name) for name in targets.split(",")] if targets else None,
    )
    typer.echo(describe(manifest))


def _sections(run: str) -> dict[str, Any]:
    """The sections that mixing needs of the configuration that `synth` left in the run's folder."""
    import yaml

    from polydistill.engine.storage.shards import Folder

    place = Folder.of(run)
    data = yaml.safe_load(place.read("config.yaml")) if place.exists("config.yaml") else {}
    return {name: value for name, value in data.items() if name in SECTIONS and value is not None}


def describe(manifest: dict[str, Any]) -> str:
    """A mixture's manifest as text for people."""
    lines = [f"{manifest['recipe']['name']}: {manifest['rows']:,} samples, fingerprint {manifest['fingerprint'][:12]}"]
    for name, subset in manifest["subsets"].items():
        left = sum(subset["dropped"].values())
        lines.append(f"  {name:12} {subset['rows']:>10,} samples, {left:,} left out")
        lines += [f"    {count:>10,} {reason}" for reason, count in subset["dropped"].items()]
    for pair, rate in manifest["code_switch"].items():
        share = f"{rate['rate']:.3f}" if rate["rate"] is not None else "-"
        lines.append(f"  switched {pair}: {rate['switched']:,} of {rate['switchable']:,} covered words ({share})")
    return "\n".join(lines)
