"""The parallel examples that show a language model its task: eight pairs for each direction, and for each field.

    eng_Latn-deu_Latn.tsv           source TAB target, a pair a line; serves both directions
    eng_Latn-deu_Latn.truth.jsonl   {"source": ..., "target": ...} a line, for texts with line breaks

A file that names a field (instruction, input, truth, self) is for this field alone. The student's answers (`self`)
take those of `truth`. Self-Translate-Train takes its examples from the task's own training data, field by field
(arXiv 2407.00454, section 4.1).
"""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from polydistill.engine.config import Translator
from polydistill.engine.errors import UserError
from polydistill.engine.schema import FIELDS
from polydistill.engine.translation.marked_answers import read

COUNT = 8
Pair = tuple[str, str]  # source, target


class Shots:
    """The examples in a folder."""

    def __init__(self, folder: str) -> None:
        """Nothing is read yet."""
        self._folder = Path(folder)
        self.pairs = cache(self._pairs)

    def kind(self, field: str) -> str:
        """The field whose examples a field takes: its own, for `self` those of `truth`; "" for the general ones."""
        for name in (field, "truth") if field == "self" else (field,):
            if any(path.suffix in _READERS for path in self._folder.glob(f"*-*.{name}.*")):
                return name
        return ""

    def _pairs(self, kind: str, source: str, target: str) -> list[Pair]:
        """Eight pairs of a direction.

        Args:
            kind: see `kind`. A direction without such a file takes the general one.
            source, target: FLORES-200 codes.

        Raises:
            UserError: there is no file, it cannot be read, or it holds fewer than eight pairs.
        """
        for stem in [f".{kind}", ""] if kind else [""]:
            for first, second in ((source, target), (target, source)):
                for suffix, reader in _READERS.items():
                    path = self._folder / f"{first}-{second}{stem}{suffix}"
                    if path.is_file():
                        pairs = _first(path, reader(path))
                        return pairs if first == source else [(other, own) for own, other in pairs]
        named = f"{source}-{target}.{kind}.tsv or {source}-{target}.tsv" if kind else f"{source}-{target}.tsv"
        raise UserError(
            f"translate.examples: {self._folder} has no {named} (or .jsonl). Self-translation needs eight example "
            "pairs for each direction, one 'source TAB target' a line"
        )


def check_shots(config: Translator, marked: bool, sources: Sequence[str], targets: Sequence[str]) -> None:
    """Look for the examples of every direction and field before anything is started.

    Args:
        config: a translator of method `self`.
        marked: whether answers travel in their inputs (`translate.mark_answers`).
        sources, targets: FLORES-200 codes.

    Raises:
        UserError: see `Shots`. Or inputs will have marked answers, and no example shows what becomes of the marks.
    """
    shots = Shots(config.examples or "")
    for source in sources:
        for target in targets:
            if source == target:
                continue
            for field in FIELDS:
                pairs = shots.pairs(shots.kind(field), source, target)
                if marked and field == "input" and not any(read(a) and read(b) for a, b in pairs):
                    raise UserError(
                        "translate.examples: with `mark_answers`, at least one of the eight pairs for inputs, "
                        f"{source} to {target}, needs <answer>...</answer> around an answer on both sides. Write them "
                        f"to {source}-{target}.input.tsv"
                    )


def _first(path: Path, pairs: list[Pair]) -> list[Pair]:
    whole = [pair for pair in pairs if all(pair)]
    if len(whole) < COUNT:
        raise UserError(f"translate.examples: {path} has {len(whole)} pairs, self-translation needs {COUNT}")
    return whole[:COUNT]


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"translate.examples: {path} cannot be read ({error})") from error


def _tsv(path: Path) -> list[Pair]:
    cells = [line.split("\t") for line in _lines(path)]
    return [(one[0].strip(), one[1].strip()) for one in cells if len(one) == 2]


def _jsonl(path: Path) -> list[Pair]:
    try:
        rows = [json.loads(line) for line in _lines(path) if line.strip()]
        return [(row["source"].strip(), row["target"].strip()) for row in rows]
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise UserError(f'translate.examples: {path}: expected {{"source": ..., "target": ...}} a line') from error


_READERS = {".jsonl": _jsonl, ".tsv": _tsv}
