"""Metrics as sums over rows, so that every one of them can be resampled.

A metric of a corpus is a function of sums of per-row statistics: an accuracy of (hits, 1), BLEU of the n-gram counts
and lengths. `Measure` keeps these statistics; `eval.scoring.bootstrap` draws intervals and comparisons from them.
All values are on a scale of 0 to 100.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np

Reduce = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Measure:
    """One metric of one model on one set of questions."""

    name: str  # accuracy, f1, bleu, ...
    ids: list[str]  # the questions that count, in order
    stats: np.ndarray  # float64 (questions, statistics)
    reduce: Reduce  # summed statistics (resamples, statistics) -> values (resamples,)
    rows: np.ndarray  # float64 (questions,): the metric of each question alone, for wins, losses and samples
    signature: str  # everything that decides the number, in sacreBLEU's manner
    higher_is_better: bool = True

    @property
    def value(self) -> float:
        """The metric over all questions; NaN where there are none."""
        return float(self.reduce(self.stats.sum(0, keepdims=True))[0]) if len(self.ids) else float("nan")


def mean(
    name: str, ids: Sequence[str], values: Sequence[float], signature: str = "", higher_is_better: bool = True
) -> Measure:
    """The mean over questions of values in 0..1, in percent."""
    rows = 100.0 * np.asarray(values, np.float64).reshape(-1)
    stats = np.stack([rows, np.ones_like(rows)], axis=1)
    return Measure(name, list(ids), stats, _ratio, rows, _signed("mean", len(rows), signature), higher_is_better)


def weighted_mean(
    name: str, ids: Sequence[str], values: Sequence[float], weights: Sequence[float], signature: str = ""
) -> Measure:
    """The weighted mean over questions of values in 0..1, in percent."""
    rows = 100.0 * np.asarray(values, np.float64).reshape(-1)
    weight = np.asarray(weights, np.float64).reshape(-1)
    stats = np.stack([rows * weight, weight], axis=1)
    return Measure(name, list(ids), stats, _ratio, rows, _signed("mean", len(rows), signature))


def _ratio(sums: np.ndarray) -> np.ndarray:
    return sums[:, 0] / sums[:, 1]


def _signed(kind: str, count: int, rest: str) -> str:
    return "|".join(part for part in (kind, f"n:{count}", rest) if part)


def bleu(ids: Sequence[str], hypotheses: Sequence[str], references: Sequence[str], tokenizer: str) -> Measure:
    """sacreBLEU's corpus BLEU (exponential smoothing, mixed case, one reference; Post 2018).

    `tokenizer` is a sacreBLEU tokenizer or the path of a sentencepiece model. The papers' "flores200" is the model
    that NLLB published; sacreBLEU fetches it once, `eval.scoring.sacrebleu_tokenizers` says how to do without a
    network.
    """
    from polydistill.eval.scoring.sacrebleu_tokenizers import bleu_metric

    metric = bleu_metric(tokenizer)
    # A lone sentence needs effective order, or one missing 4-gram makes it 0.
    single = bleu_metric(tokenizer, effective_order=True)
    rows = [single.sentence_score(h, [r]).score for h, r in zip(hypotheses, references)]
    return _sacrebleu("bleu", metric, ids, hypotheses, references, rows)


def chrf(ids: Sequence[str], hypotheses: Sequence[str], references: Sequence[str]) -> Measure:
    """sacreBLEU's chrF++ (Popović 2017): character 6-grams and word bigrams, beta 2."""
    from sacrebleu.metrics import CHRF

    metric = CHRF(word_order=2)
    rows = [metric.sentence_score(h, [r]).score for h, r in zip(hypotheses, references)]
    return _sacrebleu("chrf++", metric, ids, hypotheses, references, rows)


def _sacrebleu(
    name: str, metric: object, ids: Sequence[str], hypotheses: Sequence[str], references: Sequence[str], rows: list
) -> Measure:
    """sacreBLEU's own statistics per sentence, which its significance tests use in the same way."""
    if not ids:
        return Measure(name, [], np.zeros((0, 1)), _ratio, np.zeros(0), "n:0")
    stats = np.array(metric._extract_corpus_statistics(list(hypotheses), [list(references)]), np.float64)  # type: ignore[attr-defined]

    def reduce(sums: np.ndarray) -> np.ndarray:
        return np.array([metric._compute_score_from_stats(row).score for row in sums.tolist()])  # type: ignore[attr-defined]

    signature = f"n:{len(rows)}|{metric.get_signature()}"  # type: ignore[attr-defined]
    return Measure(name, list(ids), stats, reduce, np.asarray(rows, np.float64), signature)


def comet(ids: Sequence[str], scores: np.ndarray, model: str) -> Measure:
    """Mean COMET score x 100, as the papers print it. Rows that COMET could not score do not count (see n)."""
    scored = ~np.isnan(scores)
    kept = [identity for identity, is_scored in zip(ids, scored) if is_scored]
    return mean("comet", kept, scores[scored].astype(np.float64), f"model:{model}")


def rouge(ids: Sequence[str], hypotheses: Sequence[str], references: Sequence[str], language: str) -> list[Measure]:
    """ROUGE-1, ROUGE-2 and ROUGE-L F1 with words as `eval.scoring.rouge_words` cuts them."""
    from rouge_score.rouge_scorer import RougeScorer

    from polydistill.eval.scoring.rouge_words import Words

    words = Words(language)
    kinds = {"rouge1": "rouge1", "rouge2": "rouge2", "rougeL": "rougeL"}
    scorer = RougeScorer(list(kinds), tokenizer=words)
    scored = [scorer.score(reference, hypothesis) for hypothesis, reference in zip(hypotheses, references)]
    return [mean(kind, ids, [row[kind].fmeasure for row in scored], f"f1|{words.signature}") for kind in kinds]


def off_target(
    ids: Sequence[str],
    texts: Sequence[str],
    found: Sequence[str | None],
    accepted: Collection[str],
    wanted: str,
    who: str,
    suffix: str = "",
) -> Measure:
    """Share of answers in another language than the wanted one; an empty answer is in none, so it counts as well.

    `found` are the languages that the identifier `who` saw in `texts`, `accepted` those that it may mean by `wanted`.
    """
    wrong = [float(not text.strip() or language not in accepted) for text, language in zip(texts, found)]
    return mean(f"off_target{suffix}", ids, wrong, f"lid:{who}|want:{wanted}|empty:wrong", higher_is_better=False)
