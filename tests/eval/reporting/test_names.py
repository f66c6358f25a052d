"""Every metric of every benchmark has a name for people."""

import dataclasses

from polydistill.eval.benchmark import benchmark, names
from polydistill.eval.reporting.names import METRICS, metric_name, metric_title, set_title
from polydistill.eval.scores import Headline
from tests.eval.test_scores import RECORD


def test_every_headline_metric_has_a_name() -> None:
    assert {metric for name in names() for metric in benchmark(name).HEADLINE} <= METRICS.keys()


def test_headings_begin_with_a_capital_and_names_keep_theirs() -> None:
    assert metric_title("em") == "Exact match"
    assert metric_title("chrf++") == "ChrF++"
    assert metric_title("f1") == "F1" and metric_name("of_my_own") == "of_my_own"


def test_a_sets_heading_says_what_it_asks() -> None:
    column = Headline("belebele", "accuracy", "BELEBELE", "reading comprehension", "NLU")
    record = dataclasses.replace(RECORD, headlines=[column, Headline("x", "f1", "", "open questions", "")])
    assert set_title(record, "belebele") == "BELEBELE: reading comprehension"
    assert set_title(record, "x") == "Open questions" and set_title(record, "mkqa") == "mkqa"
