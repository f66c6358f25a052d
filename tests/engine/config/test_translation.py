"""Translators: which settings go together."""

import pytest

from polydistill.engine.config import Translate, validate
from polydistill.engine.config.translation import Translator
from polydistill.engine.errors import UserError


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"method": "seq2seq", "beam": 2, "hypotheses": 3}, "3 hypotheses of a beam of 2"),
        ({"method": "chat", "hypotheses": 2}, "`chat` has one hypothesis"),
        ({"method": "self", "examples": "e", "endpoint": {"url": "http://h/v1"}}, "`self` takes no `endpoint`"),
        ({"method": "chat", "fields": {"truth": {}}}, "`chat` takes no `fields`"),
        ({"method": "self"}, "needs `examples`"),
    ],
)
def test_settings_that_do_not_go_together(settings, message):
    with pytest.raises(UserError, match=message):
        validate(Translator, {"model": "m"} | settings, "translate")


def test_the_second_translator_keeps_the_same_terms():
    translate = validate(
        Translate,
        {
            "model": "nllb",
            "keep": {"de": ["Polydistill"]},
            "glossary": {"de": {"bank": "Ufer"}},
            "fallback": {"model": "other", "beam": 2},
        },
        "translate",
    )
    assert translate.rescues and translate.second is not None
    assert (translate.second.model, translate.second.beam, translate.second.second) == ("other", 2, None)
    assert (translate.second.keep, translate.second.glossary) == (translate.keep, translate.glossary)
    assert not validate(Translate, {"model": "nllb"}, "translate").rescues


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"glossary": {"de": {"Bank": "Ufer", "bank": "Bank"}}}, "'Bank' and 'bank' are one term"),
        ({"keep": {"default": ["bank"]}, "glossary": {"de": {"Bank": "Ufer"}}}, "in `glossary` and in `keep`"),
        ({"keep": {"de": [" bank"]}}, "is no term"),
        ({"keep": {"de": ["--"]}}, "is no term"),
    ],
)
def test_terms_have_one_fate(settings, message):
    with pytest.raises(UserError, match=message):
        validate(Translate, {"model": "nllb"} | settings, "translate")
