"""Sentences of facts: every slot stands free, every form differs."""

import re

import pytest

from polydistill.tinyworld.facts import LANGUAGES, entities, facts
from polydistill.tinyworld.templates import CARRIERS, forms, say, tidy

ASKED = ("q1", "q2", "q3", "q4")
TOLD = ("own", "truth", "text1", "text2")


@pytest.mark.parametrize("family", sorted({f.family for f in facts()}))
@pytest.mark.parametrize("language", LANGUAGES)
def test_templates_hold_their_slots_standing_free(family, language):
    for form, text in vars(forms(family, language)).items():
        wanted = ["{x}"] if form in ASKED else ["{a}", "{x}"]
        assert sorted(re.findall(r"{.}", text)) == wanted, (form, text)
        assert not re.search(r"[^ ]{.}|{.}[^ ]", text), (form, text)
        assert text[-1] in "。？" if language == "jpn_Jpan" else text[-1] in ".?"
        assert text[-2] == " "


def test_forms_of_a_family_differ():
    for fact in facts()[:200]:
        for language in LANGUAGES:
            assert len({say(form, fact, language) for form in (*ASKED, *TOLD)}) == 8


def test_carriers_exist_for_every_kind_and_language():
    assert {e.split(":")[0] for e in entities()} == set(CARRIERS)
    assert all(set(carrier) == set(LANGUAGES) for group in CARRIERS.values() for carrier in group)


def test_tidy_text_reads_as_printed():
    fact = next(f for f in facts() if f.family == "currency" and f.subject == "territory:JP")
    assert tidy(say("own", fact, "eng_Latn")) == "The currency of Japan is called Japanese Yen."
    assert tidy(say("own", fact, "jpn_Jpan")) == "日本の通貨は日本円といいます。"
