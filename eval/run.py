"""Evaluation: every model answers every task in every language; answers are kept, scored, compared and reported.

    out/answers/<model>/<set>/<language>.arrow   question and answer, row by row (`eval.question.ANSWERS`)
    out/geometry/<model>.json                    sentence vectors' numbers (`eval.analysis.geometry`), where wanted
    out/metrics.json                             every number with its interval and signature (`eval.scores`)
    out/report.html, report.md, report.tex, results.csv, figures/   the same for reading and for papers

One (model, set, language) is a unit. A unit that is there, made from the same model, questions and settings, is not
asked again; anything else is. A long one is asked in parts, so that an evaluation that is killed asks one part again
at most.
"""

import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext

from polydistill.engine.config import Student, dump
from polydistill.engine.environment import has_gpu
from polydistill.engine.errors import DamagedError, UserError
from polydistill.engine.models.identity import model_identity
from polydistill.engine.progress import Progress
from polydistill.engine.storage.fingerprint import fingerprint
from polydistill.engine.storage.record import read_record, write_record
from polydistill.engine.storage.run_folder import exclusive
from polydistill.engine.storage.shards import Folder
from polydistill.eval.asking.answer_files import AnswerFolder, Key, slug, unit_fingerprint
from polydistill.eval.asking.answerer import MakeAnswerer
from polydistill.eval.asking.engines import answer, fitting, on_a_gpu
from polydistill.eval.asking.pace import Clock
from polydistill.eval.asking.units import PART, Job
from polydistill.eval.asking.vllm_answerer import Vllm
from polydistill.eval.config import Eval
from polydistill.eval.data.sets import Set, load_questions
from polydistill.eval.question import Answer
from polydistill.eval.scores import GeometryRecord, ModelRecord, Scores

Answers = dict[Key, list[Answer]]


def evaluate(
    models: Mapping[str, str],
    config: Eval,
    student: Student,
    out: str,
    answerer: MakeAnswerer = Vllm,
    part: int = PART,
    address: str | None = None,
) -> Scores:
    """Evaluate `models` (name -> Hugging Face folder or hub id) and write answers, metrics and reports under `out`.

    A model named "sdrrl/seed1" counts as one run of the arm "sdrrl". `student` says how questions become prompts and
    how the engine is started. `answerer` makes what answers (default: vLLM), `part` is the number of questions that are
    kept together. Where Ray runs, all of its GPUs answer. It is started for a cluster's `address` and on a machine with
    GPUs; elsewhere this process answers.

    Raises:
        UserError: missing or broken files, a model that cannot be loaded.
    """
    from polydistill.eval.reporting.report import write_report
    from polydistill.eval.reporting.results import results

    if not models:
        raise UserError("no model to evaluate")
    questions = load_questions(config)
    folder = Folder.of(out)
    records = {name: ModelRecord(path, model_identity(path)) for name, path in models.items()}
    with exclusive(folder, "eval.lock"), _runtime(address):
        folder.sweep()
        answers, marks = _answers(records, questions.sets, student, folder, answerer, part)
        geometry = {} if config.geometry is None else _geometries(records, config, student, folder)
        mark = fingerprint([marks, dump(config), dump(student)])
        record = results(questions, answers, config, student, records, geometry, mark)
        scores = Scores.write(folder, record)
        write_report(scores, questions.sets, answers, config)
    return scores


def _runtime(address: str | None) -> AbstractContextManager[None]:
    if not address and not has_gpu():
        return nullcontext()
    from polydistill.engine.cluster import cluster

    return cluster(address)


def _answers(
    models: Mapping[str, ModelRecord],
    sets: Sequence[Set],
    student: Student,
    out: Folder,
    make: MakeAnswerer,
    part: int,
) -> tuple[dict[str, Answers], list[list[str]]]:
    """Every model's answers to all sets, read where they are there and asked where not; and all fingerprints."""
    marks = {
        (name, entry.name, entry.language): unit_fingerprint(entry, model.identity, student)
        for name, model in models.items()
        for entry in sets
    }
    kept = {name: AnswerFolder.of(out, name) for name in models}
    found: dict[str, Answers] = {name: {} for name in models}

    def missing() -> list[Job]:
        jobs = []
        for name, model in models.items():
            units = []
            for entry in sets:
                key, mark = (entry.name, entry.language), marks[name, entry.name, entry.language]
                saved = found[name].get(key) or kept[name].read(key, mark)
                if saved is None:
                    units.append((entry, mark))
                else:
                    found[name][key] = saved
            if units:
                jobs.append(Job(name, model.path, tuple(units)))
        return jobs

    jobs = missing()
    for problem in [problem for folder in kept.values() for problem in folder.damaged]:
        print(f"asked again: {problem}", file=sys.stderr)
    if jobs:
        engines = fitting(student, [job.path for job in jobs])
        label = "evaluating" if engines.here else f"evaluating on {engines.count} engines"
        clock, nothing_kept = Clock(), not any(found.values())
        with Progress(label, sum(job.questions for job in jobs), "answers") as progress:
            for done in answer(jobs, student, out, make, engines, part):
                clock.note(done)
                progress.advance(done.answers, f"{done.model} {done.set} {done.language}")
        if nothing_kept:
            clock.write(out, engines.count)
        left = missing()
        if left:
            raise DamagedError(f"{out.root}: answers of {left[0].model} are damaged as soon as written. Check the disk")
    return found, [[*key, mark] for key, mark in marks.items()]


def _geometries(
    models: Mapping[str, ModelRecord], config: Eval, student: Student, out: Folder
) -> dict[str, GeometryRecord]:
    """Sentence vectors' numbers of every model, kept in geometry/<model>.json."""
    from polydistill.eval.analysis.geometry import measure

    found = {}
    for name, model in models.items():
        file = f"geometry/{slug(name)}.json"
        mark = fingerprint([model.identity, dump(config)["geometry"], config.languages, config.data, config.seed])
        try:
            record = read_record(out, file, GeometryRecord)
        except DamagedError:
            record = None
        if record is None or record.fingerprint != mark:
            record = on_a_gpu(measure, model.path, config, student.trust_remote_code, mark)
            write_record(out, file, record)
        found[name] = record
    return found
