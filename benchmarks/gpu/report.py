"""What came out of the checks, for the screen and for a file."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.common import hardware
from benchmarks.gpu.check import Outcome
from benchmarks.gpu.checks import CHECKS
from benchmarks.gpu.runner import run
from polydistill.engine.environment import has_gpu
from polydistill.engine.errors import UserError


def accept(only: str | None = None, json_file: Path | None = None) -> bool:
    """Run the checks named in `only` (comma-separated, default: all). Returns whether none has failed.

    Raises:
        UserError: no check has such a name.
    """
    known = {check.name: check for check in CHECKS}
    names = [name.strip() for name in only.split(",") if name.strip()] if only else list(known)
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise UserError(f"--only {only}: no check '{', '.join(unknown)}'; there are {', '.join(known)}")
    gpus = len(_gpus())
    outcomes = run([known[name] for name in names], gpus, lambda outcome: print(line(outcome), flush=True))
    print(total(outcomes))
    if json_file is not None:
        json_file.parent.mkdir(parents=True, exist_ok=True)
        json_file.write_text(text(outcomes), encoding="utf-8")
    return all(outcome.verdict != "FAIL" for outcome in outcomes)


def line(outcome: Outcome) -> str:
    """One line: verdict, name, seconds, then the reason or the figures."""
    figures = "; ".join(map(str, outcome.figures))
    said = f"{outcome.reason} | {figures}" if outcome.reason and figures else outcome.reason or figures
    return f"{outcome.verdict} {outcome.name:11} {outcome.seconds:5.0f} s  {said}"


def total(outcomes: Sequence[Outcome]) -> str:
    """How many checks passed, failed and were skipped."""
    counts = {verdict: sum(o.verdict == verdict for o in outcomes) for verdict in ("PASS", "FAIL", "SKIP")}
    return f"{counts['PASS']} passed, {counts['FAIL']} failed, {counts['SKIP']} skipped"


def text(outcomes: Sequence[Outcome]) -> str:
    """The outcomes as JSON, with the machine that they were measured on. What is not a number becomes null."""
    checks = [asdict(outcome) for outcome in outcomes]
    for check in checks:
        for figure in check["figures"]:
            figure["value"] = figure["value"] if abs(figure["value"]) < float("inf") else None
    return json.dumps({"hardware": hardware(), "checks": checks}, indent=1, ensure_ascii=False) + "\n"


def _gpus() -> list[int]:
    """Numbers of the GPUs that this process sees, counted in another one: CUDA is not started here."""
    if not has_gpu():
        return []
    import subprocess

    code = "import torch; print(torch.cuda.device_count())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    return list(range(int(done.stdout.strip() or 0))) if done.returncode == 0 else []
