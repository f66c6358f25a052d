"""Plain texts through a real (tiny) translation model: one translation each, spans unchanged."""

from pathlib import Path

import pytest

from polydistill.engine.errors import UserError
from polydistill.engine.translation.texts import Translation, translate_texts


@pytest.fixture
def options(nllb: Path, conversions: str, monkeypatch: pytest.MonkeyPatch) -> dict:
    monkeypatch.setenv("POLYDISTILL_CACHE", conversions)
    return {"model": str(nllb), "max_output_tokens": 12, "beam": 1}


def test_one_translation_for_each_text_in_order(options: dict) -> None:
    code = "```\nx = 1\n```"
    made = translate_texts(["The cat sat.", code, "", "The cat sat."], "German", options)
    assert [isinstance(one, Translation) for one in made] == [True] * 4
    assert made[0] == made[3] and made[0].text  # a model that has learnt nothing says something
    assert made[1] == Translation(code, ()) and not made[2].text and made[2].notes == ()
    assert translate_texts([], "de", options) == []


@pytest.mark.parametrize(
    ("target", "section", "message"),
    [
        ("Klingon", {}, "Klingon"),
        ("de", {"model": "/nowhere/model"}, "/nowhere/model"),
        ("fr", {}, "fra_Latn"),
        ("de", {"beems": 2}, r"translate:\n  beems: unknown key"),
    ],
)
def test_mistakes_are_sentences(target: str, section: dict, message: str, options: dict) -> None:
    with pytest.raises(UserError, match=message):
        translate_texts(["The cat sat."], target, options | section)
