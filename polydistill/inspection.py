"""What a folder holds: a run, a mixture, a checkpoint or scores, from records and headers alone."""

import json
import struct
from collections import Counter
from dataclasses import asdict, replace
from typing import Any

from polydistill.engine.errors import UserError
from polydistill.engine.generation.answers import Answers
from polydistill.engine.mixing.mixture import Mixture
from polydistill.engine.prompts.artifact import open_prompts
from polydistill.engine.storage.figures import merge
from polydistill.engine.storage.pool import open_pool
from polydistill.engine.storage.record import read_record, record_values
from polydistill.engine.storage.run_folder import GENERATED, MIXTURES, PROMPTS, UNITS
from polydistill.engine.storage.shards import Folder
from polydistill.eval.scores import Scores
from polydistill.trainer.records import TRAINING, TrainingRecord


def describe(location: str) -> dict[str, Any]:
    """What the folder holds; `kind` says which of the four it is: run, mixture, checkpoint or scores.

    Raises:
        UserError: none of them.
    """
    place = Folder.of(location)
    if _config(place):
        return _checkpoint(place, Folder(place.filesystem, place.root.rpartition("/")[0]))
    if place.exists(TRAINING):
        return _checkpoint(place / ("model" if _config(place / "model") else "adapter"), place)
    if place.exists("metrics.json"):
        return _scores(place)
    if place.exists("manifest.json"):
        return _mixture(place)
    if (place / PROMPTS).exists("manifest.json") or (place / UNITS).names(recursive=True):
        return _run(place)
    raise UserError(
        f"{place.root}: neither a run (prompts/manifest.json), a mixture (manifest.json), a trained model "
        "(config.json of a Hugging Face folder, or training.json) nor an evaluation (metrics.json)"
    )


def _config(place: Folder) -> dict[str, Any]:
    """The configuration of a Hugging Face model or LoRA adapter here; {} where there is none."""
    for name, key in (("config.json", "model_type"), ("adapter_config.json", "peft_type")):
        if place.exists(name) and key in (config := place.read_json(name)):
            return config  # a run's folder has a config.json as well, without that key
    return {}


def _run(place: Folder) -> dict[str, Any]:
    prompts = open_prompts(place).record
    total = len(prompts.units)
    answers = Answers(place / GENERATED)
    keys = ("rows_read", "rows_kept", "dropped", "mended", "unused", "fingerprint")
    found: dict[str, Any] = {
        "kind": "run",
        "path": place.root,
        "prompts": {key: getattr(prompts, key) for key in keys} | {"units": total},
        "generated_units": len(answers.units()),
        "answers": asdict(answers.figures()) | {"text": answers.figures().text()},
        "languages": {},
        "fingerprints": [],
        "versions": {},
    }
    if (place / UNITS).names(recursive=True):
        for target, units in open_pool(place).records.items():
            figures = asdict(merge(record.figures for record in units.values()))
            figures["reasons"] = dict(Counter(figures["reasons"]).most_common())
            found["languages"][target] = {"units": len(units), "of_units": total} | figures
            for record in units.values():
                found["versions"] |= record.versions
                if record.fingerprint not in found["fingerprints"]:
                    found["fingerprints"].append(record.fingerprint)
    mixtures = (place / MIXTURES).names(recursive=True)
    found["mixtures"] = [name.removesuffix("/manifest.json") for name in mixtures if name.endswith("/manifest.json")]
    return found


def _mixture(place: Folder) -> dict[str, Any]:
    record = Mixture.open(place).record
    figures = {"shards": len(record.shards), "bytes": sum(shard.bytes for shard in record.shards)}
    return {"kind": "mixture", "path": place.root, **record_values(record), **figures}


def _checkpoint(model: Folder, run: Folder) -> dict[str, Any]:
    config = _config(model)
    shapes = [shape for name in model.names() if name.endswith(".safetensors") for shape in _shapes(model, name)]
    found: dict[str, Any] = {
        "kind": "checkpoint",
        "path": model.root,
        "architecture": (config.get("architectures") or [config.get("peft_type", "unknown")])[0],
        "parameters": sum(count for count, _ in shapes),
        "dtypes": sorted({dtype for _, dtype in shapes}),
        "vocabulary": config.get("vocab_size"),
    }
    if run.exists(TRAINING):
        record = read_record(run, TRAINING, TrainingRecord)
        found["training"] = asdict(replace(record, curve=record.curve[-1:]))
    return found


def _scores(place: Folder) -> dict[str, Any]:
    record = Scores.open(place).record
    return {"kind": "scores", "path": place.root, **record_values(record)}


def _scores_text(found: dict[str, Any]) -> str:
    lines = [f"scores {found['path']}  (fingerprint {found['fingerprint']})"]
    lines += [f"note: {note}" for note in found["notes"]]
    rows = [
        [
            each["model"],
            each["set"],
            each["language"],
            each["metric"],
            "-" if each["value"] is None else f"{each['value']:.1f}",
        ]
        for each in found["results"]
    ]
    return "\n".join([*lines, *_columns(["model", "set", "language", "metric", "value"], rows)])


def _shapes(model: Folder, name: str) -> list[tuple[int, str]]:
    """Number of elements and dtype of each tensor, from the file's header alone."""
    with model.filesystem.open_input_file(model.join(name)) as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
    tensors = [value for key, value in header.items() if key != "__metadata__"]
    sizes = []
    for tensor in tensors:
        count = 1
        for side in tensor["shape"]:
            count *= side
        sizes.append((count, tensor["dtype"]))
    return sizes


def as_text(found: dict[str, Any]) -> str:
    """What `describe` found, for people."""
    return {"run": _run_text, "mixture": _mixture_text, "checkpoint": _checkpoint_text, "scores": _scores_text}[
        found["kind"]
    ](found)


def _run_text(found: dict[str, Any]) -> str:
    prompts = found["prompts"]
    lines = [
        f"run {found['path']}  (fingerprint {', '.join(found['fingerprints']) or 'none yet'})",
        f"prompts  {prompts['rows_read']:,} read, {prompts['rows_kept']:,} usable in {prompts['units']:,} units"
        + _reasons(prompts["dropped"]),
        f"answers  {found['generated_units']:,} units"
        + (f": {found['answers']['text']}" if found["answers"]["rows"] else ""),
    ]
    rows = [
        [
            target,
            f"{facts['units']:,}/{facts['of_units']:,}",
            f"{facts['rows']:,}",
            f"{facts['kept']:,}",
            f"{facts['kept'] / max(facts['rows'], 1):.1%}",
            _reasons(facts["reasons"]).removeprefix("; dropped: "),
        ]
        for target, facts in found["languages"].items()
    ]
    lines += _columns(["language", "units", "rows", "kept", "", "dropped"], rows) if rows else ["pool     empty"]
    lines.append(f"mixtures {', '.join(found['mixtures']) or 'none'}")
    return "\n".join(lines)


def _mixture_text(found: dict[str, Any]) -> str:
    lines = [
        f"mixture {found['path']}  (fingerprint {found['fingerprint']})",
        f"{found['rows']:,} samples of recipe {found['recipe']['name']}, seed {found['seed']}, "
        f"{found['shards']:,} shards, {found['bytes'] / 2**20:,.1f} MiB, from {', '.join(found['runs'])}",
    ]
    if found["missing_units"]:
        lines.append(f"the pool was not finished: {found['missing_units']:,} units were missing")
    targets = sorted({target for subset in found["subsets"] for target in subset["targets"]})
    rows = [
        [subset["name"], f"{subset['weight']:g}", f"{subset['rows']:,}"]
        + [f"{subset['targets'].get(target, 0):,}" for target in targets]
        + [_reasons(subset["dropped"]).removeprefix("; dropped: ")]
        for subset in found["subsets"]
    ]
    lines += _columns(["subset", "weight", "rows", *targets, "left out"], rows)
    for switch in found["code_switch"]:
        rate = f"{switch['switched'] / switch['switchable']:.1%}" if switch["switchable"] else "nothing to switch"
        lines.append(
            f"code-switching {switch['text']} -> {switch['replacements']}: {rate} of {switch['switchable']:,} words"
        )
    return "\n".join(lines)


def _checkpoint_text(found: dict[str, Any]) -> str:
    size = f"{found['parameters'] / 1e6:,.2f}M parameters ({', '.join(found['dtypes'])})"
    vocabulary = f", vocabulary {found['vocabulary']:,}" if found["vocabulary"] else ""
    lines = [f"checkpoint {found['path']}", f"{found['architecture']}, {size}{vocabulary}"]
    training = found.get("training")
    if training:
        lines.append(
            f"trained {training['steps']:,} steps on {training['ranks']} ranks from {training['student']} "
            f"({training['identity']['model']})"
        )
        rows = [[name, f"{s['samples']:,}", f"{s['answer_tokens']:,}"] for name, s in training["subsets"].items()]
        lines += _columns(["subset", "samples", "answer tokens"], rows)
        lines.append(f"mixture {training['identity']['mixture']}, packs filled to {training['fill']:.1%}")
        lines.append(f"signature {training['signature']}")
        for row in training["curve"]:
            lines.append("last step " + ", ".join(f"{key} {_value(value)}" for key, value in row.items()))
    return "\n".join(lines)


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "(" + ", ".join(f"{key} {_value(item)}" for key, item in value.items()) + ")"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _reasons(reasons: dict[str, int]) -> str:
    items = sorted(reasons.items(), key=lambda item: -item[1])
    return "; dropped: " + ", ".join(f"{name} {count:,}" for name, count in items) if items else ""


def _columns(head: list[str], rows: list[list[str]]) -> list[str]:
    """Lines of a table: text columns to the left, figures to the right."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    left = [not any(row[i][:1].isdigit() for row in rows) for i in range(len(head))]
    return [
        "  ".join(c.ljust(w) if to_left else c.rjust(w) for c, w, to_left in zip(row, widths, left)).rstrip()
        for row in [head, *rows]
    ]
