import gzip
import json
import tempfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydistill.engine.config import Leakage
from polydistill.engine.errors import UserError
from polydistill.engine.mixing.leakage import Index


def index(folder: Path, texts: list[str], **settings: float) -> Index:
    path = folder / "held.jsonl"
    path.write_text("".join(json.dumps({"q": {"text": text}}, ensure_ascii=False) + "\n" for text in texts), "utf-8")
    return Index.of(Leakage.model_validate({"against": [str(path)], **settings}))


HELD = [
    "What is the capital of the United States of America?",
    "日本の首都はどこですか。東京は日本の首都です。",
    "Who are you today?",
    "Yes.",
    "Who wrote the song about rain?",
]


@pytest.mark.parametrize(
    ("text", "leaks"),
    [
        ("what is THE capital of the united states of america", True),
        ("Please tell me: What is the capital of the United States of America?", True),  # 3 of its 6 8-grams
        ("What is the capital of the United Kingdom, and how many people live in it?", False),
        ("日本の首都はどこですか。東京は日本の首都です。", True),
        ("日本の首都はどこですかと聞かれたら、あなたは何と答えますか。", False),
        ("Who are you, today!", True),  # shorter than an n-gram: as a whole
        ("Who are you today and tomorrow?", False),
        (
            "Question one of forty. " * 30 + "What is the capital of the United States of America? " + "Next. " * 90,
            True,
        ),
        ("Question one of forty. " * 30 + "What is the capital of the United States and why? " + "Next. " * 90, False),
        ("Zuerst dies. " * 50 + "who wrote the song about rain? Dann das.", True),  # shorter than an n-gram
        ("前置きです。" * 40 + "日本の首都はどこですか。東京は日本の首都です。" + "終わりです。" * 40, True),
        ("Yes.", False),  # too short to mean anything
        ("", False),
        (None, False),
    ],
)
def test_near_texts_are_found(tmp_path: Path, text: str | None, leaks: bool) -> None:
    guard = index(tmp_path, HELD, overlap=0.4)
    assert guard.leaks(pl.Series([text], dtype=pl.String)).tolist() == [leaks]


def test_overlap_is_a_share(tmp_path: Path) -> None:
    words = [f"w{i}" for i in range(20)]
    text = " ".join(words[:10]) + " " + " ".join(f"x{i}" for i in range(10))  # 7 of 17 4-grams are in the file
    for overlap, leaks in ((7 / 17, True), (7.1 / 17, False)):
        guard = index(tmp_path, [" ".join(words)], ngram=4, overlap=overlap)
        assert guard.leaks(pl.Series([text])).tolist() == [leaks]


def test_every_kind_of_file(tmp_path: Path) -> None:
    sentences = [f"This is sentence number {n} of the held out files." for n in ("one", "two", "three", "four")]
    (tmp_path / "a.json").write_text(json.dumps([{"x": [sentences[0]]}]))
    (tmp_path / "b.tsv").write_text(f"7\t{sentences[1]}\n")
    (tmp_path / "c.devtest").write_text(sentences[2] + "\n")
    with gzip.open(tmp_path / "d.jsonl.gz", "wt") as file:
        file.write(json.dumps({"x": sentences[3]}) + "\n")
    guard = Index.of(Leakage(against=[str(tmp_path)]))
    assert guard.leaks(pl.Series(sentences)).all() and len(guard.files) == 4


def test_unreadable_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "weights.bin").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match=r"weights\.bin"):
        Index.of(Leakage(against=[str(tmp_path)]))
    with pytest.raises(UserError, match="no such file"):
        Index.of(Leakage(against=["nowhere"]))


@pytest.mark.data
def test_real_evaluation_text_is_kept_apart(data: Path, tmp_path: Path) -> None:
    with gzip.open(data / "alpaca/alpaca_28k.jsonl.gz", "rt", encoding="utf-8") as file:
        texts = [json.loads(line)["output"] for line, _ in zip(file, range(3000))]
    guard = index(tmp_path, texts[:500])
    found = guard.leaks(pl.Series(texts))
    long = [len(text.split()) >= 8 and text.isascii() for text in texts[:500]]
    assert all(leak for leak, counts in zip(found[:500], long) if counts)
    assert found[500:].mean() < 0.01


def test_files_that_the_prompt_reader_takes(tmp_path: Path) -> None:
    """A byte order mark, JSON lines named .json, Parquet."""
    sentences = [f"This is sentence number {n} of the held out files." for n in ("one", "two", "three")]
    (tmp_path / "a.json").write_text("".join(json.dumps({"q": text}) + "\n" for text in sentences[:1] * 2))
    (tmp_path / "b.tsv").write_text(f"\ufeff{sentences[1]}\t1\r\n", encoding="utf-8")
    pl.DataFrame({"q": sentences[2:]}).write_parquet(tmp_path / "c.parquet")
    guard = Index.of(Leakage(against=[str(tmp_path)]))
    assert guard.leaks(pl.Series(sentences)).all()
    (tmp_path / "d.jsonl").write_text('{"q": "a"}\n{"q": \n')
    with pytest.raises(UserError, match=r"d\.jsonl:2: bad_json"):
        Index.of(Leakage(against=[str(tmp_path)]))


@given(st.lists(st.text("ab c", max_size=30), max_size=8), st.integers(2, 5))
def test_a_text_that_holds_an_evaluation_text_leaks(words: list[str], ngram: int) -> None:
    held = "one two three four five six seven"
    with tempfile.TemporaryDirectory() as folder:
        guard = index(Path(folder), [held], ngram=ngram)
    text = " ".join([*words, held, *reversed(words)])
    assert guard.leaks(pl.Series([text])).all()
