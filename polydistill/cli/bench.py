"""`polydistill bench`: measure the claims of the README's performance table on this machine."""

import importlib
import importlib.util
import json
import multiprocessing
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from polydistill.engine.errors import UserError

PACKAGE = "benchmarks"
GPU = "gpu"
"""The acceptance checks: they pass or fail, and are no ratios. `all` leaves them out."""


def command(
    name: Annotated[str, typer.Argument(help="A benchmark's name, `all`, or `list` to see what there is")],
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the rows to this file")] = None,
    compare: Annotated[Path | None, typer.Option(help="Also show the ratios of an earlier --json file")] = None,
    only: Annotated[str | None, typer.Option(help="With `gpu`: these checks alone, e.g. --only stream,speed")] = None,
) -> None:
    """Measure the engine versus the raw libraries: ratios, their spread, and what they were measured on.

    Each ratio is the median over pairs that ran one after the other on this machine. Exit code 1 where a benchmark
    fails. A missed goal is shown and does not fail.

    `gpu` is the acceptance test of a GPU machine: each check passes, fails or says why it was skipped. All of them take
    less than half an hour on one card. Exit code 1 where a check fails.
    """
    _find()
    if name == GPU:
        from benchmarks.gpu.report import accept

        if not accept(only, json_file):
            raise typer.Exit(1)
        return
    if only is not None:
        raise UserError(f"--only names checks of `polydistill bench {GPU}`. Leave it out for '{name}'")
    known = benchmarks()
    if name == "list":
        for each, claim in known.items():
            print(f"{each:12} {claim}")
        print(f"{GPU:12} acceptance checks of a GPU machine: PASS, FAIL or SKIP with figures (not part of `all`)")
        return
    if name != "all" and name not in known:
        raise UserError(f"no benchmark '{name}' (there are: {', '.join(known)}, {GPU}; `all` runs every one)")
    before = _read(compare) if compare else {}
    rows, failed = measure(list(known) if name == "all" else [name])
    print(table(rows, before))
    if json_file is not None:
        json_file.parent.mkdir(parents=True, exist_ok=True)
        json_file.write_text(
            json.dumps([asdict(row) for row in rows], indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
        )
    if failed:
        print("failed: " + "; ".join(f"{each} ({why})" for each, why in failed.items()), file=sys.stderr)
        raise typer.Exit(1)


def benchmarks() -> dict[str, str]:
    """Names of the benchmarks (modules with a function `run`) and their claims: the first lines of their docstrings.

    They are read and not imported, which would bring torch and more.
    """
    import ast

    package = importlib.import_module(PACKAGE)
    found = {}
    for file in sorted(path for folder in package.__path__ for path in Path(folder).glob("*.py")):
        module = ast.parse(file.read_text(encoding="utf-8"))
        if any(isinstance(item, ast.FunctionDef) and item.name == "run" for item in module.body):
            found[file.stem] = (ast.get_docstring(module) or "").partition("\n")[0]
    return found


def _find() -> None:
    """Make the repository's folder of benchmarks importable, also in the processes that they start.

    Raises:
        UserError: this is an installed package, which has none.
    """
    if importlib.util.find_spec(PACKAGE):
        return
    root = Path(__file__).resolve().parents[2]
    if not (root / PACKAGE / "__init__.py").is_file():
        raise UserError(
            f"benchmarks are not part of the installed package (there is no {root / PACKAGE}). Get the repository, and "
            "install it from there: pip install -e ."
        )
    sys.path.insert(0, str(root))
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(root), os.environ.get("PYTHONPATH")]))


@dataclass(frozen=True)
class Median:
    """Medians of the figures behind a ratio."""

    ours: float
    reference: float
    unit: str


@dataclass(frozen=True)
class Signature:
    """What a ratio was measured on."""

    settings: dict[str, object]
    versions: dict[str, str]
    hardware: dict[str, object]


@dataclass(frozen=True)
class Row:
    """One measurement, see `benchmarks.common`."""

    benchmark: str
    claim: str
    ratio: float
    reference: str
    goal: float
    at_most: bool
    met: bool
    median: Median
    spread: tuple[float, float]
    signature: Signature


@dataclass(frozen=True)
class Earlier:
    """What is compared of an earlier measurement."""

    ratio: float
    spread: tuple[float, float]


def measure(names: list[str]) -> tuple[list[Row], dict[str, str]]:
    """Run benchmarks one after the other; one that fails is named with its error, the others still run.

    Each has a process of its own: they set threads, environment and Ray's settings, which would change the next one's.
    """
    rows: list[Row] = []
    failed: dict[str, str] = {}
    for name in names:
        start = time.monotonic()
        print(f"{name} ...", end=" ", file=sys.stderr, flush=True)
        try:
            with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as own:
                rows += own.submit(_run, PACKAGE, name).result()
        except Exception as error:
            failed[name] = f"{type(error).__name__}: {error}"
        print(f"{time.monotonic() - start:.0f}s{' FAILED' if name in failed else ''}", file=sys.stderr)
    return rows, failed


def _run(package: str, name: str) -> list[Row]:
    from pydantic import TypeAdapter

    rows = importlib.import_module(f"{package}.{name}").run()
    return [TypeAdapter(Row).validate_python({"benchmark": name, **row}) for row in rows]


def table(rows: list[Row], before: dict[tuple[str, str], Earlier]) -> str:
    """The rows as a Markdown table, then the hardware and versions behind them."""
    head = ["claim", "ratio", "spread", "goal", "met", "ours", "reference", "measured on"]
    lines = [head + (["earlier"] if before else [])]
    for row in rows:
        line = [
            row.claim,
            _figure(row.ratio),
            " – ".join(_figure(value) for value in row.spread),
            ("≤ " if row.at_most else "≥ ") + _figure(row.goal),
            "yes" if row.met else "NO",
            f"{_figure(row.median.ours)} {row.median.unit}",
            f"{row.reference}: {_figure(row.median.reference)}",
            ", ".join(f"{key} {value}" for key, value in row.signature.settings.items()),
        ]
        if before:
            earlier = before.get((row.benchmark, row.claim))
            line.append(_change(row, earlier) if earlier else "new")
        lines.append(line)
    lines.insert(1, ["---"] * len(lines[0]))
    text = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    machines = {json.dumps(row.signature.hardware) for row in rows}
    versions = {f"{name} {version}" for row in rows for name, version in row.signature.versions.items()}
    return "\n".join([text, "", *(f"Hardware: {machine}" for machine in sorted(machines)), ", ".join(sorted(versions))])


def _change(row: Row, earlier: Earlier) -> str:
    """The earlier ratio, and whether the difference is outside both spreads."""
    (low, high), (old_low, old_high) = row.spread, earlier.spread
    word = "higher" if low > old_high else "lower" if high < old_low else "within noise"
    return f"{_figure(earlier.ratio)} ({word})"


def _read(path: Path) -> dict[tuple[str, str], Earlier]:
    from pydantic import TypeAdapter

    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        known = TypeAdapter(Earlier)
        return {(row["benchmark"], row["claim"]): known.validate_python(row) for row in rows}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path}: no file that `polydistill bench --json` wrote ({error})") from error


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
