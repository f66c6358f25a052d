"""What a check is, and what comes out of it."""

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Verdict = Literal["PASS", "FAIL", "SKIP"]


@dataclass(frozen=True)
class Figure:
    """One measured number, with the limits that it must keep. A figure without limits is for information."""

    name: str
    value: float
    unit: str = ""
    at_most: float | None = None
    at_least: float | None = None

    @property
    def met(self) -> bool:
        """Whether the value keeps its limits. A value that is not a number keeps none."""
        low = self.at_least is None or self.value >= self.at_least
        return low and (self.at_most is None or self.value <= self.at_most)

    def __str__(self) -> str:
        limits = [f"≥ {self.at_least:g}"] if self.at_least is not None else []
        limits += [f"≤ {self.at_most:g}"] if self.at_most is not None else []
        value = f"{self.value:,.0f}" if abs(self.value) >= 1000 else f"{self.value:.3g}"
        text = f"{self.name} {value}{' ' + self.unit if self.unit else ''}"
        return text + (f" ({', '.join(limits)})" if limits else "")


class SkippedError(Exception):
    """This check cannot run here. The message says why."""


Work = Callable[[Path], Sequence[Figure]]
"""Measures in an empty folder of its own. Raises `SkippedError` where it cannot, anything else where it fails."""


@dataclass(frozen=True)
class Check:
    """A check by name, and what it needs. Its function is imported in its own process only."""

    name: str
    claim: str
    function: str  # "module:function", a `Work`
    seconds: int  # that it may take on a GPU machine
    gpus: int = 0  # that it needs

    def load(self) -> Work:
        """The function."""
        module, _, name = self.function.partition(":")
        work: Work = getattr(importlib.import_module(module), name)
        return work


@dataclass(frozen=True)
class Outcome:
    """What came out of one check."""

    name: str
    verdict: Verdict
    figures: tuple[Figure, ...] = ()
    reason: str = ""  # why it was skipped or has failed
    seconds: float = 0.0
    format: int = 1

    @classmethod
    def of(cls, name: str, figures: Sequence[Figure]) -> "Outcome":
        """PASS where every figure keeps its limits, else FAIL with those that do not."""
        missed = [str(figure) for figure in figures if not figure.met]
        if not figures:
            return cls(name, "FAIL", reason="it has measured nothing")
        return cls(name, "FAIL" if missed else "PASS", tuple(figures), "; ".join(missed))
