import gzip
import json
import os
import re

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from polydistill.engine.config import Dictionaries
from polydistill.engine.mixing.switching.codeswitch import Lexicon, Switched, matches, switch
from polydistill.engine.mixing.switching.dictionaries import Dictionary, load_dictionary
from polydistill.engine.seeds import row_bits
from polydistill.engine.text.words import find_words, protected

DATA = os.environ.get("POLYDISTILL_DATA")


def lexicon(entries: dict[str, list[str]], source: str = "eng_Latn", target: str = "deu_Latn") -> Lexicon:
    frame = pl.DataFrame({"word": list(entries), "translation": list(entries.values())})
    return Lexicon(Dictionary(source, target, frame, "test", len(entries), {}))


def switched(
    texts: list[str],
    entries: dict[str, list[str]],
    p: float = 1.0,
    source: str = "eng_Latn",
    seed: int = 0,
    rows: list[int] | None = None,
) -> Switched:
    words, entered = find_words(pa.array(texts, pa.string()), source), lexicon(entries, source)
    bits = row_bits([f"{(i + 1) * 0x9E3779B97F4A7C15 % 2**64:016x}" for i in range(len(texts))])
    return switch(
        words, entered, matches(words, entered), bits, p, seed, "test", None if rows is None else np.array(rows)
    )


HOUSE = {"house": ["Haus"], "new york": ["Neu-York"], "york": ["Eber"], "US": ["USA-de"], "I": ["ich"]}


@pytest.mark.parametrize(
    ("text", "new", "hits"),
    [
        ("the house, the House.", "the Haus, the Haus.", 2),
        ("household houses", "household houses", 0),  # whole words only
        ("a New York house", "a Neu-York Haus", 2),  # the phrase before its words
        ("York", "Eber", 1),
        ("HOUSE and us, US!", "HOUSE and us, USA-de!", 1),  # capitals only: an acronym
        ("My house's `house` and {house}, house.txt", "My house's `house` and {house}, house.txt", 0),
        ("see https://house.org/house or house", "see https://house.org/house or Haus", 1),
        ("```\nhouse\n```\nhouse", "```\nhouse\n```\nHaus", 1),
        ("", "", 0),
        ("I", "ich", 1),
    ],
)
def test_what_is_switched(text: str, new: str, hits: int) -> None:
    result = switched([text], HOUSE)
    assert result.texts[0].as_py() == new
    assert (result.switched[0], result.switchable[0]) == (hits, hits)


def test_capitals_are_kept() -> None:
    assert switched(["Dog and dog"], {"dog": ["hund"]}).texts[0].as_py() == "Hund and hund"
    assert (
        switched(["Good morning, good morning"], {"good morning": ["guten Tag"]}).texts[0].as_py()
        == "Guten Tag, guten Tag"
    )


@pytest.mark.parametrize(
    ("source", "text", "entries", "new"),
    [
        (
            "jpn_Jpan",
            "ドイツの首都はどこですか。",
            {"ドイツ": ["Germany"], "首都": ["capital"]},
            "Germanyのcapitalはどこですか。",
        ),
        ("jpn_Jpan", "日本語学校", {"日本語": ["Japanese"], "学校": ["school"]}, "Japanese school"),  # not run together
        ("zho_Hans", "中国的首都", {"首都": ["capital"]}, "中国的capital"),
        ("tha_Thai", "เมืองหลวงของไทย", {"ไทย": ["Thailand"]}, "เมืองหลวงของThailand"),
        ("vie_Latn", "thủ đô của Đức", {"thủ đô": ["capital"], "đức": ["Germany"]}, "capital của Germany"),
    ],
)
def test_languages(source: str, text: str, entries: dict, new: str) -> None:
    assert switched([text], entries, source=source).texts[0].as_py() == new


_WORD = regex.compile(r"[\p{L}\p{M}\p{N}\u200C\u200D]+(?:['’\-][\p{L}\p{M}\p{N}\u200C\u200D]+)*")
assigned = st.characters(max_codepoint=0x323AF)
anything = st.lists(
    st.one_of(st.text(assigned, max_size=60), st.text("aB'-’ é日.\u200d\U00020000", max_size=30)), max_size=8
)


def found(texts: list[str], source: str) -> list[list[str]]:
    words = find_words(pa.array(texts, pa.string()), source)
    result: list[list[str]] = [[] for _ in texts]
    for row, start, end in zip(words.row, words.start, words.end):
        result[row].append(words.data[start:end].tobytes().decode())
    return result


@given(anything)
def test_words_are_what_they_are_defined_as(texts: list[str]) -> None:
    texts = [text.encode("utf-8", "ignore").decode() for text in texts]
    plain = [text for text in texts if not any(protected(text))]
    assert found(plain, "eng_Latn") == [_WORD.findall(text) for text in plain]


def test_words_beside_protected_spans() -> None:
    text = "日本 see `the code` and a@b.org or file.txt를 now"
    assert found([text, text], "eng_Latn") == [["日本", "see", "and", "or", "now"]] * 2
    assert "code" not in found([text], "jpn_Jpan")[0] and "日本" in found([text], "jpn_Jpan")[0]


@given(anything, st.sampled_from(["eng_Latn", "jpn_Jpan", "arb_Arab", "tha_Thai"]))
def test_nothing_is_lost(texts: list[str], source: str) -> None:
    texts = [text.encode("utf-8", "ignore").decode() for text in texts]
    same = switched(texts, HOUSE, 0.0, source)
    assert same.texts.to_pylist() == texts and not same.switched.any()
    longer = switched(texts, {word: [word * 3] for word in "aB"}, 1.0, source)
    assert [re.sub("aaa", "a", re.sub("BBB", "B", text)) for text in longer.texts.to_pylist()] == [
        re.sub("aaa", "a", re.sub("BBB", "B", text)) for text in texts
    ] or source != "eng_Latn"


@given(st.lists(st.lists(st.sampled_from(["a", "b", "c", "A", "x", ".", "b."]), max_size=9), max_size=5))
def test_the_longest_phrase_from_left_to_right(texts: list[list[str]]) -> None:
    entries = {"a": "1", "a b": "2", "b c a": "3", "a b c": "4", "b": "5"}

    def expected(words: list[str]) -> str:
        out, i = [], 0
        while i < len(words):
            for size in (3, 2, 1):
                phrase = " ".join(words[i : i + size])
                bare = phrase.removesuffix(".")
                if len(words[i : i + size]) == size and bare.lower() in entries:
                    out.append(entries[bare.lower()] + phrase[len(bare) :])
                    i += size
                    break
            else:
                out.append(words[i])
                i += 1
        return " ".join(out)

    made = switched([" ".join(words) for words in texts], {key: [value] for key, value in entries.items()})
    assert made.texts.to_pylist() == [expected(words) for words in texts]


def test_only_the_rows_asked_for() -> None:
    texts = ["house york " * 5] * 10
    whole = switched(texts, HOUSE, 0.5)
    part = switched(texts, HOUSE, 0.5, rows=[2, 3, 7])
    assert part.texts.to_pylist() == [whole.texts.to_pylist()[i] for i in (2, 3, 7)]
    assert part.switched.tolist() == whole.switched[[2, 3, 7]].tolist()


def test_entries_that_are_no_words_are_counted() -> None:
    made = lexicon({"etc.": ["usw."], "#1": ["Nr. 1"], "...": ["…"], "sun": ["Sonne"], "c++": ["C++"]})
    assert made.unusable == 4


def test_draws_belong_to_rows_and_seeds() -> None:
    texts = ["house york " * 20] * 50
    first = switched(texts, HOUSE, 0.5)
    assert first.texts == switched(texts, HOUSE, 0.5).texts
    assert first.texts != switched(texts, HOUSE, 0.5, seed=1).texts
    assert len(first.texts.unique()) == len(texts)
    # A row's draw does not depend on the rows beside it.
    assert switched(texts[:1], HOUSE, 0.5).texts[0] == first.texts[0]


def test_rate_and_choice() -> None:
    result = switched(["house york"] * 20_000, {"house": ["A", "B", "C"], "york": ["D"]}, 0.15)
    assert result.switchable.tolist() == [2] * 20_000
    assert result.switched.sum() / result.switchable.sum() == pytest.approx(0.15, abs=0.01)
    chosen = pl.Series(result.texts).str.extract("^([ABC])").drop_nulls().value_counts()["count"].to_numpy()
    assert len(chosen) == 3 and chosen.min() / chosen.max() > 0.85


def test_protected_spans_are_found() -> None:
    text = "Run this:\n```py\nx = house\n```\nthen mail house@example.com"
    assert [text[a:b] for a, b in protected(text)] == ["```py\nx = house\n```", "house@example.com"]


def test_turkish_has_two_letters_i() -> None:
    assert switched(["Isı ve İş"], {"ısı": ["heat"], "iş": ["work"]}, source="tur_Latn").texts[0].as_py() == (
        "Heat ve Work"
    )
    words = find_words(pa.array(["Istanbul"]), "eng_Latn")
    entered = lexicon({"istanbul": ["istanbul şehri"]}, "eng_Latn", "tur_Latn")
    made = switch(words, entered, matches(words, entered), row_bits(["1" * 16]), 1.0, 0, "test")
    assert made.texts[0].as_py() == "İstanbul şehri"


@pytest.mark.data
@pytest.mark.skipif(not DATA, reason="needs POLYDISTILL_DATA")
@pytest.mark.parametrize(
    ("folder", "target"),
    [("muse", "deu_Latn"), ("muse", "jpn_Jpan"), ("muse", "arb_Arab"), ("muse", "tha_Thai"), ("gatitos", "ckb_Arab")],
)
def test_rate_on_real_questions(folder: str, target: str) -> None:
    with gzip.open(f"{DATA}/alpaca/alpaca_28k.jsonl.gz", "rt", encoding="utf-8") as file:
        texts = [json.loads(line)["instruction"] for line, _ in zip(file, range(5000))]
    dictionary = load_dictionary(Dictionaries(path=f"{DATA}/{folder}"), "eng_Latn", target)
    assert dictionary is not None
    bits = np.random.default_rng(0).integers(0, 2**63, len(texts)).astype(np.uint64)
    words, entered = find_words(pa.array(texts), "eng_Latn"), Lexicon(dictionary)
    result = switch(words, entered, matches(words, entered), bits, 0.15, 0, "test")
    assert result.switched.sum() / result.switchable.sum() == pytest.approx(0.15, abs=0.01)
    if folder == "muse" and target == "deu_Latn":
        assert dictionary.dropped["identical"] / dictionary.pairs == pytest.approx(
            0.48, abs=0.01
        )  # as METHODS.md has it


NTREX = {
    "arb_Arab": "arb", "bul_Cyrl": "bul", "cat_Latn": "cat", "deu_Latn": "deu", "ell_Grek": "ell", "spa_Latn": "spa",
    "fra_Latn": "fra", "hin_Deva": "hin", "ita_Latn": "ita", "jpn_Jpan": "jpn", "rus_Cyrl": "rus", "swh_Latn": "swa",
    "tha_Thai": "tha", "tur_Latn": "tur", "urd_Arab": "urd", "vie_Latn": "vie", "zho_Hans": "zho-CN",
}  # fmt: skip


@pytest.mark.data
@pytest.mark.skipif(not DATA, reason="needs POLYDISTILL_DATA")
@pytest.mark.parametrize("target", NTREX)
def test_rate_of_every_language_from_its_own_text(target: str) -> None:
    """Questions that are in the target language already are switched back to English: spaces or none, any script."""
    with gzip.open(f"{DATA}/ntrex128/newstest2019-ref.{NTREX[target]}.txt.gz", "rt", encoding="utf-8") as file:
        texts = file.read().splitlines()
    texts *= 8 if target == "swh_Latn" else 1  # of whose text MUSE covers next to nothing
    dictionary = load_dictionary(Dictionaries(path=f"{DATA}/muse"), target, "eng_Latn")
    assert dictionary is not None
    bits = np.random.default_rng(1).integers(0, 2**63, len(texts)).astype(np.uint64)
    words, entered = find_words(pa.array(texts), target), Lexicon(dictionary)
    result = switch(words, entered, matches(words, entered), bits, 0.15, 0, "test")
    assert result.switchable.sum() > 4000
    assert result.switched.sum() / result.switchable.sum() == pytest.approx(0.15, abs=0.01)
