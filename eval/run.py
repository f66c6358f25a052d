"""Evaluation: every model answers every task in every language; answers are kept, scored, compared and reported.

    out/answers/<model>/<set>/<language>.arrow   question and answer, row by row (`eval.question.ANSWERS`)
    out/geometry/<model>.json                    sentence vectors' numbers (`eval.analysis.geometry`), where wanted
    out/metrics.json                             every number with its interval and signature
    out/report.html, out/report.md               the same for reading

One (model, set, language) is a unit. A unit that is there, made from the same model, questions and settings, is not
asked again; anything else is. A long one is asked in parts, `<language>.0000.arrow` and so on until it is whole, so
that an evaluation that is killed asks one part again at most.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from polydistill.engine.config import Student, dump
from polydistill.engine.errors import UserError
from polydistill.engine.models.identity import model_identity
from polydistill.engine.progress import Progress
from polydistill.engine.storage.shards import Folder, read_table, write_table
from polydistill.eval.asking.vllm_answerer import Answerer, Vllm
from polydistill.eval.config import Eval
from polydistill.eval.data.sets import Set, load_sets
from polydistill.eval.question import Answer, Question, from_table, to_table

FINGERPRINT = b"polydistill.fingerprint"
PART = 2048
"""Questions asked and kept together: twice what vLLM has under way at once on a large GPU."""


def evaluate(
    models: Mapping[str, str],
    config: Eval,
    student: Student,
    out: str,
    answerer: Callable[[str, Student], Answerer] = Vllm,
) -> dict[str, Any]:
    """Evaluate `models` (name -> Hugging Face folder or hub id) and write answers, metrics and reports under `out`.

    A model named "sdrrl/seed1" counts as one run of the arm "sdrrl". `student` says how questions become prompts and
    how the engine is started. `answerer` makes what answers (default: vLLM).

    Returns:
        The content of metrics.json, see `eval.reporting.results`.

    Raises:
        UserError: missing or broken files, a model that cannot be loaded.
    """
    from polydistill.eval.reporting.report import write_report
    from polydistill.eval.reporting.results import results

    if not models:
        raise UserError("no model to evaluate")
    sets = load_sets(config)
    place = Folder.of(out)
    answers = {name: ask(name, path, sets, student, place, answerer) for name, path in models.items()}
    found = results(sets, answers, config)
    found["models"] = dict(models)
    if config.geometry is not None:
        found["geometry"] = {name: _geometry(name, path, config, student, place) for name, path in models.items()}
    place.write_json("metrics.json", found)
    write_report(found, sets, answers, config, place)
    return found


def _geometry(name: str, path: str, config: Eval, student: Student, place: Folder) -> dict[str, Any]:
    """Sentence vectors' numbers of one model, kept in geometry/<model>.json."""
    from polydistill.eval.analysis.geometry import measure

    file = f"geometry/{slug(name)}.json"
    key = [model_identity(path), dump(config)["geometry"], config.languages, config.data, config.seed]
    mark = hashlib.blake2b(json.dumps(key).encode(), digest_size=16).hexdigest()
    if place.exists(file) and (saved := place.read_json(file)).get("fingerprint") == mark:
        return saved
    found = measure(path, config, student.trust_remote_code) | {"fingerprint": mark}
    place.write_json(file, found)
    return found


Key = tuple[str, str]  # set name, language
Answers = dict[Key, list[Answer]]


def ask(
    name: str,
    path: str,
    sets: list[Set],
    student: Student,
    place: Folder,
    answerer: Callable[[str, Student], Answerer],
) -> Answers:
    """One model's answers to all sets: read where they are there, asked (and saved) where not."""
    folder = place / f"answers/{slug(name)}"
    identity = model_identity(path)
    marks = {(s.name, s.language): fingerprint(s, identity, student) for s in sets}
    found = {key: saved for key, mark in marks.items() if (saved := _saved(folder, file_name(key), mark)) is not None}
    missing = [s for s in sets if (s.name, s.language) not in found]
    if missing:
        total = sum(len(s.questions) for s in missing)
        with Progress(f"evaluating {name}", total, "answers") as progress:
            model = answerer(path, student)
            try:
                for entry in missing:
                    key = (entry.name, entry.language)
                    progress.note = f"{entry.name} {entry.language}"
                    found[key] = _ask(entry, model, folder, marks[key], progress)
            finally:
                model.close()
    return found


def _ask(entry: Set, model: Answerer, folder: Folder, mark: str, progress: Progress) -> list[Answer]:
    """All answers of a unit, in parts that are kept until it is whole."""
    key, answers = (entry.name, entry.language), []
    parts = range(0, len(entry.questions), PART) if len(entry.questions) > PART else []
    for number, start in enumerate(parts):
        questions = entry.questions[start : start + PART]
        part = _saved(folder, file_name(key, number), mark)
        if part is None:
            part = model(questions, entry.shots, entry.max_tokens, progress.advance)
            _save(folder, file_name(key, number), questions, part, mark)
        else:
            progress.advance(len(part))
        answers += part
    if not parts:
        answers = model(entry.questions, entry.shots, entry.max_tokens, progress.advance)
    _save(folder, file_name(key), entry.questions, answers, mark)
    for number in range(len(parts)):
        folder.filesystem.delete_file(folder.join(file_name(key, number)))
    return answers


def file_name(key: Key, part: int | None = None) -> str:
    """Where a unit's answers are, or those of one part of it, relative to its model's folder."""
    return f"{key[0]}/{key[1]}.arrow" if part is None else f"{key[0]}/{key[1]}.{part:04}.arrow"


def slug(name: str) -> str:
    """A model's name as a folder name: anything but letters, digits, dot and dash becomes an underscore."""
    return re.sub(r"[^\w.-]+|^\.+", "_", name.replace("/", "--"))


def _save(folder: Folder, file: str, questions: Sequence[Question], answers: Sequence[Answer], mark: str) -> None:
    table = to_table(questions, answers).replace_schema_metadata({FINGERPRINT: mark.encode()})
    write_table(folder, file, table, "zstd")


def _saved(folder: Folder, file: str, mark: str) -> list[Answer] | None:
    if not folder.exists(file):
        return None
    table = read_table(folder, file)
    return from_table(table)[1] if (table.schema.metadata or {}).get(FINGERPRINT) == mark.encode() else None


def fingerprint(entry: Set, identity: str, student: Student) -> str:
    """Hash of what decides a unit's answers: model, questions, examples, template, length."""
    settings = dump(student)
    values = [identity, settings["prompt"], settings["template"], settings["engine"], entry.max_tokens]
    digest = hashlib.blake2b(json.dumps(values, sort_keys=True).encode(), digest_size=16)
    for question in [*entry.shots, *entry.questions]:
        digest.update(repr(question).encode())
    return digest.hexdigest()
