"""MLQA: articles of the language do not count."""

import json
from pathlib import Path

from polydistill.eval.question import Answer
from tests.eval.tasks.reading import SQUAD, load, values


def test_mlqa(tmp_path: Path) -> None:
    (tmp_path / "test").mkdir()
    (tmp_path / "test/test-context-de-question-de.json").write_text(json.dumps(SQUAD), encoding="utf-8")
    questions = load(tmp_path, task="mlqa")["mlqa"]
    assert values(questions, [Answer("den Rhein")], task="mlqa") == {"f1": 100, "em": 100, "substring": 0}
