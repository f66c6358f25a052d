"""From answers to measures: each benchmark's metrics, the off-target rate, COMET, and the likeness of answers."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from polydistill.engine.config import Student
from polydistill.engine.errors import UserError
from polydistill.engine.storage.fingerprint import fingerprint
from polydistill.eval.benchmark import benchmark
from polydistill.eval.config import Eval
from polydistill.eval.data.sets import Set
from polydistill.eval.question import Answer
from polydistill.eval.scores import Likeness
from polydistill.eval.scoring.metrics import Measure, comet, off_target

if TYPE_CHECKING:
    from polydistill.engine.judging.languages.language_id import LanguageID

Answers = Mapping[tuple[str, str], list[Answer]]
Measures = dict[tuple[str, str, str], dict[str, Measure]]
"""(set, language, metric) -> model -> measure."""


def measure_all(sets: Sequence[Set], answers: Mapping[str, Answers], config: Eval, student: Student) -> Measures:
    """Every measure of every model; each signature says how the model was asked.

    Gold answers go through language ID as well, as the pseudo-metric "off_target_gold", since an off-target rate means
    nothing below the identifier's own error.
    """
    found: Measures = defaultdict(dict)
    identifier = _language_id(config)
    comets = _comets(sets, answers, config)
    for entry in sets:
        if not entry.questions:
            continue
        module, asked = benchmark(entry.task.task), how_asked(entry, student)
        for model, by_set in answers.items():
            given = by_set[entry.name, entry.language]
            measures = module.score(entry.questions, given, entry.task)
            if module.SENTENCES:
                measures = [*measures, *_off_target(entry, given, identifier, config.language_id)]
            if (model, entry.name, entry.language) in comets:
                measures = [*measures, comets[model, entry.name, entry.language]]
            for measure in measures:
                signed = replace(measure, signature=f"{measure.signature}|{asked}")
                found[entry.name, entry.language, measure.name][model] = signed
    return found


def how_asked(entry: Set, student: Student) -> str:
    """How the model was asked, for signatures: template, shots, maximum length, number format, instruction."""
    instructions = {question.instruction for question in entry.questions}
    said = fingerprint(instructions.pop())[:8] if len(instructions) == 1 else "question"
    generated = any(not question.choices for question in entry.questions)
    parts = [
        f"prompt:{'none' if entry.questions[0].plain else student.prompt}",
        f"instruction:{said}",
        f"shots:{len(entry.shots)}",
        f"split:{entry.task.split or 'test'}",
        *([f"max_tokens:{entry.max_tokens}"] if generated else []),
        f"dtype:{student.engine.get('dtype', 'auto')}",
    ]
    return "|".join(parts)


def _language_id(config: Eval) -> "LanguageID":
    from polydistill.engine.judging.languages.language_id import LanguageID

    return LanguageID(config.language_id)


def _off_target(entry: Set, answers: Sequence[Answer], identifier: "LanguageID", who: str) -> list[Measure]:
    """Off-target rates of the answers and of the gold. Texts without letters ("42") have no language: left out."""
    wanted = entry.questions[0].answer_language
    if not wanted or not identifier.covers(wanted):
        return []
    accepted, measures = identifier.accepted(wanted), []
    ids = [question.id for question in entry.questions]
    texts = [(key, answer.text) for key, answer in zip(ids, answers)]
    gold = [(key, question.gold[0]) for key, question in zip(ids, entry.questions) if question.gold]
    for suffix, pairs in (("", texts), ("_gold", gold)):
        counted = [(key, text) for key, text in pairs if not text.strip() or any(map(str.isalpha, text))]
        if counted:
            keys, spoken = [key for key, _ in counted], [text for _, text in counted]
            found = identifier.identify(pa.array(spoken, pa.string()), wanted).language
            measures.append(off_target(keys, spoken, found, accepted, wanted, who, suffix))
    return measures


def _comets(sets: Sequence[Set], answers: Mapping[str, Answers], config: Eval) -> dict[tuple[str, str, str], Measure]:
    """(model, set, language) -> COMET, where a model is configured and there are translations."""
    from polydistill.eval.asking.engines import on_a_gpu

    wanted = [entry for entry in sets if entry.questions and entry.questions[0].source]
    if config.comet is None or not wanted:
        return {}
    keys, triples = [], []
    for entry in wanted:
        for model, by_set in answers.items():
            keys.append((model, entry))
            triples.append(
                (
                    [question.source for question in entry.questions],
                    [answer.text for answer in by_set[entry.name, entry.language]],
                    [question.gold[0] for question in entry.questions],
                )
            )
    scored = on_a_gpu(_comet_scores, config.comet, config.comet_encoder, config.device, triples)
    return {
        (model, entry.name, entry.language): comet([q.id for q in entry.questions], scores, config.comet)
        for (model, entry), scores in zip(keys, scored)
    }


def _comet_scores(
    model: str, encoder: str | None, device: str, triples: list[tuple[list[str], list[str], list[str]]]
) -> list[np.ndarray]:
    """Scores of (sources, translations, references): float32 (rows,) for each triple."""
    from polydistill.engine.judging.quality.comet import Comet
    from polydistill.eval.asking.engines import device_here

    loaded = Comet.load(model, encoder=encoder, device=device_here(device))
    return [np.asarray(loaded.score(*triple)) for triple in triples]


def likeness(
    sets: Sequence[Set], answers: Mapping[str, Answers], measures: Measures, source: str
) -> Iterator[Likeness]:
    """How alike a model answers the same questions in a target and in the source language.

    Multiple choice: the same candidate. Other benchmarks with yes/no metrics: right in both, or wrong in both. Only
    parallel benchmarks, whose questions share their ids, have it (x-LLM, arXiv 2308.04948, Table 4).
    """
    by_key = {(entry.name, entry.language): entry for entry in sets}
    for (name, language), entry in by_key.items():
        base = by_key.get((name, source))
        if language == source or base is None:
            continue
        metric = benchmark(entry.task.task).HEADLINE[0]
        metric = "em" if metric == "f1" else metric
        for model, by_set in answers.items():
            mine, theirs = (measures.get((name, code, metric), {}).get(model) for code in (language, source))
            if mine is None or theirs is None or not set(mine.ids) & set(theirs.ids):
                continue
            yield _likeness(model, entry, base, by_set, mine, theirs)


def _likeness(model: str, entry: Set, base: Set, answers: Answers, mine: Measure, theirs: Measure) -> Likeness:
    right = [dict(zip(measure.ids, measure.rows > 99)) for measure in (mine, theirs)]
    given = [
        {question.id: answer.choice for question, answer in zip(s.questions, answers[s.name, s.language])}
        for s in (entry, base)
    ]
    shared = [key for key in right[0] if key in right[1]]
    chosen = all(question.choices for question in entry.questions)
    compared = given if chosen else right
    same = np.mean([compared[0][key] == compared[1][key] for key in shared])
    both = np.mean([bool(right[0][key] and right[1][key]) for key in shared])
    return Likeness(model, entry.name, entry.language, 100 * float(same), 100 * float(both), len(shared))


def check_complete(sets: Sequence[Set], answers: Mapping[str, Answers]) -> None:
    """Whether every question has its answer.

    Raises:
        UserError: a set has more or fewer answers than questions.
    """
    for model, by_set in answers.items():
        for entry in sets:
            given = len(by_set[entry.name, entry.language])
            if given != len(entry.questions):
                raise UserError(f"{model}: {given} answers to {len(entry.questions)} questions of {entry.name}")
