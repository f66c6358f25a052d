"""`parallel` and `leakage`: amounts that make sense."""

import pytest

from polydistill.engine.config import validate
from polydistill.engine.config.mixing import Leakage, Parallel
from polydistill.engine.errors import UserError


@pytest.mark.parametrize("rows", [0, None, {"mt": 5, "comp": 0}])
def test_rows_for_all_tasks_or_by_task(rows):
    assert validate(Parallel, {"path": "pairs", "rows": rows}, "test").rows == rows


@pytest.mark.parametrize("rows", [-1, {"mt": -1}, "many"])
def test_other_rows_are_refused(rows):
    with pytest.raises(UserError, match="parallel:\n  rows"):
        validate(Parallel, {"path": "pairs", "rows": rows}, "parallel")


@pytest.mark.parametrize("wrong", [{"ngram": 1}, {"overlap": 0}, {"overlap": 1.1}])
def test_a_guard_that_would_keep_nothing_or_everything(wrong):
    (key,) = wrong
    with pytest.raises(UserError, match=f"{key}: expected a"):
        validate(Leakage, {"against": ["a.json"]} | wrong, "leakage")
