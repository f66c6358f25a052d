"""From measures to scores: every number with its interval, averages over languages and runs, comparisons."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from polydistill.engine.config import Student, dump
from polydistill.eval.benchmark import benchmark
from polydistill.eval.config import Eval
from polydistill.eval.data.sets import Questions, Set
from polydistill.eval.reporting.arms import arms
from polydistill.eval.reporting.measuring import Answers, Measures, check_complete, likeness, measure_all
from polydistill.eval.scores import (
    Average,
    ComparisonRecord,
    Count,
    GeometryRecord,
    Headline,
    ModelRecord,
    Result,
    ScoresRecord,
)
from polydistill.eval.scoring.bootstrap import Sampled, average_interval, compare, holm, interval, replicates


def results(
    questions: Questions,
    answers: Mapping[str, Answers],
    config: Eval,
    student: Student,
    models: dict[str, ModelRecord],
    geometry: dict[str, GeometryRecord],
    fingerprint: str,
) -> ScoresRecord:
    """Score every model's answers."""
    sets = questions.sets
    check_complete(sets, answers)
    measures = measure_all(sets, answers, config, student)
    rows, sampled = _results(sets, measures, config)
    averages = list(_averages(rows, sampled, config.confidence))
    headlines = list(_headlines(sets))
    return ScoresRecord(
        fingerprint=fingerprint,
        models=models,
        source=config.source,
        targets=list(config.targets or []),
        confidence=config.confidence,
        evaluation=dump(config),
        student=dump(student),
        notes=questions.notes,
        headlines=headlines,
        results=rows,
        averages=averages,
        arms=arms(averages, headlines, config.confidence),
        comparisons=_comparisons(measures, config),
        likeness=list(likeness(sets, answers, measures, config.source)),
        accounting=list(_accounting(sets, answers)),
        geometry=geometry,
    )


Key = tuple[str, str, str, str]  # set, language, metric, model


def _results(sets: Sequence[Set], measures: Measures, config: Eval) -> tuple[list[Result], dict[Key, Sampled]]:
    sides = {(s.name, s.language): "source" if s.side == config.source else "target" for s in sets}
    rows, sampled = [], {}
    for (name, language, metric), by_model in measures.items():
        for model, measure in by_model.items():
            values = replicates(measure, config.resamples, config.seed)
            sampled[name, language, metric, model] = Sampled(measure, values)
            low, high = interval(measure, values, config.confidence)
            known = bool(measure.ids)
            rows.append(
                Result(
                    model=model,
                    set=name,
                    language=language,
                    side=sides[name, language],
                    metric=metric,
                    value=measure.value if known else None,
                    low=low if known else None,
                    high=high if known else None,
                    n=len(measure.ids),
                    higher_is_better=measure.higher_is_better,
                    signature=measure.signature,
                )
            )
    return rows, sampled


def _averages(rows: Sequence[Result], sampled: Mapping[Key, Sampled], confidence: float) -> Iterator[Average]:
    groups: dict[tuple[str, str, str, str], list[Result]] = defaultdict(list)
    for row in rows:
        if row.n:
            groups[row.model, row.set, row.side, row.metric].append(row)
    for (model, name, side, metric), group in groups.items():
        together = [sampled[name, row.language, metric, model] for row in group]
        value = float(np.mean([entry.measure.value for entry in together]))
        low, high = average_interval(together, confidence)
        languages = [row.language for row in group]
        yield Average(model, name, side, metric, value, low, high, languages, group[0].higher_is_better)


def _headlines(sets: Sequence[Set]) -> Iterator[Headline]:
    """Columns of the summary: the sets in the order of the configuration, the off-target rate last."""
    last = []
    for entry in {entry.name: entry for entry in sets}.values():
        module = benchmark(entry.task.task)
        for metric in module.HEADLINE:
            norm = metric == "accuracy" and any(question.parts for question in entry.questions)
            shown = "accuracy_norm" if norm else metric
            column = Headline(entry.name, shown, module.TITLE, module.ABOUT[entry.name], module.KIND)
            if metric == "off_target":
                last.append(column)
            else:
                yield column
    spoken = [entry.name for entry in sets if benchmark(entry.task.task).SENTENCES]
    yield from last or [Headline(name, "off_target", "", "", "") for name in spoken[:1]]


def _comparisons(measures: Measures, config: Eval) -> list[ComparisonRecord]:
    found = []
    for (name, language, metric), by_model in measures.items():
        against, *others = by_model
        for model in others if not metric.endswith("_gold") else []:
            if by_model[model].ids == by_model[against].ids and by_model[model].ids:
                pair = by_model[model], by_model[against]
                found.append(
                    (
                        _Named(model, against, name, language, metric),
                        compare(*pair, config.resamples, config.seed, config.confidence),
                    )
                )
    corrected = holm([comparison.p for _, comparison in found])
    return [
        ComparisonRecord(**vars(named), **vars(comparison), p_holm=p)
        for (named, comparison), p in zip(found, corrected)
    ]


@dataclass(frozen=True)
class _Named:
    model: str
    against: str
    set: str
    language: str
    metric: str


def _accounting(sets: Sequence[Set], answers: Mapping[str, Answers]) -> Iterator[Count]:
    for model, by_set in answers.items():
        for entry in sets:
            given = by_set[entry.name, entry.language]
            finishes = [answer.finish for answer in given]
            tokens = sum(answer.tokens for answer in given)
            cut, too_long = finishes.count("length"), finishes.count("too_long")
            yield Count(model, entry.name, entry.language, len(given), cut, too_long, tokens)
