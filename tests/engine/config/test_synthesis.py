"""The whole section of a run."""

import pytest

from polydistill.engine.config import PromptSource, Synthesis, validate
from polydistill.engine.errors import UserError

MINIMAL = {
    "output": "out",
    "targets": ["de", "Japanese"],
    "prompts": {"path": "a.json"},
    "translate": {"model": "nllb"},
}


def test_languages_and_single_sections_are_normalized():
    run = validate(Synthesis, MINIMAL, "test")
    assert run.targets == ["deu_Latn", "jpn_Jpan"] and run.source == "eng_Latn"
    assert run.prompts == [PromptSource(path="a.json")]
    assert run.translate.beam == 4 and run.judge.quality is None


def test_targets_are_named_once():
    run = validate(Synthesis, MINIMAL | {"targets": ["de", "deu_Latn", "German"]}, "test")
    assert run.targets == ["deu_Latn"]


def test_without_a_translator_every_target_must_be_given():
    given = {"path": "a.json", "translations": {"de": {"path": "de.json"}}}
    run = validate(Synthesis, MINIMAL | {"translate": None, "targets": "de", "prompts": given}, "test")
    assert run.translate is None and list(run.prompts[0].translations) == ["deu_Latn"]
    with pytest.raises(UserError, match=r"a\.json has no translations into jpn_Jpan"):
        validate(Synthesis, MINIMAL | {"translate": None, "prompts": given}, "test")


def test_the_prompts_own_language_needs_no_translation():
    prompts = {"path": "a.json", "language": "de"}
    run = validate(Synthesis, MINIMAL | {"translate": None, "targets": "de", "prompts": prompts}, "test")
    assert run.prompts[0].language == "deu_Latn"
