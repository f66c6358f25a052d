"""One thing that is wrong with a configuration."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from polydistill.engine.errors import UserError


@dataclass(frozen=True)
class Problem:
    """A key whose value cannot work here."""

    key: str  # dotted, e.g. translate.model
    text: str  # the value, what is wrong with it, and what to write instead
    note: bool = False  # the run works all the same

    def __str__(self) -> str:
        return f"{self.key}: {self.text.removeprefix(f'{self.key}: ')}"


@contextmanager
def caught(key: str, problems: list[Problem]) -> Iterator[None]:
    """Add a `UserError` that is raised inside to `problems`, under `key`, which its message need not repeat."""
    try:
        yield
    except UserError as error:
        problems.append(Problem(key, " ".join(str(error).split()).removeprefix(f"{key}: ")))
