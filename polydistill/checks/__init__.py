"""What is wrong with a run, found before anything expensive: all problems at once, within seconds, without Ray."""

from polydistill.checks.check import STEPS, announce, check, refuse, require
from polydistill.checks.problem import Problem

__all__ = ["STEPS", "Problem", "announce", "check", "refuse", "require"]
