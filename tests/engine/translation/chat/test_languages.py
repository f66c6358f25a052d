"""Languages of the families, and what is said of the others before a run."""

import pytest

from polydistill.checks.models import translator
from polydistill.engine.errors import UserError
from polydistill.engine.languages import language_code
from polydistill.engine.translation.chat.languages import LANGUAGES, check_languages
from polydistill.run_config import RunConfig


def test_every_code_is_one_of_flores() -> None:
    for codes in LANGUAGES.values():
        assert all(language_code(code) == code for code in codes)
    assert len(LANGUAGES["xalma"]) == 50 and len(LANGUAGES["alma"]) == 6
    assert "chat" not in LANGUAGES


@pytest.mark.parametrize(
    ("family", "source", "targets", "message"),
    [
        ("tower", "eng_Latn", ["deu_Latn", "swh_Latn"], "not trained on Swahili \\(swh_Latn\\)"),
        ("hunyuan", "eng_Latn", ["azb_Arab"], "azb_Arab"),
        ("alma", "eng_Latn", ["zho_Hant"], "zho_Hant"),
        ("xalma", "deu_Latn", ["fra_Latn"], "from English and into English only"),
        ("translategemma", "quy_Latn", ["deu_Latn"], "quy_Latn"),
    ],
)
def test_a_direction_that_a_family_does_not_know(family, source, targets, message) -> None:
    with pytest.raises(UserError, match=message):
        check_languages(family, source, targets)


@pytest.mark.parametrize(
    ("family", "source", "targets"),
    [
        ("chat", "eng_Latn", ["quy_Latn"]),
        ("alma", "deu_Latn", ["eng_Latn", "deu_Latn"]),
        ("tower", "deu_Latn", ["fra_Latn"]),
        ("alma", "quy_Latn", ["quy_Latn"]),
    ],
)
def test_directions_that_are_known(family, source, targets) -> None:
    check_languages(family, source, targets)


def test_check_names_the_fallback_too_and_endpoints_are_no_exception() -> None:
    section = {"model": "Unbabel/TowerInstruct-7B-v0.2", "method": "chat", "endpoint": {"url": "http://a/v1"}}
    run = RunConfig.model_validate(
        {
            **{"output": "out", "prompts": {"path": "p.json"}, "targets": ["de", "sw"]},
            "translate": {**section, "fallback": {**section, "model": "haoranxu/ALMA-7B-R"}},
        }
    )
    assert [str(problem).split(":")[0] for problem in translator(run)] == [
        "translate.model",
        "translate.fallback.model",
    ]


def test_terms_of_languages_that_are_no_targets_are_noted() -> None:
    section = {"model": "m", "method": "chat", "endpoint": {"url": "http://a/v1"}}
    terms = {
        "glossary": {"fr": {"model": "modèle"}, "de": {"model": "Modell"}},
        "keep": {"default": ["X"], "ja": ["Y"]},
    }
    run = RunConfig.model_validate(
        {**{"output": "out", "prompts": {"path": "p.json"}, "targets": ["de"]}, "translate": section | terms}
    )
    found = translator(run)
    assert all(problem.note for problem in found)
    assert [str(problem) for problem in found] == [
        "translate.glossary: fra_Latn is no target of this run",
        "translate.keep: jpn_Jpan is no target of this run",
    ]
