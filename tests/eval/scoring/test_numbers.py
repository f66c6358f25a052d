import random
from decimal import Decimal

import pytest

from polydistill.eval.scoring.numbers import last_number


@pytest.mark.parametrize(
    ("text", "language", "values"),
    [
        # A thousandfold wrong answer is wrong: 80,000 is not 80 where the comma groups.
        ("The answer is 80,000.", "eng_Latn", ["80000"]),
        ("The answer is 57.500.", "eng_Latn", ["57500", "57.5"]),
        ("Die Antwort ist 80.000.", "deu_Latn", ["80000"]),
        ("Die Antwort ist 57,500.", "deu_Latn", ["57500", "57.5"]),
        ("Die Antwort ist 3,5.", "deu_Latn", ["3.5"]),
        ("答えは80,000です", "jpn_Jpan", ["80000"]),
        ("0.125", "deu_Latn", ["0.125"]),
        ("Jibu ni 1,250", "swh_Latn", ["1250"]),
        (r"$1{,}250$", "eng_Latn", ["1250"]),
        ("１，２３４", "zho_Hans", ["1234"]),
    ],
)
def test_a_single_mark_is_read_by_the_language(text: str, language: str, values: list[str]) -> None:
    assert last_number(text, language) == {Decimal(value) for value in values}


def test_two_thousand_numbers_in_the_ways_of_their_languages() -> None:
    """Integers and decimals written as CLDR writes them, in MGSM's languages, with digits of several scripts."""
    from babel.numbers import format_decimal

    generator = random.Random(0)
    locales = {"bn": "ben_Beng", "de": "deu_Latn", "en": "eng_Latn", "es": "spa_Latn", "fr": "fra_Latn"}
    locales |= {
        "ja": "jpn_Jpan",
        "ru": "rus_Cyrl",
        "sw": "swh_Latn",
        "te": "tel_Telu",
        "th": "tha_Thai",
        "zh": "zho_Hans",
    }
    locales |= {"id": "ind_Latn", "tr": "tur_Latn", "vi": "vie_Latn"}
    for _ in range(2000):
        locale, language = generator.choice(list(locales.items()))
        number = Decimal(generator.randrange(10 ** generator.randrange(1, 9)))
        if generator.random() < 0.3:
            number += Decimal(generator.randrange(1, 100)) / 100
        number *= generator.choice((1, 1, 1, -1))
        shown = format_decimal(number, locale=locale, group_separator=generator.random() < 0.7)
        text = generator.choice(("x = 17, y = {}", "{}", "7 + 3: {}.", "**{}** 。")).format(shown)
        assert number in last_number(text, language), (text, locale)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("no number", []),
        ("Janet makes 18 dollars.", ["18"]),
        ("first 3, then 4", ["4"]),
        ("18.0", ["18"]),
        ("The answer is -5", ["-5"]),
        ("The answer is −$7.", ["-7"]),
        ("(-2)", ["-2"]),
        ("答えは-3です", ["-3"]),
        ("5-3", ["3"]),
        ("5 - 3", ["3"]),
        ("COVID-19", ["19"]),
        ("1,234.5 dollars", ["1234.5"]),
        ("1.234,5 Euro", ["1234.5"]),
        ("1,000,000", ["1000000"]),
        ("1.000.000", ["1000000"]),
        ("1,23,456", ["123456"]),
        ("1.234", ["1234", "1.234"]),
        ("57,500", ["57500", "57.5"]),
        ("3,5", ["3.5"]),
        ("12 345", ["12345"]),
        ("12\u202f345,6", ["12345.6"]),
        ("12'345", ["12345"]),
        ("১২৩", ["123"]),
        ("٣٫٥", ["3.5"]),
        ("๑๘ บาท", ["18"]),
        ("57\u2009500 dollars", ["57500"]),
        (r"\boxed{1\,250}", ["1250"]),
        ("In Step 2 100 apples", ["100"]),
        ("in 2024 100 people came", ["100"]),
        ("it is .75", ["0.75"]),
        ("version 1.2.3", ["123"]),
    ],
)
def test_last_number(text: str, values: list[str]) -> None:
    assert last_number(text) == {Decimal(value) for value in values}
