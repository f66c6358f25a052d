"""Every rule on real examples: what it must find, and what it must let pass."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydistill.engine.config import Rules
from polydistill.engine.judging.rules import text_rules
from polydistill.engine.text import profile as text_profile


def pairs(source: str, hypothesis: str, target: str = "deu_Latn") -> text_rules.Pairs:
    profile = text_profile.profile(pa.array([source, hypothesis]), text_profile.script_groups(target))
    return text_rules.Pairs.of(profile, np.array([0]), np.array([1]), target)


def fired(source: str, hypothesis: str, target: str = "deu_Latn", limits: Rules | None = None) -> set[str]:
    both = pairs(source, hypothesis, target)
    return {str(name) for name, rule in text_rules.TEXT_RULES.items() if rule(both, limits or Rules())[0]}


def measured(source: str, hypothesis: str, target: str = "deu_Latn") -> dict[str, float]:
    both = pairs(source, hypothesis, target)
    values = text_rules.measures(both, Rules(), text_rules.code(both, Rules()))
    return {name: float(column[0]) for name, column in values.items()}


GOOD = [
    ("What is the capital of Kenya?", "Was ist die Hauptstadt von Kenia?", "deu_Latn"),
    ("The price is $1,000.50 (about 900 €).", "Der Preis beträgt 1.000,50 $ (etwa 900 €).", "deu_Latn"),
    ("Name three fruits: apple, pear, plum.", "Sebutkan tiga buah: apel, pir, prem.", "ind_Latn"),
    ("The train leaves at 9:30. Please be on time!", "電車は9時30分に出発します。遅れないでください！", "jpn_Jpan"),
    ("It rained all day (and all night).", "ฝนตกทั้งวัน (และทั้งคืน)", "tha_Thai"),
    ('She said: "Come in!" and smiled.', "她说：“进来！”然后笑了。", "zho_Hans"),
    ("Ha ha ha ha ha, that was funny.", "Ha ha ha ha ha, das war lustig.", "deu_Latn"),
    ("<b>Hello</b> world", "<b>Hallo</b> Welt", "deu_Latn"),
]


@pytest.mark.parametrize(("source", "hypothesis", "target"), GOOD)
def test_good_translations_pass(source: str, hypothesis: str, target: str) -> None:
    assert fired(source, hypothesis, target) == set()
    scores = measured(source, hypothesis, target)
    assert scores["repetition"] == 0 and not scores["copied"] > 0.9 and not scores["script"] < 0.5
    assert np.isnan(scores["length_ratio"]) or 0.6 < scores["length_ratio"] < 1.7


@pytest.mark.parametrize(
    ("rule", "source", "hypothesis", "target"),
    [
        ("empty", "Describe the sea.", "  \n", "deu_Latn"),
        ("bad_characters", "Good morning", "Guten\ufffdMorgen", "deu_Latn"),
        ("bad_characters", "The 🐈 sleeps", "Die \u2047 schläft", "deu_Latn"),
        ("bad_characters", "Good morning", "Guten\x07 Morgen", "deu_Latn"),
        ("brackets", "the sea (deep and blue)", "das Meer (tief und blau", "deu_Latn"),
        ("brackets", "the sea (deep)", "海（深い", "jpn_Jpan"),
        ("punctuation", "I do not know.", "Ich weiß nicht.........................", "deu_Latn"),
        ("tags", "This is <b>bold</b>.", "Das ist fett.", "deu_Latn"),
        ("digits", "In 1969 two men walked there.", "Im Jahr 1996 gingen dort zwei Männer.", "deu_Latn"),
        ("digits", "Chapter 12, page 7", "Kapitel zwölf", "deu_Latn"),
        ("sentences", "He came. He saw. He won. He left.", "Er kam und siegte.", "deu_Latn"),
        ("sentences", "He came. He saw. He won. He left.", "彼は来て勝った。", "jpn_Jpan"),
        ("long_word", "A long story", "Eine " + "Donaudampfschiff" * 3 + "fahrt", "deu_Latn"),
        ("code", "x = foo(y)[3];", "x = foo(y)[3];", "deu_Latn"),
    ],
)
def test_rules_find_what_they_are_for(rule: str, source: str, hypothesis: str, target: str) -> None:
    assert rule in fired(source, hypothesis, target)


def test_what_the_source_has_too_is_no_fault() -> None:
    assert "brackets" not in fired("a) first b) second", "a) erstens b) zweitens")
    assert "long_word" not in fired("A" * 50, "A" * 50)
    assert "punctuation" not in fired("Wait......................", "Warte......................")
    assert "sentences" not in fired("One. Two. Three.", "หนึ่ง สอง สาม", "tha_Thai")  # Thai ends no sentences


def test_numbers_are_compared_as_digits() -> None:
    assert "digits" not in fired("It cost 1,234.50 in 2020.", "Es kostete 2020 genau 1.234,50.")
    assert "digits" not in fired("The year 2020 was wet.", "كانت سنة ٢٠٢٠ رطبة.", "arb_Arab")


def test_length_is_weighed_by_script() -> None:
    source = "The students read a book about the history of the old city every evening."
    for hypothesis, target in [
        ("Die Studenten lesen jeden Abend ein Buch über die Geschichte der alten Stadt.", "deu_Latn"),
        ("学生たちは毎晩、古い街の歴史についての本を読みます。", "jpn_Jpan"),
        ("学生们每天晚上都读一本关于这座古城历史的书。", "zho_Hans"),
        ("학생들은 매일 저녁 옛 도시의 역사에 관한 책을 읽는다.", "kor_Hang"),
        ("นักเรียนอ่านหนังสือเกี่ยวกับประวัติศาสตร์ของเมืองเก่าทุกเย็น", "tha_Thai"),
    ]:
        assert 0.7 < measured(source, hypothesis, target)["length_ratio"] < 1.4
    assert measured(source, "Studenten lesen.")["length_ratio"] < 1 / 3
    assert np.isnan(measured("Yes.", "Ja.")["length_ratio"])  # too short to say
    assert measured("Yes.", source)["length_ratio"] > 3


def test_loops_are_measured_against_the_source() -> None:
    loop = "Der Hund läuft in den Park. " * 6
    assert measured("The dog runs into the park and plays there with other dogs.", loop)["repetition"] > 0.9
    assert measured("The dog runs into the park. " * 6, loop)["repetition"] < 0.05
    assert measured("I see the sea.", "我" * 30, "zho_Hans")["repetition"] == 1
    twice = "Er kam nach Hause. Er kam nach Hause."
    assert measured("He came home.", twice)["repetition"] == 0  # twice is no loop


def test_copies_and_scripts() -> None:
    english = "The cat sleeps on the warm stove near the window."
    assert measured(english, english)["copied"] == 1
    assert measured(english, "Die Katze schläft auf dem warmen Ofen am Fenster.")["copied"] < 0.3
    assert measured(english, english, "jpn_Jpan")["script"] == 0
    assert measured(english, "猫は窓の近くの暖かいストーブの上で眠っています。", "jpn_Jpan")["script"] == 1
    code = "for (int i = 0; i < n; i++) { total += values[i]; }"
    assert np.isnan(measured(code, code)["copied"])  # code may stay as it is


def test_markup_is_no_text() -> None:
    assert measured("<h1>This is the title</h1>", "<h1>This is the title</h1>")["copied"] == 1
    assert "code" not in fired("<h1>This is the title</h1>", "<h1>This is the title</h1>")


def test_thresholds_come_from_the_configuration() -> None:
    assert "digits" in fired("Rooms 1 2 3", "Räume 1 2", limits=Rules(numbers=0.1))
    assert "digits" not in fired("Rooms 1 2 3", "Räume 1 2")


@given(st.lists(st.text(max_size=60), min_size=1, max_size=5))
def test_any_text_is_measured(texts: list[str]) -> None:
    """Counts agree with Python's own view of the characters, whatever the text."""
    texts = [text.replace("<", " ").encode("utf-8", "ignore").decode() for text in texts]
    profile = text_profile.profile(pa.array(texts), text_profile.script_groups("deu_Latn"))
    assert profile["chars"].tolist() == [sum(not c.isspace() for c in text) for text in texts]
    assert (profile["letters"] <= profile["chars"]).all() and (profile["in_script"] <= profile["letters"]).all()
    assert ((profile.loop >= 0) & (profile.loop <= 1)).all()
    order = np.arange(len(texts))
    copied, unmatched = text_profile.overlaps(profile, order, order)
    assert ((copied == 1) | np.isnan(copied)).all() and (unmatched == 0).all()
