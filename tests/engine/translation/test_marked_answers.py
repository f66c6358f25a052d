"""Answers that are parts of their inputs travel inside them, whatever the translator does to the marks."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydistill.engine.config import Judge, Translate
from polydistill.engine.judging.stage import JudgeStage
from polydistill.engine.translation.marked_answers import mark, read
from polydistill.engine.translation.self_translation import SelfTranslator, Written
from polydistill.engine.translation.stage import TranslateStage
from tests.engine.translation.stand_in import Each, identity

CONFIG = Translate(model="replaced by a stand-in", mark_answers=True)
PAIRS = [(f"Text {number}.", f"Satz {number}.") for number in range(8)]


@pytest.fixture
def squad(table_of: Callable[..., pa.Table]) -> pa.Table:
    """Extractive, not extractive, a part of a word only, and without input."""
    context = "It began in Rome. The war ended in 1990, they say."
    return table_of(
        "in 1990", "42", "Rom", "Rome", input=[context, context, context, ""], self=["in 1990", "Rome", None, None]
    )


@given(st.text(alphabet="ab 。<>/\n"), st.integers(0, 20), st.integers(0, 20))
def test_a_marked_answer_is_read_back(context: str, start: int, length: int) -> None:
    answer = context[start : start + length].strip()
    marked = mark(context, answer, "jpn_Jpan")
    if answer:
        assert marked is not None and read(marked) == (context, answer)
    else:
        assert marked is None


def test_only_whole_words_are_marked() -> None:
    assert mark("a barn, a bar", "bar", "eng_Latn") == "a barn, a <answer>bar</answer>"
    assert mark("a barn", "bar", "eng_Latn") is None
    assert mark("京都駅", "京都", "jpn_Jpan") == "<answer>京都</answer>駅"
    assert mark("อยู่ที่กรุงเทพมหานคร", "กรุงเทพ", "tha_Thai") == "อยู่ที่<answer>กรุงเทพ</answer>มหานคร"
    assert mark("នៅភ្នំពេញកម្ពុជា", "ភ្នំពេញ", "khm_Khmr") == "នៅ<answer>ភ្នំពេញ</answer>កម្ពុជា"
    assert mark("ຢູ່ວຽງຈັນລາວ", "ວຽງຈັນ", "lao_Laoo") == "ຢູ່<answer>ວຽງຈັນ</answer>ລາວ"
    assert mark("မန္တလေးမြို့မှာ", "မြို့", "mya_Mymr") == "မန္တလေး<answer>မြို့</answer>မှာ"
    assert mark("is <answer> a tag?", "tag", "eng_Latn") is None


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        ("Er endete <answer> 1990 </answer> dort.", ("Er endete 1990 dort.", "1990")),
        ("Er endete<answer> 1990 </answer>dort.", ("Er endete 1990 dort.", "1990")),
        ("no marks", None),
        ("<answer>x", None),
        ("x</answer>", None),
        ("<answer> </answer>x", None),
        ("</answer>x<answer>", None),
        ("<answer>a</answer><answer>b</answer>", None),
    ],
)
def test_what_comes_back(made: str, expected: tuple[str, str] | None) -> None:
    assert read(made) == expected


def test_the_answer_is_the_part_of_the_translated_input(squad: pa.Table) -> None:
    german = {
        "It began in Rome.": "Es begann in Rom.",
        "The war ended [1]in 1990[2], they say.": "[1]1990[2] endete der Krieg, heißt es.",
    }
    made = TranslateStage(CONFIG, translator=Each(lambda text: german.get(text, f"<{text}>")))(squad, ["de"])
    assert made["input"].to_pylist() == squad["input"].to_pylist()
    assert made["mt_input"][0].as_py() == "Es begann in Rom. 1990 endete der Krieg, heißt es."
    assert made["mt_truth"].to_pylist() == ["1990", "42", "<Rom>", "<Rome>"]
    assert made["mt_self"].to_pylist() == ["1990", "<Rome>", None, None]  # the student gave the same answer
    assert made["notes_truth"].to_pylist() == [[]] * 4 and made["notes_self"].to_pylist() == [[], [], None, None]
    apart = TranslateStage(CONFIG.model_copy(update={"mark_answers": False}), translator=Each(str.upper))(squad, ["de"])
    assert apart["mt_truth"].to_pylist() == ["IN 1990", "42", "ROM", "ROME"]


def test_marks_that_a_model_drops_are_found_again_between_the_parts(squad: pa.Table) -> None:
    made = TranslateStage(CONFIG, translator=Each(lambda text: text.replace("[1]", "").upper()))(squad, ["de"])
    assert made["mt_input"][0].as_py() == "IT BEGAN IN ROME. THE WAR ENDED IN 1990, THEY SAY."
    assert made["notes_input"][0].as_py() == ["span_split"]
    assert made["mt_truth"][0].as_py() == "IN 1990" and made["notes_truth"][0].as_py() == []


@pytest.mark.parametrize(
    ("change", "note"),
    [
        (lambda text: text.replace("[1]", "*").replace("[2]", "[1]").replace("*", "[2]").upper(), "swapped"),
        (lambda text: None if "[1]" in text else text.upper(), "no hypothesis"),
        (lambda text: text.replace("1990", "") if "[1]" in text else text.upper(), "nothing between them"),
    ],
)
def test_broken_marks_are_told_and_the_answer_is_dropped(squad: pa.Table, change: Callable, note: str) -> None:
    made = TranslateStage(CONFIG, translator=Each(lambda text: change(text.replace("in 1990", "1990"))))(squad, ["de"])
    text = made["mt_input"][0].as_py()
    assert text is None or "answer" not in text
    assert made["notes_truth"][0].as_py() == ["answer_lost"] == made["notes_self"][0].as_py()
    assert made["notes_truth"].to_pylist()[1:] == [[], [], []]
    judged = JudgeStage(Judge())(made)
    assert judged["reason_truth"][0].as_py() == "answer_lost"


def test_a_changed_number_in_the_answer_is_noted(squad: pa.Table) -> None:
    made = TranslateStage(CONFIG, translator=Each(lambda text: text.replace("1990", "1991")))(squad, ["de"])
    assert made["mt_truth"][0].as_py() == "in 1991" and made["notes_truth"][0].as_py() == ["number_lost"]


def test_the_student_carries_answers_through_its_own_translation(squad: pa.Table) -> None:
    asked = []

    def generate(prompts: list[str], *_: object) -> list[Written]:
        asked.extend(prompts)
        said = [text.split("`")[-3].upper().replace("ANSWER>", "answer>") for text in prompts]
        return [Written(text, "stop") for text in said]

    made = TranslateStage(CONFIG, translator=SelfTranslator(generate, lambda *_: PAIRS))(squad, ["de"])
    assert any("The war ended <answer>in 1990</answer>, they say.`\nde: `" in prompt for prompt in asked)
    assert made["mt_input"][0].as_py() == "IT BEGAN IN ROME. THE WAR ENDED IN 1990, THEY SAY."
    assert made["mt_truth"][0].as_py() == "IN 1990"


@pytest.mark.slow
def test_answers_through_a_real_model(tiny: Path, tmp_path: Path, table_of: Callable[..., pa.Table]) -> None:
    """Tinyworld's NLLB has never seen a mark: each answer is read back from the parts, or told to be lost."""
    inputs = [row["output"] for row in json.loads((tiny / "instructions.json").read_text(encoding="utf-8"))[:40]]
    answers = [text.split()[-2] for text in inputs]  # "The short form of Bulgaria is BG ."
    config = Translate(model=str(tiny / "models/nllb"), compute_type="int8", beam=1, mark_answers=True)
    made = TranslateStage(config, cache=str(tmp_path))(table_of(*answers, input=inputs), ["deu_Latn"])
    for text, answer, notes in zip(*(made[name].to_pylist() for name in ("mt_input", "mt_truth", "notes_truth"))):
        assert "answer>" not in text and (answer in text or "answer_lost" in notes)
    assert sum("answer_lost" not in notes for notes in made["notes_truth"].to_pylist()) > 30


@pytest.mark.data
def test_xquad_through_an_identity_translator(data: Path, table_of: Callable[..., pa.Table]) -> None:
    articles = json.loads(gzip.decompress((data / "xquad" / "xquad.en.json.gz").read_bytes()))["data"]
    rows = [
        (paragraph["context"], question["answers"][0]["text"])
        for article in articles
        for paragraph in article["paragraphs"]
        for question in paragraph["qas"]
    ][::4]
    contexts, answers = map(list, zip(*rows))
    made = TranslateStage(CONFIG, translator=identity)(table_of(*answers, input=contexts), ["de"])
    assert made["mt_input"].to_pylist() == contexts
    assert made["mt_truth"].to_pylist() == answers
    assert sum(note == [] for note in made["notes_truth"].to_pylist()) == len(rows) > 200
