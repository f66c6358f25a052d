import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydistill.engine.planning.workload import Cluster, workload
from polydistill.planning.bill import Rent, bill
from polydistill.planning.text import figure, many, render, size
from polydistill.run_config import load_run
from tests.polydistill.planning.test_bill import RUNS


@pytest.mark.parametrize(
    ("count", "base", "text"),
    [(14e9, 1000, "14 GB"), (250e3, 1000, "250 KB"), (3.9e12, 1000, "3.9 TB"), (80 * 2**30, 1024, "80 GiB")],
)
def test_sizes(count, base, text):
    assert size(count, base) == text


@given(st.floats(1, 1e15), st.sampled_from([1000, 1024]))
def test_no_size_is_shown_as_nothing(count, base):
    shown, unit = size(count, base).split()
    assert float(shown.replace(",", "")) > 0 and float(shown.replace(",", "")) < 1024 * 1024 and unit.endswith("B")


def test_words():
    assert (many(1, "unit"), many(2000, "unit")) == ("1 unit", "2,000 units")
    assert (figure(0.0412), figure(12345.6)) == ("0.0412", "12,346")


@pytest.mark.parametrize("cluster", [Cluster(1, 1, 16, 64), Cluster(1, 0, 4, 16)])
def test_the_smallest_run_in_human_units(cluster):
    run = load_run(RUNS / "laptop.yaml", ["targets=[de]"])
    text = render(bill(run, Rent(cluster, "a10g"), workload(run, 10, chars=(20, 20))))
    assert "1 language =" in text and "in 1 unit," in text and "135M parameters" in text
    assert not re.search(r"(?<![\d.,])0\.0+\s?(B|[KMGT]i?B)\b", text)
    for step in ("synthesis", "training", "total"):
        assert re.search(rf"^{step} +\S+", text, re.MULTILINE)
