"""Imports of our own modules resolve, also those inside functions, which only some machines reach (GPUs, clusters)."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
FOLDERS = ("engine", "eval", "trainer", "polydistill", "benchmarks", "tests")
OURS = ("polydistill", "benchmarks", "tests")


def imports() -> Iterator[tuple[str, str]]:
    """Every imported module of ours, and the file and line that import it."""
    for path in (path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                if name.partition(".")[0] in OURS:
                    yield name, f"{path.relative_to(ROOT)}:{node.lineno}"


def test_every_imported_module_is_there() -> None:
    found = list(imports())
    places = {name: ROOT.joinpath(*name.split(".")) for name, _ in found}
    there = {name for name, place in places.items() if place.is_dir() or place.with_suffix(".py").is_file()}
    assert len(found) > 500
    assert [(name, where) for name, where in found if name not in there] == []
