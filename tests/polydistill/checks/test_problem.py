"""A problem names its key once, and collects what a user can put right only."""

import pytest

from polydistill.checks.problem import Problem, caught
from polydistill.engine.errors import DamagedError, UserError


def test_errors_for_users_are_collected_in_one_line() -> None:
    found: list[Problem] = []
    with caught("translate.model", found):
        raise UserError("translate.model: ./x:\n  no such\tfolder")
    with caught("prompts.path", found):
        raise DamagedError("rows.json: cut")
    with caught("recipe", found):
        pass
    assert [str(problem) for problem in found] == [
        "translate.model: ./x: no such folder",
        "prompts.path: rows.json: cut",
    ]
    assert not any(problem.note for problem in found)


def test_defects_are_not_hidden() -> None:
    found: list[Problem] = []
    with pytest.raises(KeyError), caught("recipe", found):
        raise KeyError("x")
    assert found == []
