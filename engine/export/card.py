"""A dataset card: where the text is from, what made it, with which thresholds, how much there is of what."""

import html
import json
import re
from collections import Counter
from itertools import islice
from pathlib import Path

from polydistill.engine.export.formats import FORMATS
from polydistill.engine.export.samples import Source, languages, samples, tables
from polydistill.engine.languages import get_language
from polydistill.engine.mixing.mixture import Mixture, MixtureRecord
from polydistill.engine.storage.configuration import CONFIG, read_configuration
from polydistill.engine.storage.shards import Folder

_SHOWN = 3  # sample rows
_SIZES = ("1K", "10K", "100K", "1M", "10M", "100M", "1B", "10B", "100B", "1T")
_LOADING = {
    "datasets": 'from datasets import load_dataset\n\nrows = load_dataset("{folder}", split="train")',
    "llamafactory": "llamafactory-cli train --dataset_dir {folder} --dataset {name} ...",
    "axolotl": "axolotl train config.yml   # with the `datasets` section of axolotl.yaml",
}


def card(source: Source, form: str, data: str, rows: int) -> str:
    """The card's text, with the metadata that the Hugging Face hub reads.

    Args:
        source: the mixture or pool that was exported.
        form: a format that is a folder.
        data: pattern of the data files in the folder.
        rows: number of rows written.
    """
    from huggingface_hub import DatasetCard, DatasetCardData

    by_language = languages(source)
    codes = list(dict.fromkeys([*_sources(source), *by_language]))
    title = f"{source.record.recipe.name} mixture" if isinstance(source, Mixture) else "pool"
    metadata = DatasetCardData(
        language=list(dict.fromkeys(get_language(code).locale for code in codes)),
        license="other",
        language_creators=["machine-generated"],
        multilinguality="multilingual" if len(codes) > 1 else "monolingual",
        size_categories=[size_category(rows)],
        task_categories=["text-generation"],
        pretty_name=title,
        tags=["synthetic", "machine-translated", "polydistill"],
        configs=[{"config_name": "default", "data_files": [{"split": "train", "path": data}]}],
    )
    name = Path(data).stem
    sections = [
        f"# {cell(title)}",
        f"{rows:,} rows made by polydistill, in the format `{form}`.",
        "## Languages",
        _table(["language", "rows"], [[f"{get_language(c).name} ({c})", f"{n:,}"] for c, n in by_language.items()]),
        *(_mixture(source.record) if isinstance(source, Mixture) else []),
        "## Columns",
        _columns(source, form),
        "## Examples",
        _examples(source, form),
        "## Loading",
        f"```\n{_LOADING[form].format(folder='FOLDER', name=name)}\n```",
        "## How it was made",
        "\n".join(f"- {key}: {cell(value)}" for key, value in _origin(source).items() if value),
        "## License",
        "The rows are derived from the sources above and fall under their licenses, and under those of the models that "
        "wrote and translated them. Several instruction sets, dictionaries and models forbid commercial use. Fill in "
        "the license before publishing.",
        "## Citation",
        "Cite polydistill, the sources, and the paper that the recipe's file names.",
    ]
    return str(DatasetCard(f"---\n{metadata.to_yaml()}\n---\n\n" + "\n\n".join(sections) + "\n"))


def cell(text: object) -> str:
    """A text that shows as itself in Markdown: one line, without HTML, links and table borders."""
    line = re.sub(r"//[^/\s@]+@", "//", " ".join(str(text).split()))  # credentials in URIs
    return re.sub(r"([|`*_\[\]#])", r"\\\1", html.escape(line, quote=False))


def size_category(rows: int) -> str:
    """The hub's name for a number of rows: "n<1K", "1K<n<10K", ..., "n>1T"."""
    for index, name in enumerate(_SIZES):
        if rows < 1_000 * 10**index:
            return f"n<{name}" if index == 0 else f"{_SIZES[index - 1]}<n<{name}"
    return f"n>{_SIZES[-1]}"


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *([cell(value) for value in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _sources(source: Source) -> tuple[str, ...]:
    if isinstance(source, Mixture):
        return source.record.sources
    unit = min(source.records[source.targets[0]])
    return tuple(source.table(source.targets[0], unit, ["source"])["source"].unique().to_pylist())


def _mixture(record: MixtureRecord) -> list[str]:
    """The mixture's subsets and what they left out."""
    rows = []
    for subset in record.subsets:
        kind = record.recipe.subsets[subset.name]
        sides = [kind.question or kind.task or "", kind.answer or "parallel text"]
        counts = [f"{subset.rows:,}", f"{sum(subset.dropped.values()):,}", f"{subset.weight:g}"]
        rows.append([subset.name, *sides, *counts])
    parts = ["## Subsets", _table(["subset", "question", "answer", "samples", "left out", "weight"], rows)]
    parts.append(f"Objective that the recipe is meant for: `{record.recipe.objective}`.")
    if record.missing_units:
        parts.append(f"**The pool was not finished**: {record.missing_units:,} of its units are missing here.")
    if record.dropped:
        parts.append("Left out, by reason: " + ", ".join(f"{cell(k)} {n:,}" for k, n in record.dropped.items()) + ".")
    return parts


def _columns(source: Source, form: str) -> str:
    if form == "datasets":
        schema = next(tables(source, None)).schema
        return _table(["column", "type"], [[column.name, str(column.type)] for column in schema])
    rows = [row for sample in islice(samples(source, 0, Counter()), 100) if (row := FORMATS[form](sample))]
    keys = dict.fromkeys(key for row in rows for key in row)
    return _table(["column"], [[key] for key in keys])


def _examples(source: Source, form: str) -> str:
    """Some rows as JSON in a fence that no text of theirs can end."""
    found = (FORMATS["messages" if form == "datasets" else form](sample) for sample in samples(source, 0, Counter()))
    lines = [json.dumps(row, ensure_ascii=False) for row in islice(filter(None, found), _SHOWN)]
    longest = max((len(run) for line in lines for run in re.findall("~+", line)), default=0)
    fence = "~" * max(3, longest + 1)
    return "\n".join([f"{fence}json", *(line[:2000] for line in lines), fence])


def _origin(source: Source) -> dict[str, object]:
    """Sources, models and thresholds: from the configuration of the run, and the mixture's record."""
    runs = [Folder.of(run) for run in source.record.runs] if isinstance(source, Mixture) else [source.folder]
    run = runs[0]
    config = read_configuration(run) if run.exists(CONFIG) else {}
    judge = config.get("judge") or {}
    quality = judge.get("quality") or {}
    prompts = config.get("prompts") or []
    made: dict[str, object] = {
        "Prompts": ", ".join(_name(p.get("path")) for p in (prompts if isinstance(prompts, list) else [prompts])),
        "Student (its own answers)": (config.get("student") or {}).get("model"),
        "Translator": (config.get("translate") or {}).get("model"),
        "Language identification": judge.get("language_id"),
        "Quality estimation": quality and f"{quality.get('model')}, below {quality.get('threshold')} left out",
        "Rules": ", ".join(f"{name} {value}" for name, value in (judge.get("rules") or {}).items()),
    }
    if isinstance(source, Mixture):
        record = source.record
        corpora = (path for one in record.parallel for corpus in one.corpora for path in corpus.paths)
        made |= {
            "Dictionaries": ", ".join(sorted({_name(one.path) for one in record.dictionaries if one.path})),
            "Parallel text": ", ".join(sorted({_name(path) for path in corpora})),
            "Seed": str(record.seed),
            "Fingerprint": record.fingerprint,
        }
    return made


def _name(path: object) -> str:
    return str(path).rstrip("/").rpartition("/")[2]
