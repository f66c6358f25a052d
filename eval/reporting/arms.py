"""Averages over the runs of an arm, and tests between arms: Welch's t, effect sizes, Holm's correction.

The baseline is the first arm that has several runs.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from polydistill.eval.scores import ArmResult, Average, Effect, Headline, arm
from polydistill.eval.scoring.bootstrap import holm
from polydistill.eval.scoring.groups import hedges, welch

Cell = tuple[str, str, str]  # set, side, metric


def arms(averages: Sequence[Average], headlines: Sequence[Headline], confidence: float) -> list[ArmResult]:
    """One entry for each arm, set, side and metric, then the means over understanding (NLU) and generation (NLG)."""
    groups: dict[Cell, dict[str, list[Average]]] = defaultdict(lambda: defaultdict(list))
    for row in [*averages, *_kinds(averages, headlines)]:
        groups[row.set, row.side, row.metric][arm(row.model)].append(row)
    entries = [entry for by_arm in groups.values() for entry in _compared(by_arm, confidence)]
    shown = {(column.set, column.metric) for column in headlines} | {("NLU", "mean"), ("NLG", "mean")}
    for headline in (True, False):  # the tests of the summary are one family, those of all other metrics another
        family = [i for i, e in enumerate(entries) if e.effect and ((e.set, e.metric) in shown) == headline]
        raw = [effect.p for i in family if (effect := entries[i].effect)]
        for index, p in zip(family, holm(raw)):
            effect = entries[index].effect
            entries[index] = replace(entries[index], effect=effect and replace(effect, p_holm=p))
    return entries


def _kinds(averages: Sequence[Average], headlines: Sequence[Headline]) -> list[Average]:
    """Means over the first headline metric of the sets of a kind, where there are two or more.

    SDRRL's "NLU" and "NLG" (arXiv 2402.12204, table 6). Intervals are of independent sets: half widths add up squared.
    """
    first = {column.set: column for column in reversed(headlines) if column.kind}
    found = []
    groups: dict[tuple[str, str, str], list[Average]] = defaultdict(list)
    for row in averages:
        column = first.get(row.set)
        if column and row.metric == column.metric:
            groups[row.model, column.kind, row.side].append(row)
    for (model, kind, side), rows in groups.items():
        if len(rows) > 1:
            value = float(np.mean([row.value for row in rows]))
            down = float(np.sqrt(sum((row.value - row.low) ** 2 for row in rows))) / len(rows)
            up = float(np.sqrt(sum((row.high - row.value) ** 2 for row in rows))) / len(rows)
            languages = list(dict.fromkeys(code for row in rows for code in row.languages))
            found.append(Average(model, kind, side, "mean", value, value - down, value + up, languages, True))
    return found


def _compared(by_arm: Mapping[str, list[Average]], confidence: float) -> list[ArmResult]:
    baseline = next((key for key, rows in by_arm.items() if len(rows) > 1), None)
    entries = []
    for key, rows in by_arm.items():
        values = [row.value for row in rows]
        effect = None
        if baseline not in (None, key) and len(values) > 1 and not rows[0].metric.endswith("_gold"):
            effect = _effect(str(baseline), values, [row.value for row in by_arm[str(baseline)]], confidence)
        entries.append(
            ArmResult(
                arm=key,
                set=rows[0].set,
                side=rows[0].side,
                metric=rows[0].metric,
                runs=len(values),
                values=values,
                mean=float(np.mean(values)),
                sd=float(np.std(values, ddof=1)) if len(values) > 1 else None,
                low=float(np.mean([row.low for row in rows])),
                high=float(np.mean([row.high for row in rows])),
                languages=rows[0].languages,
                higher_is_better=rows[0].higher_is_better,
                effect=effect,
            )
        )
    return entries


def _effect(baseline: str, values: Sequence[float], base: Sequence[float], confidence: float) -> Effect:
    test = welch(values, base, confidence)
    size = hedges(values, base, confidence)
    g, low, high = size if size else (None, None, None)
    return Effect(baseline, test.difference, test.low, test.high, g, low, high, test.p, test.p)
