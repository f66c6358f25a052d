"""One format for all measurements: ours versus a reference, alternately, in one run on one machine.

A benchmark is a module `benchmarks/<name>.py`. Its docstring opens with the claim and what it is measured against; its
function `run() -> list[dict]` returns rows made by `paired`, `ratio` or `value`:

    claim       what is said to be so
    ratio       ours over the reference; for rates above 1 means faster. Median of the pairs' ratios
    reference   what ours is measured against
    goal, met   the ratio aimed at (`at_most` turns it round), and whether it was reached
    median      {"ours": ..., "reference": ..., "unit": ...}: medians of the figures behind the ratio
    spread      [lowest, highest] ratio of a pair
    signature   what it was measured on: amounts and settings, versions, hardware

Ratios carry from machine to machine better than rates do, and pairs that run one after the other share a busy
machine's noise; so a ratio of pairs is what is kept, with its spread, and rates are for information.
"""

import importlib.metadata
import multiprocessing
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from polydistill.engine.schema import GENERATED

Work = Callable[[], float | None]
"""Does the work once. Returns None (the call is timed as a whole) or the seconds that count."""


def paired(
    claim: str,
    ours: Work,
    reference: Work,
    *,
    against: str,
    goal: float,
    amount: float,
    unit: str,
    packages: Sequence[str] = (),
    repeats: int = 5,
    warm: bool = True,
    **settings: Any,
) -> dict[str, Any]:
    """Time `ours` and `reference` alternately (A B, B A, A B, ...) and compare their rates.

    Args:
        claim: what is measured, in a few words.
        ours, reference: the same work done twice; see `Work`.
        against: what the reference is.
        goal: ratio of rates that is aimed at.
        amount: how much work one call does, in units.
        unit: of the rates, e.g. "rows/s".
        packages: those with versions that matter here.
        repeats: pairs.
        warm: run both once before, untimed.
        settings: what else belongs into the signature (dtype, beam, batch, ...).
    """
    if warm:
        ours()
        reference()
    seconds: tuple[list[float], list[float]] = ([], [])
    for repeat in range(repeats):
        order = (0, 1) if repeat % 2 == 0 else (1, 0)
        for which in order:
            seconds[which].append(_timed((ours, reference)[which]))
    rates = [[amount / s for s in side] for side in seconds]
    return ratio(
        claim, rates[0], rates[1], against=against, goal=goal, unit=unit, packages=packages, amount=amount, **settings
    )


def ratio(
    claim: str,
    ours: Sequence[float],
    reference: Sequence[float],
    *,
    against: str,
    goal: float,
    unit: str,
    at_most: bool = False,
    packages: Sequence[str] = (),
    **settings: Any,
) -> dict[str, Any]:
    """A row from figures that were measured in pairs: `ours[i]` versus `reference[i]`."""
    ratios = [a / b for a, b in zip(ours, reference, strict=True)]
    median = statistics.median(ratios)
    return {
        "claim": claim,
        "ratio": median,
        "reference": against,
        "goal": goal,
        "at_most": at_most,
        "met": median <= goal if at_most else median >= goal,
        "median": {"ours": statistics.median(ours), "reference": statistics.median(reference), "unit": unit},
        "spread": [min(ratios), max(ratios)],
        "signature": signature(packages, pairs=len(ratios), **settings),
    }


def value(
    claim: str,
    figures: Sequence[float],
    *,
    goal: float,
    unit: str,
    at_most: bool = False,
    packages: Sequence[str] = (),
    **settings: Any,
) -> dict[str, Any]:
    """A row for a figure that is compared with a fixed goal (a fill, a share): its ratio is figure / goal."""
    row = ratio(
        claim,
        figures,
        [goal] * len(figures),
        against="the goal itself",
        goal=1.0,
        unit=unit,
        at_most=at_most,
        packages=packages,
        **settings,
    )
    return row | {"goal": goal, "median": {"ours": statistics.median(figures), "reference": goal, "unit": unit}}


def prompt_table(rows: Sequence[Mapping[str, str]], source: str) -> pa.Table:
    """GENERATED rows without answers of a student.

    Args:
        rows: Alpaca's keys: instruction, input, output.
        source: language of the rows.
    """
    columns = {field.name: pa.nulls(len(rows), field.type) for field in GENERATED}
    texts = {"id": [f"{number:016x}" for number in range(len(rows))]}
    texts |= {"source": [source] * len(rows), "origin": [""] * len(rows)}
    for name, key in (("instruction", "instruction"), ("input", "input"), ("truth", "output")):
        texts[name] = [row[key] for row in rows]
    return pa.table(columns | {name: pa.array(own, pa.string()) for name, own in texts.items()}, schema=GENERATED)


def seconds(work: Work) -> float:
    """Seconds that one call of `work` takes."""
    return _timed(work)


@contextmanager
def elsewhere(make: Callable[..., Work], *arguments: Any) -> Iterator[Work]:
    """The work that `make(*arguments)` returns, made and done in a process of its own, which sleeps between calls.

    For work that leaves traces in its process (a process group, DeepSpeed's hooks) which would change the reference.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there, make, arguments))
    process.start()
    there.close()  # so that `recv` fails, and does not wait for ever, where the process has died

    def work() -> float:
        here.send("go")
        return float(here.recv())

    try:
        yield work
    finally:
        here.close()
        process.join()


def _serve(pipe: Any, make: Callable[..., Work], arguments: tuple[Any, ...]) -> None:
    work = make(*arguments)
    while True:
        try:
            pipe.recv()
        except EOFError:
            return
        pipe.send(_timed(work))


def _timed(work: Work) -> float:
    start = time.perf_counter()
    measured = work()
    return time.perf_counter() - start if measured is None else float(measured)


def signature(packages: Sequence[str] = (), **settings: Any) -> dict[str, Any]:
    """What a figure was measured on: settings, versions (Python's, ours, those of `packages`), hardware."""
    versions = {name: importlib.metadata.version(name) for name in ("polydistill", *packages)}
    return {"settings": settings, "versions": {"python": platform.python_version(), **versions}, "hardware": hardware()}


def hardware() -> dict[str, Any]:
    """CPU model, the cores that this process may use, memory in GiB, threads asked for, GPUs by name."""
    import psutil

    found = {
        "cpu": _cpu_name(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "omp_threads": os.environ.get("OMP_NUM_THREADS"),
    }
    gpus = _gpu_names()
    return found | ({"gpus": gpus} if gpus else {})


def _cpu_name() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()


def _gpu_names() -> list[str]:
    from polydistill.engine.environment import has_gpu

    if not has_gpu():
        return []
    import torch

    return [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
