"""Every module and every name of the package that docs, docstrings and comments mention exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("engine", "trainer", "eval", "polydistill", "benchmarks", "docs", "tests")
FILES = sorted(
    [ROOT / "README.md"]
    + [file for folder in FOLDERS for end in ("py", "md") for file in (ROOT / folder).rglob(f"*.{end}")]
)
# Between back-ticks: `engine.text.profile`, `polydistill.engine.schema.FIELDS`, `eval.tasks`.
NAME = re.compile(r"`(?:polydistill\.)?((?:engine|trainer|eval)(?:\.\w+)+)(?:\(\))?`")
# engine/text/profile.py
PATH = re.compile(r"(?<![\w./-])((?:engine|trainer|eval|benchmarks|tests|polydistill)/[\w/]+\.py)\b")


def exists(name: str) -> bool:
    """Whether `name` is a module of the package, or something that a module defines; found without importing it."""
    parts = name.split(".")
    for size in range(len(parts), 0, -1):
        base = ROOT.joinpath(*parts[:size])
        file = base.with_suffix(".py") if base.with_suffix(".py").is_file() else base / "__init__.py"
        if not file.is_file():
            continue
        rest = parts[size:]
        text = file.read_text(encoding="utf-8")
        return all(re.search(rf"^\s*(?:(?:async )?def |class )?{part}\b", text, re.MULTILINE) for part in rest)
    return False


def configuration(name: str) -> bool:
    """Whether this is a key of the `eval:` section, which looks like a module of the folder eval."""
    from polydistill.eval.config import Eval

    section, *keys = name.split(".")
    return section == "eval" and keys[0] in Eval.model_fields


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_names_resolve(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    unknown = {name for name in NAME.findall(text) if not exists(name) and not configuration(name)}
    assert not unknown
    roots = (ROOT, ROOT / "tests")
    assert not {path for path in PATH.findall(text) if not any((root / path).exists() for root in roots)}


def test_the_check_can_fail() -> None:
    assert exists("engine.schema.FIELDS") and exists("engine.judging.decision.decide")
    assert not exists("engine.judge") and not exists("engine.schema.NOTHING")
