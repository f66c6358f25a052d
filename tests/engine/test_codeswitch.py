import gzip
import json
import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.codeswitch import Lexicon, Switched, switch
from engine.config import Dictionaries
from engine.dictionaries import Dictionary, load_dictionary
from engine.seeds import row_bits
from engine.words import protected, tokenize

DATA = os.environ.get("POLYDISTILL_DATA")


def lexicon(entries: dict[str, list[str]], source: str = "eng_Latn", target: str = "deu_Latn") -> Lexicon:
    frame = pl.DataFrame({"word": list(entries), "translation": list(entries.values())})
    return Lexicon(Dictionary(source, target, frame, "test", len(entries), 0, 0))


def switched(
    texts: list[str], entries: dict[str, list[str]], p: float = 1.0, source: str = "eng_Latn", seed: int = 0
) -> Switched:
    series = pl.Series(texts, dtype=pl.String)
    bits = row_bits([f"{(i + 1) * 0x9E3779B97F4A7C15 % 2**64:016x}" for i in range(len(texts))])
    return switch(tokenize(series, source), lexicon(entries, source), bits, p, seed, "test")


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
    assert result.texts[0] == new
    assert (result.switched[0], result.switchable[0]) == (hits, hits)


def test_capitals_are_kept() -> None:
    assert switched(["Dog and dog"], {"dog": ["hund"]}).texts[0] == "Hund and hund"
    assert switched(["Good morning, good morning"], {"good morning": ["guten Tag"]}).texts[0] == "Guten Tag, guten Tag"


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
    assert switched([text], entries, source=source).texts[0] == new


@given(st.lists(st.text(max_size=60), max_size=8), st.sampled_from(["eng_Latn", "jpn_Jpan", "arb_Arab", "tha_Thai"]))
def test_nothing_is_lost(texts: list[str], source: str) -> None:
    texts = [text.encode("utf-8", "ignore").decode() for text in texts]
    tokens = tokenize(pl.Series(texts, dtype=pl.String), source)
    words = tokens.vocabulary.to_list()
    joined = ["".join(words[i] for i in tokens.ids[a:b]) for a, b in zip(tokens.offsets, tokens.offsets[1:])]
    assert joined == texts
    same = switched(texts, HOUSE, 0.0, source)
    assert same.texts.to_list() == texts and not same.switched.any()


def test_draws_belong_to_rows_and_seeds() -> None:
    texts = ["house york " * 20] * 50
    first = switched(texts, HOUSE, 0.5)
    assert first.texts.to_list() == switched(texts, HOUSE, 0.5).texts.to_list()
    assert first.texts.to_list() != switched(texts, HOUSE, 0.5, seed=1).texts.to_list()
    assert first.texts.n_unique() == len(texts)
    # A row's draw does not depend on the rows beside it.
    assert switched(texts[:1], HOUSE, 0.5).texts[0] == first.texts[0]


def test_rate_and_choice() -> None:
    result = switched(["house york"] * 20_000, {"house": ["A", "B", "C"], "york": ["D"]}, 0.15)
    assert result.switchable.tolist() == [2] * 20_000
    assert result.switched.sum() / result.switchable.sum() == pytest.approx(0.15, abs=0.01)
    chosen = result.texts.str.extract("^([ABC])").drop_nulls().value_counts()["count"].to_numpy()
    assert len(chosen) == 3 and chosen.min() / chosen.max() > 0.85


def test_protected_spans_are_found() -> None:
    text = "Run this:\n```py\nx = house\n```\nthen mail house@example.com"
    assert [text[a:b] for a, b in protected(text)] == ["```py\nx = house\n```", "house@example.com"]


@pytest.mark.parametrize(
    ("lines", "entries", "identical", "malformed"),
    [
        ("the die\nthe der\nhaus Haus\nthe die\n", {"the": ["die", "der"]}, 1, 0),
        ("new york\tNeu-York\nsun\tSonne\n", {"new york": ["Neu-York"], "sun": ["Sonne"]}, 0, 0),
        ("one two three\nsun Sonne\nlonely\n", {"sun": ["Sonne"]}, 0, 2),
        ("sun\tSonne\nmoon Mond\n", {"sun": ["Sonne"], "moon": ["Mond"]}, 0, 0),  # separators mixed in one file
    ],
)
def test_dictionary_files(tmp_path: Path, lines: str, entries: dict, identical: int, malformed: int) -> None:
    (tmp_path / "en-de.txt").write_text(lines)
    found = load_dictionary(Dictionaries(path=str(tmp_path)), "eng_Latn", "deu_Latn")
    assert found is not None
    assert dict(found.entries.rows()) == entries
    assert (found.identical, found.malformed) == (identical, malformed)


def test_dictionary_turned_round_and_cut(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "en_de.tsv.gz", "wt") as file:
        file.write("the\tdie\nthe\tder\nsun\tSonne\nmoon\tMond\n")
    config = Dictionaries(path=str(tmp_path))
    back = load_dictionary(config, "deu_Latn", "eng_Latn", most_frequent=2)
    assert back is not None
    assert dict(back.entries.rows()) == {"die": ["the"], "der": ["the"], "Sonne": ["sun"]}


@pytest.mark.data
@pytest.mark.skipif(not DATA, reason="needs POLYDISTILL_DATA")
@pytest.mark.parametrize(("folder", "target"), [("muse", "deu_Latn"), ("muse", "jpn_Jpan"), ("gatitos", "ckb_Arab")])
def test_rate_on_real_questions(folder: str, target: str) -> None:
    with gzip.open(f"{DATA}/alpaca/alpaca_28k.jsonl.gz", "rt", encoding="utf-8") as file:
        texts = [json.loads(line)["instruction"] for line, _ in zip(file, range(5000))]
    found = load_dictionary(Dictionaries(path=f"{DATA}/{folder}"), "eng_Latn", target)
    assert found is not None
    bits = np.random.default_rng(0).integers(0, 2**63, len(texts)).astype(np.uint64)
    result = switch(tokenize(pl.Series(texts), "eng_Latn"), Lexicon(found), bits, 0.15, 0, "test")
    assert result.switched.sum() / result.switchable.sum() == pytest.approx(0.15, abs=0.01)
    if folder == "muse" and target == "deu_Latn":
        assert found.identical / found.pairs == pytest.approx(0.48, abs=0.01)  # as METHODS.md has it
