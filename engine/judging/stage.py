"""Judging: language ID, rules and quality estimation of every hypothesis, cheapest test first, every score stored.

`JudgeStage` measures; `engine.judging.decision` decides, from stored scores and flags only. So the decision can be
taken again with other thresholds in no time, over a pool that took GPU hours.

Quality estimation, by far the most expensive test, runs on the texts that no other test has failed. For the rest
`quality` is null. Where thresholds are loosened later, such a text's reason is "unscored", never a silent pass.
"""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from polydistill.engine.config import Judge
from polydistill.engine.judging.decision import decide, with_reasons
from polydistill.engine.judging.distinct_texts import DistinctTexts, row_flags
from polydistill.engine.judging.groups import each_group
from polydistill.engine.judging.languages.language_id import load_language_id
from polydistill.engine.judging.quality.estimator import Estimator, load_estimator
from polydistill.engine.judging.quality.sentences import worst_sentences
from polydistill.engine.judging.rules.copied_runs import LEAST_WORDS, copied_runs
from polydistill.engine.judging.rules.language_tasks import language_tasks
from polydistill.engine.judging.rules.score_rules import for_targets
from polydistill.engine.judging.rules.text_rules import TEXT_RULES, Pairs, code_copies, measures, prose
from polydistill.engine.judging.verdicts import Columns, Verdicts
from polydistill.engine.schema import FIELDS, JUDGED, Flag
from polydistill.engine.text.profile import Profile, script_groups
from polydistill.engine.text.profile import profile as profile_texts

QUALITY_FLAGS = (Flag.QUALITY_ERROR, Flag.QUALITY_PARTIAL, Flag.QUALITY_SENTENCES)


class JudgeStage:
    """Judges translated tables. One instance holds one language-ID and one quality model."""

    def __init__(self, judge: Judge, device: str = "cpu", estimator: Estimator | None = None) -> None:
        """Load the models.

        Args:
            judge: the configuration.
            device: torch device of the quality model.
            estimator: used in place of the configured quality model.

        Raises:
            UserError: a model is not there or not usable.
        """
        self.judge = judge
        self.language_id = load_language_id(judge.language_id)
        self.estimator = estimator or load_estimator(judge, device)

    def __call__(self, table: pa.Table) -> pa.Table:
        """Judge a TRANSLATED table: the same rows in the same order, as JUDGED."""
        if not table.num_rows:
            return JUDGED.empty_table()
        keys = pc.binary_join_element_wise(table["target"], table["source"], " ")
        return each_group(table, keys, lambda rows, key: self._judge(rows, *key.split()))

    def _judge(self, table: pa.Table, target: str, source: str) -> pa.Table:
        """Judge rows of one target and one source language."""
        texts = DistinctTexts.of(table)
        profile = profile_texts(texts.distinct, script_groups(target))
        pairs = self._measure(texts, profile, target, source)
        task = _language_task(texts, profile, source)
        own = [row_flags(table, texts, profile, number) | task for number in range(len(FIELDS))]
        fields = _fields(texts, pairs, own)
        if self.judge.quality is not None:
            gate = self.judge.model_copy(update={"quality": None})
            passed = np.stack([field.present & (decide(field, target, gate) == "") for field in fields])
            pairs = self._estimate(texts, np.unique(texts.pair[passed]), pairs, target, source)
            fields = _fields(texts, pairs, own)
        for name, verdicts in zip(FIELDS, fields):
            table = table.append_column(f"scores_{name}", verdicts.pack())
        return with_reasons(table, dict(zip(FIELDS, fields)), self.judge)

    def _measure(self, texts: DistinctTexts, profile: Profile, target: str, source: str) -> Verdicts:
        """Scores and flags of the distinct pairs, quality apart."""
        pairs = Pairs.of(profile, texts.source, texts.hypothesis, target)
        flags: Columns = {name: rule(pairs, self.judge.rules) for name, rule in TEXT_RULES.items()}
        same = profile.literal[texts.source] == profile.literal[texts.hypothesis]
        copies = np.flatnonzero(same & (profile["letters"][texts.hypothesis] > 0))
        copied = texts.texts(texts.hypothesis[copies]).to_pylist()
        flags[Flag.CODE][copies] = code_copies(copied, source, self.judge.rules)
        scores = measures(pairs, self.judge.rules, flags[Flag.CODE])
        scores |= self._languages(texts, profile, flags[Flag.CODE], target, source)
        self._halves(texts, profile, scores, target, source)
        n = len(texts.source)
        scores["quality"] = np.full(n, np.nan, np.float32)
        flags |= {name: np.zeros(n, bool) for name in QUALITY_FLAGS}
        return Verdicts(scores, flags, np.ones(n, bool))

    def _languages(self, texts: DistinctTexts, profile: Profile, code: np.ndarray, target: str, source: str) -> Columns:
        """Language ID of the distinct pairs' hypotheses; null where there is too little to go by.

        For texts of a few words only the labels of source and target language count: such a text is easily taken for
        a kindred language. The same holds for targets that the model does not know. A copy of the source is
        identified however short it is.
        """
        limits = self.judge.rules
        letters = profile["letters"][texts.hypothesis]
        copy = (profile.literal[texts.source] == profile.literal[texts.hypothesis]) & (letters > 2)
        rows = np.flatnonzero(~code & ((letters >= limits.letters) | copy))
        hypotheses, where = np.unique(texts.hypothesis[rows], return_inverse=True)
        found = self.language_id.identify(texts.texts(hypotheses), target)
        language = np.array([*found.language, None], object)[where]
        sure = self.language_id.covers(target) & (letters[rows] >= limits.letters_other)
        counts = sure | (language == source) | (language == target)
        columns = {
            "language": language,
            "language_score": found.score[where],
            "target_share": found.target_share[where],
        }
        if not self.language_id.covers(target):
            columns["target_share"] = np.full(len(rows), np.nan, np.float32)
        scores: Columns = {}
        for name, column in columns.items():
            scores[name] = np.full(len(letters), None if column.dtype == object else np.nan, column.dtype)
            scores[name][rows[counts]] = column[counts]
        return scores

    def _halves(self, texts: DistinctTexts, profile: Profile, scores: Columns, target: str, source: str) -> None:
        """Lower `target_share` in place where stretches copied from the source are in the source language."""
        if source == target:
            return
        least = float(for_targets(self.judge.rules.target_share, np.array([target], object)).reshape(-1)[0])
        with np.errstate(invalid="ignore"):
            copied_words = scores["copied"] * np.diff(profile.word_ends)[texts.hypothesis]
            found = (
                (scores["copied"] > 1 - least) & ~(scores["target_share"] < least) & (copied_words > LEAST_WORDS - 1)
            )
        rows = np.flatnonzero(found & ~np.isnan(scores["length_ratio"]))
        pairs = zip(texts.texts(texts.source[rows]).to_pylist(), texts.texts(texts.hypothesis[rows]).to_pylist())
        for row, (original, hypothesis) in zip(rows, pairs):
            text, share = copied_runs(original, hypothesis)
            if text:  # few texts come here: only they are cut into prose and code
                text, share = copied_runs(original, prose(hypothesis, target))
            if text and self.language_id.best(text) == source:
                scores["target_share"][row] = np.fmin(scores["target_share"][row], 1 - share)

    def _estimate(self, texts: DistinctTexts, rows: np.ndarray, pairs: Verdicts, target: str, source: str) -> Verdicts:
        """The pairs' verdicts with the quality of `rows`; a text that the model cannot score is flagged, not low."""
        if not len(rows) or self.estimator is None:
            return pairs
        sources = texts.texts(texts.source[rows]).to_pylist()
        hypotheses = texts.texts(texts.hypothesis[rows]).to_pylist()
        values = self.estimator.score(sources, hypotheses)
        quality = pairs.scores["quality"].copy()
        quality[rows] = values
        error, partial, raised = (np.zeros(len(pairs), bool) for _ in range(3))
        error[rows], partial[rows] = np.isnan(values), self.estimator.overlong(sources, hypotheses)
        if self.judge.quality is not None and self.judge.quality.sentences:
            low = np.flatnonzero(values < for_targets(self.judge.quality.threshold, np.array([target], object)))
            again = [(sources[row], hypotheses[row]) for row in low]
            worst = worst_sentences(self.estimator, again, source, target)
            raised[rows[low]] = worst > values[low]
            quality[rows[low]] = np.fmax(worst, values[low])
        flags = pairs.flags | {Flag.QUALITY_ERROR: error, Flag.QUALITY_PARTIAL: partial}
        flags |= {Flag.QUALITY_SENTENCES: raised}
        return replace(pairs, scores=pairs.scores | {"quality": quality}, flags=flags)


def _language_task(texts: DistinctTexts, profile: Profile, source: str) -> Columns:
    """The flag of rows whose instruction asks for what does not survive translation; it holds for all their fields."""
    distinct, where = np.unique(texts.cells[FIELDS.index("instruction"), 0], return_inverse=True)
    found = language_tasks(texts.distinct, profile, distinct, source)
    return {Flag.LANGUAGE_TASK: np.any(list(found.values()), axis=0)[where]}


def _fields(texts: DistinctTexts, pairs: Verdicts, own: list[Columns]) -> list[Verdicts]:
    """The verdicts of each field's rows, from those of the distinct pairs and the rows' own flags."""
    return [pairs.spread(texts.pair[i], texts.active[i]).with_flags(flags) for i, flags in enumerate(own)]
