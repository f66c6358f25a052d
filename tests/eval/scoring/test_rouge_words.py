"""Words for ROUGE by the rules of XL-Sum's scorer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydistill.eval.scoring.rouge_words import Words


@pytest.mark.parametrize(
    ("language", "text", "words"),
    [
        # Snowball, not Porter ("this" stays), short words stay, symbols go.
        ("eng_Latn", "This dogs' running—fast, $5.50!", ["this", "dog", "run", "fast", "5", "50"]),
        ("eng_Latn", "£11million for 5km in 2011", ["11", "million", "for", "5", "km", "in", "2011"]),
        ("rus_Cyrl", "«Москва», 2020-й год", ["москв", "2020", "й", "год"]),
        ("jpn_Jpan", "東京は日本の首都です。、", ["東京", "は", "日本", "の", "首都", "です"]),
        ("zho_Hans", "北京是中国的首都。", ["北京", "是", "中国", "的", "首都"]),
        ("hin_Deva", "यह घर है।", ["यह", "घर", "है"]),
        ("kor_Hang", "2011년 서울에서", ["2011", "년", "서울에서"]),
        ("amh_Ethi", "በ2012 ነበር።", ["በ", "2012", "ነበር"]),
        ("deu_Latn", "die Häuser", ["die", "haus"]),
    ],
)
def test_words_follow_xlsums_rules(language: str, text: str, words: list[str]) -> None:
    assert Words(language).tokenize(text) == words


@pytest.mark.parametrize("language", ["eng_Latn", "jpn_Jpan", "tha_Thai", "hin_Deva"])
@given(text=st.text(max_size=40))
def test_words_of_any_text_hold_no_space_and_no_sign(language: str, text: str) -> None:
    words = Words(language, stem=False).tokenize(text)
    kept = [character for character in text.lower() if character.isalnum()]
    assert [character for word in words for character in word if character.isalnum()] == kept
    assert all(word and not set(word) & set(" \t\n.,;!-") for word in words)


def test_signatures_say_what_was_done() -> None:
    assert Words("jpn_Jpan").signature == "words:icu|stem:no"
    assert Words("hin_Deva").signature == Words("deu_Latn", stem=False).signature == "words:unicode|stem:no"
    assert Words("nno_Latn").signature.startswith("words:unicode|stem:norwegian")
