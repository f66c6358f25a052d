"""XQuAD: SQuAD's rules and the language's."""

import json
from pathlib import Path

import pytest

from polydistill.engine.languages import language_code
from polydistill.eval.question import Answer
from tests.eval.tasks.reading import SQUAD, gold, load, values


def test_xquad_by_both_rules(tmp_path: Path) -> None:
    (tmp_path / "xquad.de.json").write_text(json.dumps(SQUAD), encoding="utf-8")
    questions = load(tmp_path, task="xquad")["xquad"]
    found = values(questions, [Answer("Rhein.")], task="xquad")
    assert found == pytest.approx({"f1": 200 / 3, "em": 0, "f1_language": 100, "em_language": 100, "substring": 0})


@pytest.mark.data
@pytest.mark.parametrize("language", ["ar", "de", "el", "en", "es", "hi", "ro", "ru", "th", "tr", "vi", "zh"])
def test_the_real_set_gives_all_to_gold_and_nothing_to_silence(data: Path, language: str) -> None:
    questions = load(data / "xquad", language_code(language), task="xquad")["xquad"]
    assert len(questions) == 1190
    assert set(values(questions, [gold(q) for q in questions], task="xquad").values()) == {100.0}
    assert set(values(questions, [Answer()] * len(questions), task="xquad").values()) == {0.0}
