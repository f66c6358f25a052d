"""What stayed in the source language inside a translated line."""

import pytest

from polydistill.engine.judging.pairs import judge_pairs
from polydistill.engine.judging.rules.copied_runs import copied_runs

SOURCE = "The weather is nice today and the weather will be nice tomorrow"


def test_stretches_are_found_and_measured() -> None:
    text, share = copied_runs(SOURCE, "Das Wetter ist heute schön and the weather will be nice tomorrow")
    assert text == "and the weather will be nice tomorrow" and 0.55 < share < 0.62
    assert copied_runs(SOURCE, "Das Wetter ist heute und morgen schön") == ("", 0)
    assert copied_runs("", "") == ("", 0)


@pytest.mark.parametrize(
    ("source", "hypothesis"),
    [
        ('The artist sang "We will rock you all night".', 'Er sang "We will rock you all night".'),
        ("She read The Lord Of The Rings at home.", "Sie las The Lord Of The Rings zu Hause."),
        ("See https://a.org/the/weather/is/nice/today now", "Siehe https://a.org/the/weather/is/nice/today jetzt"),
    ],
)
def test_quotations_titles_and_addresses_may_stay(source: str, hypothesis: str) -> None:
    assert copied_runs(source, hypothesis) == ("", 0)


@pytest.mark.parametrize(
    ("source", "hypothesis"),
    [
        (SOURCE, "Das Wetter ist heute schön and the weather will be nice tomorrow"),
        (SOURCE.upper(), "DAS WETTER IST HEUTE SCHÖN AND THE WEATHER WILL BE NICE TOMORROW"),
        (f"It is nice. {SOURCE.upper()}.", f"Es ist schön. {SOURCE.upper()}."),
        ("Warning: READ THE MANUAL CAREFULLY BEFORE USE", "Warnung: READ THE MANUAL CAREFULLY BEFORE USE"),
    ],
)
def test_a_half_translated_line_is_dropped(source: str, hypothesis: str) -> None:
    (judged,) = judge_pairs([source], [hypothesis], "en", "de")
    assert judged.reason in ("mixed_language", "off_target")


def test_code_and_translated_lines_stay() -> None:
    code = "The loop prints numbers:\n\nfor i in range(10):\n    print(i)"
    german = "Die Schleife gibt Zahlen aus:\n\nfor i in range(10):\n    print(i)"
    capitals = "DAS WETTER IST HEUTE SCHÖN UND DAS WETTER WIRD MORGEN AUCH SCHÖN SEIN"
    assert all(pair.usable for pair in judge_pairs([code, SOURCE.upper()], [german, capitals], "en", "de"))
