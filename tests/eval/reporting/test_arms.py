"""Averages over runs, and the tests between arms."""

import numpy as np
import pytest
from scipy.stats import ttest_ind

from polydistill.eval.reporting.arms import arms
from polydistill.eval.scores import ArmResult, Average, Headline

HEADLINES = [Headline("belebele", "accuracy", "BELEBELE", "", "NLU"), Headline("xnli", "accuracy", "XNLI", "", "NLU")]
RUNS = {"base": [40.0], "sft": [50.0, 52.0, 51.0], "sdrrl": [60.0, 61.0, 65.0]}


def averages(set_: str, metric: str = "accuracy", shift: float = 0.0) -> list[Average]:
    runs = {f"{name}/seed{i}": value + shift for name, values in RUNS.items() for i, value in enumerate(values)}
    return [
        Average(model, set_, "target", metric, value, value - 3, value + 4, ["deu_Latn"], True)
        for model, value in runs.items()
    ]


def one(found: list[ArmResult], arm: str, set_: str = "belebele", metric: str = "accuracy") -> ArmResult:
    (entry,) = [entry for entry in found if (entry.arm, entry.set, entry.metric) == (arm, set_, metric)]
    return entry


def test_means_deviations_and_welchs_test() -> None:
    found = arms(averages("belebele"), HEADLINES, 0.95)
    sdrrl = one(found, "sdrrl")
    assert (sdrrl.runs, sdrrl.mean, sdrrl.low, sdrrl.high) == (3, 62.0, 59.0, 66.0)
    assert sdrrl.sd == pytest.approx(np.std(RUNS["sdrrl"], ddof=1)) and one(found, "base").sd is None
    assert sdrrl.effect and sdrrl.effect.against == "sft" and sdrrl.effect.difference == pytest.approx(11)
    assert sdrrl.effect.p == pytest.approx(ttest_ind(RUNS["sdrrl"], RUNS["sft"], equal_var=False).pvalue)
    assert one(found, "sft").effect is None and one(found, "base").effect is None  # the baseline, and a single run


def test_means_of_a_kind_are_over_two_sets_or_more() -> None:
    assert not [entry for entry in arms(averages("belebele"), HEADLINES, 0.95) if entry.set == "NLU"]
    both = arms([*averages("belebele"), *averages("xnli", shift=10)], HEADLINES, 0.95)
    base = one(both, "base", "NLU", "mean")
    assert base.mean == 45 and base.low == pytest.approx(45 - np.sqrt(18) / 2)
    assert base.high == pytest.approx(45 + np.sqrt(32) / 2)


def test_holm_corrects_the_summary_apart_from_all_other_metrics() -> None:
    rows = [*averages("belebele"), *averages("belebele", "accuracy_norm"), *averages("belebele", "f1")]
    found = arms(rows, HEADLINES, 0.95)
    alone, first, second = (one(found, "sdrrl", metric=metric).effect for metric in ("accuracy", "accuracy_norm", "f1"))
    assert alone and first and second
    assert alone.p_holm == alone.p  # the only test of the summary
    assert first.p_holm == second.p_holm == pytest.approx(min(1, 2 * first.p))


def test_the_error_on_gold_text_is_tested_against_nothing() -> None:
    assert (
        one(arms(averages("flores", "off_target_gold"), [], 0.95), "sdrrl", "flores", "off_target_gold").effect is None
    )
