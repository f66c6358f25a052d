"""Tasks that do not survive translation, on made examples and on Alpaca rows labeled by hand."""

import gzip
import hashlib
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from polydistill.engine.config import Judge, validate
from polydistill.engine.judging.decision import reasons
from polydistill.engine.judging.pairs import translated_table
from polydistill.engine.judging.rules.language_tasks import KINDS, language_tasks
from polydistill.engine.judging.stage import JudgeStage
from polydistill.engine.judging.verdicts import Columns
from polydistill.engine.schema import Flag
from polydistill.engine.text.profile import profile, script_groups

TASKS = {
    "translation": ["Translate the sentence to Spanish.", "Say good morning in French.", "Name three German words."],
    "sound": ["Write two lines that rhyme.", "Write a haiku about rain.", "Make a pun about bees."],
    "spelling": [
        "Correct the spelling.",
        "Find an anagram of listen.",
        "Name an animal that starts with the letter T.",
    ],
    "grammar": [
        "Fix the grammar.",
        "Put it in the past tense.",
        "Which word is the verb?",
        "Find the errors in the text.",
    ],
    "counting": ["How many words are in this sentence?", "Write a ten-word summary.", "Describe it in three words."],
    "order": ["Rearrange the words to make a sentence.", "Put these words in order to form a sentence."],
    "idiom": ["Explain the idiom.", "Complete the proverb."],
}
OTHERS = [
    "Describe the weather in the mountains.",
    "Write a poem about the sea.",
    "Name three countries that speak French.",
    "Write a function that counts the words of a sentence.",
    "Write an essay of 500 words about rivers.",
    "Correct the bug in this Python program.",
    "",
]


def tasks(texts: list[str], source: str = "eng_Latn") -> Columns:
    """`language_tasks` of texts that stand among others."""
    column = pa.array(["Correct the spelling.", *texts, "Fix the grammar."], pa.string())
    rows = np.arange(1, len(texts) + 1)
    return language_tasks(column, profile(column, script_groups("deu_Latn")), rows, source)


def test_kinds_are_told_apart() -> None:
    texts = [text for texts in TASKS.values() for text in texts]
    found = tasks(texts)
    kinds = [kind for kind, texts in TASKS.items() for _ in texts]
    assert set(TASKS) == set(KINDS)
    assert [text for text, kind, i in zip(texts, kinds, range(len(texts))) if not found[kind][i]] == []


def test_other_tasks_are_left_alone() -> None:
    found = tasks(OTHERS)
    assert not np.any(list(found.values()))
    german = tasks(["Translate this grammar."], "deu_Latn")  # only English is looked at
    assert not np.any(list(german.values()))
    assert all(len(column) == 0 for column in tasks([]).values())


def test_the_flag_is_recorded_and_drops_where_asked() -> None:
    table = translated_table(["Fix the spelling of this."], ["Korrigiere die Rechtschreibung."], "eng_Latn", "deu_Latn")
    judged = JudgeStage(Judge())(table)
    assert judged["reason_instruction"].to_pylist() == [None]
    assert Flag.LANGUAGE_TASK in judged["scores_instruction"][0].as_py()["flags"]
    drop = [*Judge().rules.drop, "language_task"]
    strict = reasons(judged, validate(Judge, {"rules": {"drop": drop}}, "judge"))
    assert strict["reason"].to_pylist() == ["instruction:language_task"]


@pytest.mark.data
@pytest.mark.parametrize(("sample", "precision", "recall"), [("development", 0.9, 0.9), ("held_out", 0.8, 0.75)])
def test_rows_labeled_by_hand(data: Path, sample: str, precision: float, recall: float) -> None:
    """The labels know rows by the hash of instruction and input. The lists were made with the first sample in view."""
    labels = json.loads((Path(__file__).parent / "language_tasks.json").read_text(encoding="utf-8"))
    gold = next(entry["rows"] for entry in labels if entry["sample"] == sample)
    texts, wanted = [], []
    with gzip.open(data / "alpaca" / "alpaca_28k.jsonl.gz", "rt", encoding="utf-8") as file:
        for row in map(json.loads, file):
            key = hashlib.sha256(f"{row['instruction']}\n{row['input']}".encode()).hexdigest()[:16]
            if key in gold:
                texts.append(row["instruction"])
                wanted.append(bool(gold[key]))
    assert len(texts) == 300
    found = np.any(list(tasks(texts).values()), axis=0)
    hits = (found & np.array(wanted)).sum()
    assert hits / found.sum() >= precision and hits / sum(wanted) >= recall
