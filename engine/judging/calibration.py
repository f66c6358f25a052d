"""How well the judge agrees with people: on translations that people have scored.

Labeled data come in MLQE-PE's format (TSV with the columns original, translation, mean; human scores 0..100; Fomicheva
et al. 2020, arXiv 2010.04480), one file for each language pair, named like en-de-dev.tsv.gz.
"""

import csv
import gzip
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from polydistill.engine.config import Judge
from polydistill.engine.errors import UserError
from polydistill.engine.judging.decision import reasons
from polydistill.engine.judging.pairs import translated_table
from polydistill.engine.judging.stage import JudgeStage
from polydistill.engine.judging.verdicts import NUMBERS, Verdicts
from polydistill.engine.languages import language_code


@dataclass(frozen=True)
class Labeled:
    """Translations of one language pair with human scores."""

    name: str
    source: str  # FLORES-200 code
    target: str
    originals: list[str]
    translations: list[str]
    human: np.ndarray  # float64 (n,)


def read(path: Path, source: str | None = None, target: str | None = None) -> Labeled:
    """Read one file; languages come from its name where not given.

    Raises:
        UserError: unreadable, a column or number is missing, or the languages cannot be told.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file")
    named = re.match(r"([a-z]{2,3}(?:_[A-Z][a-z]{3})?)-([a-z]{2,3}(?:_[A-Z][a-z]{3})?)\b", path.name)
    if not named and not (source and target):
        raise UserError(f"{path}: its languages are not in its name (like en-de-dev.tsv). Give --source and --target")
    opened = gzip.open if path.suffix == ".gz" else open
    originals, translations, human = [], [], []
    try:
        with opened(path, "rt", encoding="utf-8", newline="") as file:
            for number, row in enumerate(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE), 2):
                try:
                    human.append(float(row["mean"]))
                    originals.append(row["original"])
                    translations.append(row["translation"])
                except (KeyError, TypeError, ValueError) as error:
                    raise UserError(
                        f"{path}:{number}: expected the columns original, translation, mean ({error!r})"
                    ) from error
    except (OSError, EOFError) as error:
        raise UserError(f"{path}: cannot be read ({error})") from error
    if not human:
        raise UserError(f"{path}: no rows")
    first, second = (named[1], named[2]) if named else ("", "")
    pair = language_code(source or first), language_code(target or second)
    return Labeled(path.name.split(".")[0], *pair, originals, translations, np.array(human))


def thorough(judge: Judge) -> Judge:
    """`judge` with no test passed over: quality is estimated on texts, too, that fail a rule as it is configured.

    So any thresholds can be tried on the stored scores, and the scores' correlations are those over all texts.
    """
    rules = {"drop": (), "length_ratio": (0.0, math.inf), "repetition": 1.0, "copied": 1.0, "script": 0.0}
    return judge.model_copy(
        update={"language_score": math.inf, "rules": judge.rules.model_copy(update=rules | {"target_share": 0.0})}
    )


def judged(data: Labeled, stage: JudgeStage) -> pa.Table:
    """The judge's POOL table of the translations: as instructions of rows that have nothing else."""
    return stage(translated_table(data.originals, data.translations, data.source, data.target))


def correlations(table: pa.Table, human: np.ndarray) -> dict[str, float]:
    """Spearman's rank correlation of each score with the human one; NaN where a score does not vary.

    The length ratio counts by its distance from 1, in logarithms, negated: nearer is better.
    """
    from scipy.stats import spearmanr

    scores = table["scores_instruction"].combine_chunks()
    found = {}
    for name in NUMBERS:
        values = scores.field(name).to_numpy(zero_copy_only=False).astype(float)
        if name == "length_ratio":
            with np.errstate(divide="ignore"):
                values = -np.abs(np.log(values))
        known = np.isfinite(values)
        varies = known.sum() > 2 and np.ptp(values[known]) > 0
        found[name] = float(spearmanr(values[known], human[known]).statistic) if varies else math.nan
    return found


@dataclass(frozen=True)
class Outcome:
    """What a set of thresholds drops, against what people found bad."""

    dropped: int
    bad: int
    both: int
    rows: int
    human_kept: float  # mean human score of what is kept, NaN where nothing is
    human_dropped: float

    @property
    def precision(self) -> float:
        """Share of the dropped that people found bad; NaN where nothing is dropped."""
        return self.both / self.dropped if self.dropped else math.nan

    @property
    def recall(self) -> float:
        """Share of what people found bad that is dropped; NaN where nothing is bad."""
        return self.both / self.bad if self.bad else math.nan


def outcomes(table: pa.Table, human: np.ndarray, judge: Judge, bad_below: float) -> dict[str, Outcome]:
    """Outcome of all tests together ("all") and of each reason that occurs, under `judge`'s thresholds."""
    chosen = np.array(reasons(table, judge)["reason_instruction"].to_pylist(), object)
    bad = human < bad_below
    given = sorted({reason for reason in chosen if reason is not None})
    groups = {"all": np.array([reason is not None for reason in chosen])} | {r: chosen == r for r in given}
    return {
        name: Outcome(
            int(hit.sum()), int(bad.sum()), int((hit & bad).sum()), len(human), _mean(human[~hit]), _mean(human[hit])
        )
        for name, hit in groups.items()
    }


@dataclass(frozen=True)
class Agreement:
    """How well the judge agrees with people on one file."""

    rows: int
    bad: int
    spearman: dict[str, float]  # score -> rank correlation with people, NaN where the score does not vary
    thresholds: dict[str, dict[str, Outcome]]  # name of a set of thresholds -> reason -> what it drops

    def values(self) -> dict[str, object]:
        """As JSON values."""
        groups = {
            name: {
                reason: {**vars(outcome), "precision": outcome.precision, "recall": outcome.recall}
                for reason, outcome in found.items()
            }
            for name, found in self.thresholds.items()
        }
        return vars(self) | {"thresholds": groups}


def agreement(data: Labeled, table: pa.Table, sets: Mapping[str, Judge], bad_below: float) -> Agreement:
    """Compare the judge with people on one file.

    Args:
        data: the translations with what people gave them.
        table: what `judged` returned for them.
        sets: thresholds to try, by name.
        bad_below: a human score below is a bad translation.
    """
    tried = {name: outcomes(table, data.human, judge, bad_below) for name, judge in sets.items()}
    bad = int(np.sum(data.human < bad_below))
    return Agreement(len(data.human), bad, correlations(table, data.human), tried)


LEAST = 10
"""Minimum number of good and of bad translations for proposing a language's threshold."""


@dataclass(frozen=True)
class Proposal:
    """A threshold of the quality score for one target language."""

    target: str
    threshold: float
    rows: int  # judged by people and scored
    good_kept: float  # share of the good translations at or above the threshold
    bad_dropped: float  # share of the bad translations below it


def propose(target: str, quality: np.ndarray, human: np.ndarray, bad_below: float) -> Proposal | None:
    """The threshold that tells good from bad best: it has the largest `good_kept + bad_dropped` (Youden 1950).

    Args:
        target: language of the translations.
        quality: float (n,), NaN where not scored.
        human: float (n,), what people gave the same translations.
        bad_below: a human score below is a bad translation.

    Returns:
        None where there are too few good or bad translations to tell (`LEAST`).
    """
    known = np.isfinite(quality)
    scores, bad = quality[known].astype(float), human[known] < bad_below
    if min(bad.sum(), (~bad).sum()) < LEAST:
        return None
    values = np.unique(scores)
    thresholds = np.append(values[0], (values[1:] + values[:-1]) / 2)
    dropped = np.searchsorted(np.sort(scores[bad]), thresholds) / bad.sum()
    kept = 1 - np.searchsorted(np.sort(scores[~bad]), thresholds) / (~bad).sum()
    best = int(np.argmax(dropped + kept))
    return Proposal(target, float(thresholds[best]), len(scores), float(kept[best]), float(dropped[best]))


def quality_of(table: pa.Table) -> np.ndarray:
    """The quality scores of what `judged` returned: float32 (n,), NaN where not scored."""
    return Verdicts.unpack(table["scores_instruction"]).scores["quality"]


def _mean(values: Sequence[float] | np.ndarray) -> float:
    return float(np.mean(values)) if len(values) else math.nan
