"""A mixture in the formats of other trainers: Alpaca JSON, ShareGPT, chat messages, LLaMA-Factory, `datasets`.

Rows stream from the mixture's shards to the file, so size does not matter.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import yaml

from polydistill.engine.errors import UserError
from polydistill.engine.languages import get_language
from polydistill.engine.mixing.mixture import MANIFEST, Mixture, MixtureRecord
from polydistill.engine.storage.names import file_name
from polydistill.engine.storage.record import write_record
from polydistill.engine.storage.shards import Folder, read_shard

Row = dict[str, Any]


def alpaca(row: Row) -> Row:
    """Stanford Alpaca's fields."""
    return {"instruction": row["instruction"], "input": row["input"], "output": row["response"]}


def sharegpt(row: Row) -> Row:
    """ShareGPT's turns."""
    turns = [{"from": "human", "value": question(row)}, {"from": "gpt", "value": row["response"]}]
    return {"id": row["id"], "conversations": turns}


def messages(row: Row) -> Row:
    """Chat messages, as chat templates and TRL take them."""
    turns = [{"role": "user", "content": question(row)}, {"role": "assistant", "content": row["response"]}]
    return {"messages": turns}


def question(row: Row) -> str:
    """Instruction and input as one turn, as `engine.generation.templates` joins them for chat prompts."""
    return f"{row['instruction']}\n\n{row['input']}" if row["input"] else row["instruction"]


FORMATS = ("alpaca", "sharegpt", "messages", "llamafactory", "datasets")


def export(location: str | Folder, form: str, out: str | Path) -> Path:
    """Write the mixture to `out` (a file; a folder for llamafactory and datasets) and return where it is.

    Only what a format has room for is kept; `datasets` keeps every column. Objectives that weigh subsets are not part
    of any of these formats: the folder formats say so in their README.

    Raises:
        UserError: no mixture here, unknown format, or `out` exists.
    """
    mixture = Mixture.open(location)
    path = Path(out)
    if path.exists():
        raise UserError(f"{path} exists; delete it or name another --out")
    if form not in FORMATS:
        raise UserError(f"unknown format '{form}' (there are: {', '.join(FORMATS)})")
    if form == "llamafactory":
        return _llamafactory(mixture, path)
    if form == "datasets":
        return _datasets(mixture, path)
    path.parent.mkdir(parents=True, exist_ok=True)
    _write(path, mixture, {"alpaca": alpaca, "sharegpt": sharegpt, "messages": messages}[form])
    return path


def _rows(mixture: Mixture) -> Iterator[pa.Table]:
    for shard in mixture.record.shards:
        table = read_shard(mixture.folder, shard)
        for start in range(0, table.num_rows, 10_000):
            yield table.slice(start, 10_000)


def _write(path: Path, mixture: Mixture, form: Callable[[Row], Row]) -> None:
    """A JSON list, or JSON lines where the name ends in .jsonl; renamed into place when whole."""
    lines = path.suffix == ".jsonl"
    partial = path.with_name(path.name + ".part")
    with open(partial, "w", encoding="utf-8") as file:
        _write_rows(file, (form(row) for table in _rows(mixture) for row in table.to_pylist()), lines)
    partial.rename(path)


def _write_rows(file: IO[str], rows: Iterator[Row], lines: bool) -> None:
    separator = "" if lines else "[\n"
    for row in rows:
        file.write(separator + json.dumps(row, ensure_ascii=False))
        separator = "\n" if lines else ",\n"
    file.write("\n" if lines else "\n]\n")


def _llamafactory(mixture: Mixture, folder: Path) -> Path:
    """A data folder for LLaMA-Factory: `--dataset_dir FOLDER --dataset NAME`."""
    folder.mkdir(parents=True)
    name = file_name(mixture.record.recipe.name, "recipe")
    _write(folder / f"{name}.json", mixture, alpaca)
    columns = {"prompt": "instruction", "query": "input", "response": "output"}
    info = {name: {"file_name": f"{name}.json", "formatting": "alpaca", "columns": columns}}
    (folder / "dataset_info.json").write_text(json.dumps(info, indent=2) + "\n", encoding="utf-8")
    (folder / "README.md").write_text(card(mixture.record, _run_config(mixture.record)), encoding="utf-8")
    return folder


def _datasets(mixture: Mixture, folder: Path) -> Path:
    """A folder that `datasets.load_dataset(FOLDER)` opens: Parquet files of all columns, and a dataset card."""
    import pyarrow.parquet as pq

    (folder / "data").mkdir(parents=True)
    shards = mixture.record.shards
    for number, shard in enumerate(shards):
        name = f"train-{number:05}-of-{len(shards):05}.parquet"
        pq.write_table(read_shard(mixture.folder, shard), folder / "data" / name, compression="zstd")
    (folder / "README.md").write_text(card(mixture.record, _run_config(mixture.record)), encoding="utf-8")
    write_record(Folder.of(folder), MANIFEST, mixture.record)
    return folder


def _run_config(record: MixtureRecord) -> dict[str, Any]:
    """The configuration of the first run that the mixture is from; {} where it is gone."""
    place = Folder.of(record.runs[0])
    return (yaml.safe_load(place.read("config.yaml")) or {}) if place.exists("config.yaml") else {}


def card(record: MixtureRecord, run: dict[str, Any]) -> str:
    """A dataset card: where the text is from, what made it, with which thresholds, how much there is of what."""
    codes = [*record.sources, *record.targets]
    recipe = record.recipe
    head = {
        "language": list(dict.fromkeys(get_language(code).locale for code in codes)),
        "license": "other",
        "task_categories": ["text-generation"],
        "tags": ["synthetic", "machine-translated", "polydistill"],
        "pretty_name": f"{recipe.name} mixture",
        "size_categories": [_size(record.rows)],
        "configs": [{"config_name": "default", "data_files": [{"split": "train", "path": "data/*.parquet"}]}],
    }
    lines = ["---", yaml.safe_dump(head, sort_keys=False, allow_unicode=True).rstrip(), "---", ""]
    lines += [f"# {recipe.name} mixture", ""]
    lines += [f"{record.rows:,} training samples made by polydistill with the recipe `{recipe.name}`:", ""]
    lines += ["| subset | question | answer | samples | left out | weight |", "|---|---|---|---|---|---|"]
    for subset in record.subsets:
        kind = recipe.subsets[subset.name]
        sides = (kind.question or kind.task, kind.answer or "parallel text")
        out = sum(subset.dropped.values())
        lines.append(f"| {subset.name} | {sides[0]} | {sides[1]} | {subset.rows:,} | {out:,} | {subset.weight:g} |")
    lines += ["", f"Objective that the recipe is meant for: `{recipe.objective}`.", ""]
    if record.dropped:
        lines += ["Left out, by reason: " + ", ".join(f"{k} {n:,}" for k, n in record.dropped.items()) + ".", ""]
    return "\n".join([*lines, *_origin(record, run), ""])


def _origin(record: MixtureRecord, run: dict[str, Any]) -> list[str]:
    """Sources, models, thresholds, licenses and citation."""
    judge = run.get("judge") or {}
    quality = judge.get("quality") or {}
    prompts = run.get("prompts") or []
    made = {
        "Prompts": ", ".join(str(p["path"]) for p in (prompts if isinstance(prompts, list) else [prompts])),
        "Student (its own answers)": (run.get("student") or {}).get("model"),
        "Translator": (run.get("translate") or {}).get("model"),
        "Language identification": judge.get("language_id"),
        "Quality estimation": quality and f"{quality.get('model')}, below {quality.get('threshold')} left out",
        "Rules": ", ".join(f"{name} {value}" for name, value in (judge.get("rules") or {}).items()),
        "Dictionaries": ", ".join(sorted({Path(d.path).name for d in record.dictionaries if d.path})),
        "Parallel text": ", ".join(
            sorted({Path(path).name for p in record.parallel for corpus in p.corpora for path in corpus.paths})
        ),
        "Seed": record.seed,
        "Fingerprint": record.fingerprint,
    }
    return [
        "## How it was made",
        "",
        *(f"- {name}: {value}" for name, value in made.items() if value not in (None, "", {})),
        "",
        "## License and citation",
        "",
        "The samples are derived from the sources above and fall under their licenses, and under those of the models",
        "that wrote and translated them; several instruction sets, dictionaries and models forbid commercial use. Fill",
        "in the license before publishing. Cite polydistill, the sources, and the paper that the recipe's file names.",
    ]


def _size(rows: int) -> str:
    limits = [(1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M")]
    return next((name for limit, name in limits if rows < limit), "1M<n<10M")
