"""Instructions of tasks, requests for a language, formats of questions."""

import pytest

from polydistill.engine.errors import UserError
from polydistill.engine.languages import get_language
from polydistill.engine.mixing.instructions import (
    COMPLETE,
    COMPLETE_POOL,
    FORMATS,
    NATIVE,
    TRANSLATE,
    TRANSLATE_POOL,
    ask,
    fields,
    question_format,
    templates,
)


def test_requests_for_a_language() -> None:
    assert ask("native", "ind_Latn") == "Tolong jawab dalam bahasa Indonesia."
    assert ask("Answer in {language}:", "jpn_Jpan") == "Answer in Japanese:"
    with pytest.raises(UserError, match="Ewe"):
        ask("native", "ewe_Latn")
    papers = "ces dan ukr bul fin hun nob ind jpn kor por slv vie pol khm tha deu rus zho eng fra ell hin tur arb"
    assert {code[:3] for code in NATIVE} >= set(papers.split())
    assert all(get_language(code).code == code for code in NATIVE)


def test_template_pool() -> None:
    assert len(set(TRANSLATE_POOL)) == len(TRANSLATE_POOL) >= 20
    assert all("target" in fields(text) and fields(text) <= {"source", "target"} for text in TRANSLATE_POOL)


def test_templates_of_completion_name_the_language_only() -> None:
    assert len(set(COMPLETE_POOL)) == len(COMPLETE_POOL)
    assert all(fields(text) <= {"language"} for text in COMPLETE_POOL)


def test_which_instructions_a_choice_means() -> None:
    assert templates(None, "translate") == [TRANSLATE] and templates(None, "complete") == [COMPLETE]
    assert templates("pool", "translate") == TRANSLATE_POOL and templates("pool", "complete") == COMPLETE_POOL
    assert templates("to {target}:", "translate") == ["to {target}:"]
    assert templates(["a", "b"], "complete") == ["a", "b"]


def test_formats_of_questions_hold_both_fields() -> None:
    assert all(fields(text) == {"instruction", "input"} for text in FORMATS.values())
    assert question_format("squad") == FORMATS["squad"] and question_format("{input}!") == "{input}!"
    with pytest.raises(ValueError, match="expected '}'"):
        fields("{input")
