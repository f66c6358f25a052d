"""The files of the small world: formats of the real ones, and nothing held out is given away."""

import gzip
import json
import re
from pathlib import Path

import polars as pl
import pytest

from polydistill.tinyworld import corpora
from polydistill.tinyworld.facts import LANGUAGES, SHORT, SOURCE, TARGETS, entities, facts, name, rare
from polydistill.tinyworld.templates import say

ASKED = ("q1", "q2", "q3", "q4")
TOLD = ("own", "truth", "text1", "text2")
HELD = [fact for fact in facts() if fact.split != "seen"]


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    corpora.write(folder)
    return folder


def jsonl(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_instructions_are_many_unique_and_in_two_voices(world):
    rows = json.loads((world / "instructions.json").read_text(encoding="utf-8"))
    assert len(rows) >= 3000
    assert len({(row["instruction"], row["input"]) for row in rows}) == len(rows)
    assert all(set(row) == {"instruction", "input", "output"} and row["instruction"] and row["output"] for row in rows)
    assert any(row["input"] for row in rows)
    seen = [f for f in facts() if f.split == "seen"]
    own = {task.own for fact in seen for task in corpora.tasks(fact, SOURCE)}
    assert not own & {row["output"] for row in rows}


def test_a_few_answers_of_the_file_are_wrong_and_the_students_own_never_are():
    asked = [(f, t) for f in facts() if f.split == "seen" for t in corpora.tasks(f, SOURCE)]
    wrong = sum(name(fact.answer, SOURCE) not in task.truth for fact, task in asked) / len(asked)
    assert 0.02 < wrong < 0.08
    assert all(name(fact.answer, SOURCE) in task.own for fact, task in asked)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_held_out_fact_is_stated_in_what_the_targets_are_trained_on(world, language):
    if language == SOURCE:
        text = (world / "instructions.json").read_text(encoding="utf-8")
    else:
        text = (world / "parallel" / f"{SOURCE}-{language}.tsv").read_text(encoding="utf-8")
    sentences = set(re.split(r"(?<=[.?。？]) |[\t\n\"]", text))
    assert not sentences & {say(form, fact, language) for fact in HELD for form in (*ASKED, *TOLD)}


def test_what_is_asked_in_dev_and_test_is_disjoint(world):
    asked = [{row["question"] for row in jsonl(world / use / "belebele" / "deu_Latn.jsonl")} for use in ("dev", "eval")]
    assert asked[0] and asked[1] and not asked[0] & asked[1]


def test_parallel_text_carries_every_rare_name(world):
    for target in TARGETS:
        text = (world / "parallel" / f"{SOURCE}-{target}.tsv").read_text(encoding="utf-8")
        assert [e for e in entities() if rare(e) and f"{name(e, target)}" not in text] == []


@pytest.mark.parametrize("target", TARGETS)
def test_parallel_text_and_dictionaries_are_pairs(world, target):
    pairs = pl.read_csv(
        world / "parallel" / f"{SOURCE}-{target}.tsv", has_header=False, separator="\t", quote_char=None
    )
    assert pairs.width == 2 and len(pairs) >= 1000 and pairs.null_count().sum_horizontal().item() == 0
    (file,) = [
        f
        for f in (world / "dictionaries").iterdir()
        if f.stem.split("-")[1] == target[:2].replace("jp", "ja").replace("in", "id")
    ]
    words = pl.read_csv(file, has_header=False, separator="\t", quote_char=None)
    assert words.width == 2 and len(words) > 300


@pytest.mark.parametrize("use", ["eval", "dev"])
def test_belebele_format(world, use):
    rows = {language: jsonl(world / use / "belebele" / f"{language}.jsonl") for language in LANGUAGES}
    assert len({len(r) for r in rows.values()}) == 1
    for language, questions in rows.items():
        for row, english in zip(questions, rows[SOURCE]):
            assert (row["link"], row["question_number"]) == (english["link"], english["question_number"])
            assert row["correct_answer_num"] == english["correct_answer_num"]
            answers = [row[f"mc_answer{i}"] for i in range(1, 5)]
            assert len(set(answers)) == 4 and row["dialect"] == language
    assert len({row["correct_answer_num"] for row in rows[SOURCE]}) == 4


def test_flores_lines_are_parallel_and_one_sentence_each(world):
    lines = {
        language: (world / "eval/flores/devtest" / f"{language}.devtest").read_text(encoding="utf-8").splitlines()
        for language in LANGUAGES
    }
    assert {len(text) for text in lines.values()} == {len(lines[SOURCE])} and len(lines[SOURCE]) >= 200
    parallel = (world / "parallel" / f"{SOURCE}-deu_Latn.tsv").read_text(encoding="utf-8").splitlines()
    assert not set(lines[SOURCE]) & {line.split("\t")[0] for line in parallel}


def test_xlsum_and_off_target_formats(world):
    for language in LANGUAGES:
        articles = jsonl(world / "eval/xlsum" / f"{corpora.XLSUM_NAMES[language]}_test.jsonl")
        assert len(articles) >= 80
        assert all(set(row) == {"id", "url", "title", "summary", "text"} and all(row.values()) for row in articles)
        asked = jsonl(world / "eval/off_target" / f"{language}.jsonl")
        assert all(set(row) == {"instruction", "input", "id", "output"} for row in asked)


def test_mkqa_format_and_bytes_that_repeat(world, tmp_path):
    packed = (world / "eval/mkqa/mkqa.jsonl.gz").read_bytes()
    rows = [json.loads(line) for line in gzip.decompress(packed).decode().splitlines()]
    assert len({row["example_id"] for row in rows}) == len(rows) >= 100
    for row in rows:
        assert set(row) == {"example_id", "query", "queries", "answers"} and row["query"] == row["queries"]["en"]
        for language in ("en", "de", "id", "ja"):
            (answer,) = row["answers"][language]
            assert set(answer) == {"type", "entity", "text", "aliases"} and answer["text"]
    corpora.write(tmp_path)
    for file in world.rglob("*.*"):
        assert file.read_bytes() == (tmp_path / file.relative_to(world)).read_bytes(), file


def test_a_text_to_read_holds_the_fact_and_otherwise_only_seen_ones():
    for fact in [f for f in HELD if f.family in SHORT]:
        text = corpora.passage(fact, "deu_Latn", 1)
        assert name(fact.answer, "deu_Latn") in text
        others = [f for f in HELD if f.subject == fact.subject and f != fact]
        assert not any(say(form, other, "deu_Latn") in text for other in others for form in TOLD)
