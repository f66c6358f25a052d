"""MGSM: numbers as people of the language write them."""

from pathlib import Path

import pytest

from polydistill.engine.languages import language_code
from polydistill.eval.question import Answer
from tests.eval.tasks.reading import gold, load, values


def test_mgsm_and_its_examples(tmp_path: Path) -> None:
    (tmp_path / "mgsm_de.tsv").write_text("Wie viel?\t1,000\nWie lang?\t-3\n", encoding="utf-8")
    (tmp_path / "exemplars.py").write_text(
        'import os\nMGSM_EXEMPLARS = {"de": {"1": {"q": "Frage: Was ist 1+1?", "a": "Schritt: Das ist 2."}}}\n'
    )
    questions = load(tmp_path, task="mgsm")["mgsm"]
    assert values(questions, [Answer("Also 1.000 Euro."), Answer("Es sind −3 m.")], task="mgsm") == {"accuracy": 100}
    assert values(questions, [Answer("1"), Answer("3")], task="mgsm") == {"accuracy": 0}
    (shot,) = load(tmp_path, split="exemplars", task="mgsm")["mgsm"]
    assert (shot.input, shot.gold) == ("Was ist 1+1?", ("Das ist 2.",))


@pytest.mark.data
@pytest.mark.parametrize("language", ["bn", "de", "en", "es", "fr", "ja", "ru", "sw", "te", "th", "zh"])
def test_the_real_set_gives_all_to_gold_and_nothing_to_silence(data: Path, language: str) -> None:
    questions = load(data / "mgsm", language_code(language), task="mgsm")["mgsm"]
    assert len(questions) == 250
    assert set(values(questions, [gold(q) for q in questions], task="mgsm").values()) == {100.0}
    assert set(values(questions, [Answer()] * len(questions), task="mgsm").values()) == {0.0}
