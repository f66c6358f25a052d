"""Terms with a fixed translation, through stand-ins that shout, lose marks, or do as they are told."""

from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from polydistill.engine.config import Translate
from polydistill.engine.schema import Note
from polydistill.engine.translation.chat.chat_translator import ChatTranslator, Written
from polydistill.engine.translation.chat.prompts import TOLD
from polydistill.engine.translation.stage import TranslateStage, terms_of
from polydistill.engine.translation.terms import NO_TERMS, Terms, has_term
from tests.engine.translation.stand_in import Each, identity

GLOSSARY = {"deu_Latn": {"machine learning": "maschinelles Lernen", "model": "Modell"}}
KEEP = {"default": ["GitHub"], "jpn_Jpan": ["Linux", "GitHub"]}


def settings(**changes: object) -> Translate:
    return Translate.model_validate({"model": "x", "glossary": GLOSSARY, "keep": KEEP, **changes})


def test_terms_stand_in_the_translation_whatever_the_model_does(table_of) -> None:
    shout = Each(str.upper)
    stage = TranslateStage(settings(), translator=shout)
    made = stage(
        table_of("Machine learning on GitHub needs a model with `x`.", "Linux models."), ["deu_Latn", "jpn_Jpan"]
    )
    assert made["mt_truth"].to_pylist() == [
        "Maschinelles Lernen ON GitHub NEEDS A Modell WITH `x`.",
        "LINUX MODELS.",
        "MACHINE LEARNING ON GitHub NEEDS A MODEL WITH `x`.",
        "Linux MODELS.",
    ]
    assert ("[2] on [3] needs a [4] with [1].", "eng_Latn", "deu_Latn") in shout.asked
    assert all(notes == [] for notes in made["notes_truth"].to_pylist())


def test_a_lost_mark_costs_no_term(table_of) -> None:
    forgets = Each(lambda sentence: sentence.replace("[1]", "").upper())
    made = TranslateStage(settings(), translator=forgets)(table_of("We use machine learning here."), ["deu_Latn"])
    assert made["mt_truth"].to_pylist() == ["WE USE maschinelles Lernen HERE."]
    assert made["notes_truth"].to_pylist() == [["span_split"]]


def test_a_text_of_terms_alone_asks_no_model(table_of) -> None:
    shout = Each(str.upper)
    made = TranslateStage(settings(), translator=shout)(table_of("Machine learning!"), ["deu_Latn"])
    assert made["mt_truth"].to_pylist() == ["Maschinelles Lernen!"]
    assert all("[1]" not in sentence for sentence, _, _ in shout.asked)


def test_texts_in_the_target_language_keep_their_words(table_of) -> None:
    table = table_of("The model.")
    german = table.set_column(table.schema.get_field_index("source"), "source", pa.array(["deu_Latn"]))
    assert TranslateStage(settings(), translator=identity)(german, ["deu_Latn"])["mt_truth"].to_pylist() == [
        "The model."
    ]


@pytest.mark.parametrize(
    ("keep", "glossary", "text", "found"),
    [
        ([], {"art": "Kunst"}, "The party of art. ART and Art-house, artful.", ["Kunst", "Kunst", "Kunst"]),
        (["US"], {}, "Tell us about the US and USA.", ["US"]),
        ([], {"deep learning": "tief", "learning": "Lernen"}, "Deep learning, learning", ["tief", "Lernen"]),
        ([], {"C++": "C plus plus"}, "Use C++, not C+++ or AC++.", ["C plus plus", "C plus plus"]),
        ([], {"机器学习": "machine learning"}, "我喜欢机器学习。", ["machine learning"]),
        (["{x}"], {}, "a {x} b", ["{x}"]),
    ],
)  # fmt: skip
def test_terms_are_whole_words(keep: list[str], glossary: dict[str, str], text: str, found: list[str]) -> None:
    terms = Terms({"deu_Latn": keep}, {"deu_Latn": glossary})
    assert [translation.casefold() for _, _, translation in terms.find(text, "deu_Latn")] == [
        f.casefold() for f in found
    ]


@given(st.text(alphabet="abAB .1[]", max_size=30))
def test_positions_are_those_of_the_terms(text: str) -> None:
    terms = Terms({}, {"deu_Latn": {"ab": "X", "a b": "Y"}})
    found = terms.find(text, "deu_Latn")
    assert all(text[start:stop].casefold() in ("ab", "a b") for start, stop, _ in found)
    assert all(before[1] <= after[0] for before, after in pairwise(found))
    assert NO_TERMS.find(text, "deu_Latn") == []
    assert terms and not NO_TERMS


@pytest.mark.parametrize(
    ("text", "there"),
    [
        ("Mit maschinellem Lernen geht es.", True),
        ("Maschinelles Lernen.", True),
        ("Mit Machine Learning geht es.", False),
        ("Das Lernen der Maschinen.", False),
    ],
)
def test_inflected_terms_count(text: str, there: bool) -> None:
    assert has_term(text, "maschinelles Lernen") is there


def test_a_language_model_is_told_of_the_terms_of_a_text_and_checked(table_of) -> None:
    prompts: list[str] = []
    answers = {"machine": "Wir nutzen maschinelles Lernen auf [1].", "A model": "Ein Vorbild.", "Call": "Ja [1]."}

    def ask(asked: list[str]) -> list[Written]:
        prompts.extend(asked)
        return [Written(next((a for word, a in answers.items() if word in text), "Ja."), "stop") for text in asked]

    config = settings(method="chat")
    translator = ChatTranslator(ask, "chat", terms=terms_of(config)[1])
    made = TranslateStage(config, translator=translator)(
        table_of("We use machine learning on GitHub.", "A model.", "Call `model.fit()` then."), ["de"]
    )
    assert made["mt_truth"].to_pylist() == [
        "Wir nutzen maschinelles Lernen auf GitHub.",
        "Ein Vorbild.",
        "Ja `model.fit()`.",
    ]
    assert made["notes_truth"].to_pylist() == [[], [Note.TERM_LOST], []]
    told = [text for text in prompts if "machine learning" in text]
    assert (
        "Use these translations:\nmachine learning = maschinelles Lernen\n\nWe use machine learning on [1]." in told[0]
    )
    assert "model = Modell" not in told[0]


def test_families_with_one_wording_get_marks() -> None:
    assert "tower" not in TOLD
    marked, told = terms_of(settings(method="chat", family="tower"))
    assert marked.find("a model", "deu_Latn") and not told.find("a model", "deu_Latn")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"glossary": {"de": {"": "x"}}}, "is no term"),
        ({"glossary": {"de": {"a": " b"}}}, "without white space"),
        ({"glossary": {"de": {"Model": "a", "model": "b"}}}, "are one term"),
        ({"glossary": {"xx": {"a": "b"}}}, "xx"),
        ({"glossary": {"de": {"github": "x"}}}, "in `glossary` and in `keep`"),
        ({"keep": {"de": ["..."]}}, "is no term"),
    ],
)
def test_mistakes_are_told(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        settings(**changes)


def test_the_fallback_has_the_same_terms() -> None:
    second = settings(fallback={"model": "y", "beam": 2}).second
    assert second is not None and (second.model, second.beam) == ("y", 2)
    assert (second.glossary, second.keep) == (settings().glossary, settings().keep)
    assert settings().second is None
