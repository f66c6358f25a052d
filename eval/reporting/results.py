"""From answers to numbers: the content of metrics.json.

results       one entry per model, set, language and metric: value, low, high, n, signature, side, ...
averages      the same, macro-averaged over the languages of a side ("target" or "source")
comparisons   each model against the first one, per set, language and metric: difference, interval, p, wins, losses
arms          over the runs (seeds) of an arm: values, mean, standard deviation, Welch's p against the baseline, which
              is the first arm that has several runs
accounting    per model, set and language: questions asked, answers cut at max_tokens, prompts that did not fit
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from polydistill.engine.config import dump
from polydistill.engine.errors import UserError
from polydistill.eval.config import Eval
from polydistill.eval.data.sets import Set
from polydistill.eval.question import Answer
from polydistill.eval.scoring.bootstrap import compare, interval, percentiles, replicates, welch
from polydistill.eval.scoring.metrics import Measure, comet, off_target
from polydistill.eval.tasks import benchmark

Answers = Mapping[tuple[str, str], list[Answer]]
Measures = dict[tuple[str, str, str], dict[str, Measure]]  # (set, language, metric) -> model -> measure


def results(sets: Sequence[Set], answers: Mapping[str, Answers], config: Eval) -> dict[str, Any]:
    """Score every model's answers; see the module's docstring."""
    measures = score(sets, answers, config)
    sides = {(entry.name, entry.language): side(entry, config.source) for entry in sets}
    rows, sampled = [], {}
    for (name, language, metric), by_model in measures.items():
        for model, measure in by_model.items():
            resampled = replicates(measure, config.resamples, config.seed)
            sampled[name, language, metric, model] = resampled
            low, high = interval(measure, resampled, config.confidence)
            rows.append(
                {
                    "model": model,
                    "set": name,
                    "language": language,
                    "side": sides[name, language],
                    "metric": metric,
                    # JSON knows no NaN: a set without questions that count has null and n 0.
                    "value": measure.value if measure.ids else None,
                    "low": low if measure.ids else None,
                    "high": high if measure.ids else None,
                    "n": len(measure.ids),
                    "higher_is_better": measure.higher_is_better,
                    "signature": measure.signature,
                }
            )
    averages = list(_averages(rows, sampled, config.confidence))
    return {
        "format": 1,
        "config": dump(config),
        "results": rows,
        "averages": averages,
        "arms": list(arms(averages)),
        "comparisons": list(_comparisons(measures, config)),
        "accounting": list(_accounting(sets, answers)),
    }


def side(entry: Set, source: str) -> str:
    """Whether a set tells about the source language or a target: by the answer's language, else the question's."""
    language = entry.questions[0].answer_language if entry.questions else ""
    return "source" if (language or entry.language) == source else "target"


def arm(model: str) -> str:
    """The arm that a model is a run of: "sdrrl/seed1" -> "sdrrl"."""
    return model.partition("/")[0]


def score(sets: Sequence[Set], answers: Mapping[str, Answers], config: Eval) -> Measures:
    """Every measure of every model. Gold answers go through language ID as well, as the pseudo-metric
    "off_target_gold", since an off-target rate means nothing below the identifier's own error."""
    found: Measures = defaultdict(dict)
    language_id, quality = _language_id(config), _quality(config, sets)
    for entry in sets:
        module = benchmark(entry.task.task)
        for model, by_set in answers.items():
            given = by_set[entry.name, entry.language]
            measures = [*module.score(entry.questions, given, entry.task)] if entry.questions else []
            measures += _off_target(entry, given, language_id, config.language_id)
            if quality is not None and entry.questions and entry.questions[0].source:
                measures.append(_comet(entry, given, quality, str(config.comet)))
            for measure in measures:
                found[entry.name, entry.language, measure.name][model] = measure
    return found


def _language_id(config: Eval) -> Any:
    from polydistill.engine.judging.language_id import LanguageID

    return LanguageID(config.language_id)


def _quality(config: Eval, sets: Sequence[Set]) -> Any:
    """The COMET model, loaded only where there are translations to score."""
    if config.comet is None or not any(s.questions and s.questions[0].source for s in sets):
        return None
    from polydistill.engine.judging.comet import Comet

    return Comet.load(config.comet, encoder=config.comet_encoder, device=config.device)


def _off_target(entry: Set, answers: Sequence[Answer], language_id: Any, who: str) -> list[Measure]:
    wanted = entry.questions[0].answer_language if entry.questions else ""
    if not wanted or not language_id.covers(wanted):
        return []
    accepted = language_id.accepted(wanted)
    measures = []
    ids = [question.id for question in entry.questions]
    gold = [(i, question.gold[0]) for i, question in zip(ids, entry.questions) if question.gold]
    for suffix, keys, texts in (
        ("", ids, [answer.text for answer in answers]),
        ("_gold", [key for key, _ in gold], [text for _, text in gold]),
    ):
        if keys:
            found = language_id.identify(pa.array(texts, pa.string()), wanted).language
            measures.append(off_target(keys, texts, found, accepted, wanted, who, suffix))
    return measures


def _comet(entry: Set, answers: Sequence[Answer], quality: Any, model: str) -> Measure:
    questions = entry.questions
    scores = quality.score([q.source for q in questions], [a.text for a in answers], [q.gold[0] for q in questions])
    return comet([question.id for question in questions], np.asarray(scores), model)


def _averages(
    rows: list[dict[str, Any]], sampled: Mapping[tuple[str, str, str, str], np.ndarray], confidence: float
) -> Iterator[dict[str, Any]]:
    groups: dict[tuple[str, str, str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        if row["n"]:
            groups[row["model"], row["set"], row["side"], row["metric"]].append(row)
    for (model, name, where, metric), group in groups.items():
        together = np.mean([sampled[name, row["language"], metric, model] for row in group], axis=0)
        alone = len(group) == 1
        low, high = (group[0]["low"], group[0]["high"]) if alone else percentiles(together, confidence)
        yield {
            "model": model,
            "set": name,
            "side": where,
            "metric": metric,
            "value": float(np.mean([row["value"] for row in group])),
            "low": low,
            "high": high,
            "languages": [row["language"] for row in group],
            "higher_is_better": group[0]["higher_is_better"],
        }


def arms(averages: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Averages over the runs of each arm. Welch's test compares with the first arm that has several runs."""
    groups: dict[tuple[str, str, str], dict[str, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for row in averages:
        groups[row["set"], row["side"], row["metric"]][arm(row["model"])].append(row)
    for (name, where, metric), by_arm in groups.items():
        reference = next((key for key, rows in by_arm.items() if len(rows) > 1), None)
        for key, rows in by_arm.items():
            values = [row["value"] for row in rows]
            p = welch(values, [row["value"] for row in by_arm[reference]]) if reference not in (None, key) else None
            yield {
                "arm": key,
                "set": name,
                "side": where,
                "metric": metric,
                "runs": len(values),
                "values": values,
                "mean": float(np.mean(values)),
                "sd": float(np.std(values, ddof=1)) if len(values) > 1 else None,
                # One run has its questions' uncertainty; several have that of the runs' average of it.
                "low": float(np.mean([row["low"] for row in rows])),
                "high": float(np.mean([row["high"] for row in rows])),
                "against": reference if p is not None and np.isfinite(p) else None,
                "p": p if p is not None and np.isfinite(p) else None,
                "higher_is_better": rows[0]["higher_is_better"],
            }


def _comparisons(measures: Measures, config: Eval) -> Iterator[dict[str, Any]]:
    for (name, language, metric), by_model in measures.items():
        if metric.endswith("_gold"):
            continue
        against, *others = by_model
        for model in others:
            if by_model[model].ids != by_model[against].ids or not by_model[model].ids:
                continue
            found = compare(by_model[model], by_model[against], config.resamples, config.seed, config.confidence)
            yield {"model": model, "against": against, "set": name, "language": language, "metric": metric} | vars(
                found
            )


def _accounting(sets: Sequence[Set], answers: Mapping[str, Answers]) -> Iterator[dict[str, Any]]:
    for model, by_set in answers.items():
        for entry in sets:
            given = by_set[entry.name, entry.language]
            if len(given) != len(entry.questions):
                raise UserError(f"{model}: {len(given)} answers to {len(entry.questions)} questions of {entry.name}")
            finishes = [answer.finish for answer in given]
            yield {
                "model": model,
                "set": entry.name,
                "language": entry.language,
                "questions": len(given),
                "cut": finishes.count("length"),
                "too_long": finishes.count("too_long"),
                "tokens": sum(answer.tokens for answer in given),
            }
