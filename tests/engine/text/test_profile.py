"""Measures of texts against counts made with plain Python."""

import unicodedata

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydistill.engine.text.profile import COLUMNS, Profile, letters_by_script, overlaps, profile, script_groups

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="<"), max_size=30)
WORDS = st.lists(st.sampled_from(["one", "two", "Three", "vier", "5", "12"]), max_size=8)


def of(*texts: str, language: str = "eng_Latn") -> Profile:
    return profile(pa.array(texts, pa.string()), script_groups(language))


def column(name: str, *texts: str, language: str = "eng_Latn") -> list[int]:
    return of(*texts, language=language)[name].tolist()


@given(st.lists(TEXT, max_size=5))
def test_characters_and_letters_are_those_of_python(texts: list[str]) -> None:
    found = of(*texts)
    assert found["chars"].tolist() == [sum(not char.isspace() for char in text) for text in texts]
    inside = [[char for char in text if ord(char) < 0x40000] for text in texts]
    letters = [sum(unicodedata.category(char)[0] in "LM" and not char.isspace() for char in text) for text in inside]
    assert found["letters"].tolist() == letters
    assert (found["in_script"] + found["foreign"] + found["own_form"] + found["other_form"]).tolist() == letters


@given(st.lists(TEXT, min_size=1, max_size=6))
def test_a_text_is_measured_alike_alone_and_among_others(texts: list[str]) -> None:
    whole = of(*texts)
    for index, text in enumerate(texts):
        alone = of(text)
        assert whole.counts[index].tolist() == alone.counts[0].tolist()
        assert whole.digest[index] == alone.digest[0] and whole.literal[index] == alone.literal[0]
        assert whole.weight[index] == alone.weight[0] and whole.loop[index] == alone.loop[0]


@pytest.mark.parametrize(
    ("name", "text", "count"),
    [
        ("stops", "One. Two! Three?", 3),
        ("stops", "It is 3.5 m. Yes", 2),
        ("stops", "今日は。明日は。", 2),
        ("brackets", "(a [b) c", 1),
        ("brackets", "(a) [b] {c}", 0),
        ("tags", "<b>x</b> a < b", 2),
        ("bad", "a\x00b\ufffd\ue000", 3),
        ("longest", "a four letters", 7),
        ("marks", "a, b. (c)", 4),
        ("chars", "<b>x</b> y", 2),  # tags count as tags only
    ],
)
def test_counts(name: str, text: str, count: int) -> None:
    assert column(name, text) == [count]


def test_scripts_of_the_wanted_language() -> None:
    assert column("in_script", "Hello мир", language="rus_Cyrl") == [3]
    assert column("foreign", "Hello мир", language="rus_Cyrl") == [5]
    assert column("in_script", "東京タワーです", language="jpn_Jpan") == [7]
    simplified, traditional = "爱国", "愛國"
    assert column("own_form", simplified, traditional, language="zho_Hans") == [2, 0]
    assert column("other_form", simplified, traditional, language="zho_Hans") == [0, 2]
    assert column("own_form", simplified, traditional, language="zho_Hant") == [0, 2]
    codes, counts = letters_by_script(pa.array(["abc мир", "東京"]))
    assert counts[0, codes.index("Latn")] == 3 and counts[0, codes.index("Cyrl")] == 3 and counts[1].sum() == 2


def test_loops_are_shares_of_the_words() -> None:
    loop = of("yes " * 10, "a b c d e f", "go home go home go home now", "").loop
    assert loop[0] == 1 and loop[1] == loop[3] == 0 and loop[2] == pytest.approx(6 / 7)


@given(WORDS)
def test_case_spaces_and_punctuation_change_no_digest(words: list[str]) -> None:
    one, other, more = of(" ".join(words), ",  ".join(words).upper() + "!", " ".join([*words, "end"])).digest
    assert one == other != more
    assert of("a b").literal[0] == of("<b>a</b>  b").literal[0] != of("a, b").literal[0]


def test_numbers_are_the_same_in_every_script() -> None:
    found = of("In 1990 and 25", "١٩٩٠ و ٢٥", "1990")
    _, unmatched = overlaps(found, np.array([0, 0]), np.array([1, 2]))
    assert unmatched[0] == 0 and 0 < unmatched[1] < 1


@given(WORDS, WORDS)
def test_shares_of_copied_words_and_of_unmatched_numbers(source: list[str], hypothesis: list[str]) -> None:
    """Words that stand in the source, of all words of the hypothesis."""
    texts = [" ".join(w for w in words if w.isalpha()) for words in (source, hypothesis)]
    copied, unmatched = overlaps(of(*texts), np.array([0]), np.array([1]))
    words = texts[1].split()
    if words:
        assert copied[0] == pytest.approx(sum(word in texts[0].split() for word in words) / len(words))
    else:
        assert np.isnan(copied[0])
    assert unmatched[0] == 0  # there is no number
    same, none = overlaps(of(" ".join(source)), np.array([0]), np.array([0]))
    assert none[0] == 0 and (np.isnan(same[0]) or same[0] == 1)


def test_nothing_at_all() -> None:
    empty = of()
    assert empty.counts.shape == (0, len(COLUMNS)) and empty.words.shape == (0,)
    assert of("", " ").counts.sum() == 0


def test_words_of_some_texts_are_theirs_in_order() -> None:
    texts = ["one two", "", "three", "two one two"]
    measured = profile(pa.array(texts), script_groups("eng_Latn"))
    rows = np.array([3, 1, 0])
    words, owner = measured.words_of(rows)
    assert owner.tolist() == [0, 0, 0, 2, 2]
    alone = [profile(pa.array([texts[row]]), script_groups("eng_Latn")).words for row in rows]
    assert words.tolist() == np.concatenate(alone).tolist()
    assert all(len(part) == 0 for part in measured.words_of(np.array([], np.int64)))
