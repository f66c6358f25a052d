import json

import polars as pl
import pytest

from polydistill.engine.config import PromptSource
from polydistill.engine.errors import UserError
from polydistill.engine.prompts.prepare import prepare
from polydistill.engine.storage.shards import Folder

# A row of GSM8K's kind.
ANSWER = "She sold 48/2 = <<48/2=24>>24 clips in May.\nIn all 48+24 = <<48+24=72>>72.\n#### 72"
PLAIN = "She sold 48/2 = 24 clips in May.\nIn all 48+24 = 72.\n#### 72"


@pytest.mark.parametrize(("keep", "truth"), [(True, ANSWER), (False, PLAIN)])
def test_calculator_marks_go_where_that_is_asked_for(tmp_path, keep, truth):
    pl.DataFrame({"question": ["How many clips?"], "answer": [ANSWER]}).write_ndjson(tmp_path / "gsm8k.jsonl")
    source = PromptSource(path=str(tmp_path / "gsm8k.jsonl"), calculator_marks=keep)
    prompts = prepare([source], "eng_Latn", Folder.of(tmp_path / "run"), 10)
    assert prompts.table(0)["truth"].to_pylist() == [truth]
    assert prompts.record.mended.get("calculator", 0) == (0 if keep else 1)


def test_prompts_with_and_without_marks_are_not_the_same(tmp_path):
    pl.DataFrame({"question": ["How many clips?"], "answer": [ANSWER]}).write_ndjson(tmp_path / "gsm8k.jsonl")
    path, folder = str(tmp_path / "gsm8k.jsonl"), Folder.of(tmp_path / "run")
    prepare([PromptSource(path=path)], "eng_Latn", folder, 10)
    with pytest.raises(UserError, match=r"calculator_marks of gsm8k\.jsonl was True, is False"):
        prepare([PromptSource(path=path, calculator_marks=False)], "eng_Latn", folder, 10)


TRACED = "<think>\nTwo and two.\n</think>\n\nIt is 4."


def read(tmp_path, rows, **settings):
    """The prompts of rows of one file."""
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return prepare([PromptSource(path=str(path), **settings)], "eng_Latn", Folder.of(tmp_path / "run"), 10)


def test_reasoning_before_an_answer_is_cut_off_and_counted(tmp_path, capfd):
    rows = [
        {"instruction": "2 + 2?", "output": TRACED},
        {"instruction": "Long?", "output": f"<think>{'so ' * 100}</think>Yes."},
        {"instruction": "Cut?", "output": "<think>Let me see"},
        {"instruction": "Tags?", "output": "Write <think> and </think> in HTML."},
        {"instruction": "<think>this</think> is what?", "output": "A question."},
    ]
    prompts = read(tmp_path, rows, max_chars=100)  # what is cut off does not make an answer too long
    answers = ["It is 4.", "Yes.", "", "Write <think> and </think> in HTML.", "A question."]
    assert prompts.table(0)["truth"].to_pylist() == answers
    assert prompts.table(0)["instruction"][4].as_py() == "<think>this</think> is what?"
    assert prompts.record.mended == {"reasoning": 2, "reasoning_unfinished": 1}
    assert "2 rows have reasoning before an answer" in capfd.readouterr().err


def test_reasoning_in_a_conversation_is_cut_off_in_the_assistant_s_turns(tmp_path):
    turns = [("user", TRACED), ("assistant", TRACED), ("user", "And 3 + 3?"), ("assistant", "<think></think>6")]
    prompts = read(tmp_path, [{"messages": [{"role": role, "content": text} for role, text in turns]}])
    (row,) = prompts.table(0).to_pylist()
    assert [turn["content"] for turn in row["history"]] == [TRACED, "It is 4."]
    assert (row["truth"], prompts.record.mended) == ("6", {"reasoning": 1})


def test_reasoning_may_be_kept_and_makes_other_prompts(tmp_path):
    rows = [{"instruction": "2 + 2?", "output": TRACED}]
    assert read(tmp_path, rows, reasoning="keep").table(0)["truth"].to_pylist() == [TRACED]
    with pytest.raises(UserError, match=r"reasoning of rows\.jsonl was keep, is cut"):
        read(tmp_path, rows)


def test_given_translations_are_cleaned_as_their_source(tmp_path):
    rows = [
        {"question": "2 + 2?", "answer": ANSWER, "question_de": "2 + 2?", "answer_de": f"<think>so</think>{ANSWER}"}
    ]
    given = {"columns": {"instruction": "question_de", "answer": "answer_de"}}
    prompts = read(tmp_path, rows, calculator_marks=False, translations={"de": given})
    assert prompts.given(0, ["deu_Latn"])["deu_Latn"]["truth"].to_pylist() == [PLAIN]
