"""`polydistill bench`: measure the claims of the README's performance table on this machine."""

import importlib
import json
import multiprocessing
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Annotated, Any

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
        json_file.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
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


def measure(names: list[str]) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Run benchmarks one after the other; one that fails is named with its error, the others still run.

    Each has a process of its own: they set threads, environment and Ray's settings, which would change the next one's.
    """
    rows, failed = [], {}
    for name in names:
        start = time.monotonic()
        print(f"{name} ...", end=" ", file=sys.stderr, flush=True)
        try:
            with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as own:
                measured = own.submit(_run, f"{PACKAGE}.{name}").result()
        except Exception as error:
            failed[name] = f"{type(error).__name__}: {error}"
            measured = []
        rows += [{"benchmark": name, **row} for row in measured]
        print(f"{time.monotonic() - start:.0f}s{' FAILED' if name in failed else ''}", file=sys.stderr)
    return rows, failed


def _run(module: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = importlib.import_module(module).run()
    return rows


def table(rows: list[dict[str, Any]], before: dict[tuple[str, str], dict[str, Any]]) -> str:
    """The rows as a Markdown table, then the hardware and versions behind them."""
    head = ["claim", "ratio", "spread", "goal", "met", "ours", "reference", "measured on"]
    lines = [head + (["earlier"] if before else [])]
    for row in rows:
        median = row["median"]
        line = [
            row["claim"],
            _figure(row["ratio"]),
            " – ".join(_figure(value) for value in row["spread"]),
            ("≤ " if row["at_most"] else "≥ ") + _figure(row["goal"]),
            "yes" if row["met"] else "NO",
            f"{_figure(median['ours'])} {median['unit']}",
            f"{row['reference']}: {_figure(median['reference'])}",
            ", ".join(f"{key} {value}" for key, value in row["signature"]["settings"].items()),
        ]
        if before:
            earlier = before.get((row["benchmark"], row["claim"]))
            line.append(_change(row, earlier) if earlier else "new")
        lines.append(line)
    lines.insert(1, ["---"] * len(lines[0]))
    text = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    machines = {json.dumps(row["signature"]["hardware"]) for row in rows}
    versions = {f"{name} {version}" for row in rows for name, version in row["signature"]["versions"].items()}
    return "\n".join([text, "", *(f"Hardware: {machine}" for machine in sorted(machines)), ", ".join(sorted(versions))])


def _change(row: dict[str, Any], earlier: dict[str, Any]) -> str:
    """The earlier ratio, and whether the difference is outside both spreads."""
    (low, high), (old_low, old_high) = row["spread"], earlier["spread"]
    word = "higher" if low > old_high else "lower" if high < old_low else "within noise"
    return f"{_figure(earlier['ratio'])} ({word})"


def _read(path: Path) -> dict[tuple[str, str], dict[str, Any]]:
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        return {(row["benchmark"], row["claim"]): row for row in rows}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path}: no file that `polydistill bench --json` wrote ({error})") from error


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
