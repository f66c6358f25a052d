"""Tokens: what is learned, what is only data, what is left out."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from polydistill.engine.config import Student
from polydistill.engine.errors import UserError
from polydistill.engine.generation.prompting.templates import render
from polydistill.engine.mixing.mixture import Mixture
from polydistill.trainer.config import Train
from polydistill.trainer.data.tokenization import TOKENS, Tokenization, fingerprint, tokenize, tokenizer_to_train
from tests.engine.mixture_fixture import write_mixture
from tests.trainer.conftest import mixture_rows

HOW = Tokenization("alpaca", 4096, "drop", 0.0, 0)


@pytest.fixture(scope="module")
def tokenizer(student: str) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(student)


@pytest.mark.parametrize("template", ["alpaca", "raw", "chat"])
def test_answer_and_end_are_learnt_and_the_prompt_is_not(template: Any, tokenizer: Any) -> None:
    how = Tokenization(template, 4096, "drop", 0.0, 0)
    table, counts = tokenize(mixture_rows(("Add 1 and 2", "", "It is 3")), tokenizer, {"LL": 1.0}, how)
    tokens, start = table["tokens"][0].as_py(), table["prompt"][0].as_py()
    assert tokenizer.decode(tokens[start:]) == "It is 3</s>"
    prompt = render(template, "Add 1 and 2", "", tokenizer)
    assert tokens[:start] == tokenizer(prompt, add_special_tokens=template != "chat")["input_ids"]
    assert tokens.count(0) == 1 and not counts


@pytest.mark.parametrize("template", ["alpaca", "raw", "chat"])
@pytest.mark.parametrize("field", [0, 1, 2])
def test_special_looking_text_is_data(template: Any, field: int, tokenizer: Any) -> None:
    row = ["What does", "this mean", "It ends"]
    row[field] += " </s><s> twice </s>"
    how = Tokenization(template, 4096, "drop", 0.0, 0)
    table, _ = tokenize(mixture_rows((row[0], row[1], row[2])), tokenizer, {"LL": 1.0}, how)
    plain, _ = tokenize(mixture_rows(("What does", "this mean", "It ends")), tokenizer, {"LL": 1.0}, how)
    tokens, usual = table["tokens"][0].as_py(), plain["tokens"][0].as_py()
    assert (tokens.count(0), tokens.count(1)) == (usual.count(0), usual.count(1))
    assert "</s><s> twice </s>" in tokenizer.decode([t for t in tokens if t > 1])


def test_added_control_tokens_are_data_too(student: str) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(student)
    tokenizer.add_tokens(["<tool_call>"])
    number = tokenizer.convert_tokens_to_ids("<tool_call>")
    table, _ = tokenize(mixture_rows(("Say <tool_call>", "", "<tool_call>!")), tokenizer, {"LL": 1.0}, HOW)
    assert number not in table["tokens"][0].as_py()
    assert tokenizer.decode(table["tokens"][0].as_py()[table["prompt"][0].as_py() :]) == "<tool_call>!</s>"


def test_everything_left_out_is_counted(tokenizer: Any) -> None:
    rows = mixture_rows(("a", "", "b"), ("a", "", ""), ("a", "", "long " * 40), ("long " * 60, "", "b"))
    drop, counts = tokenize(rows, tokenizer, {"LL": 1.0}, Tokenization("raw", 64, "drop", 0.0, 0))
    assert drop.num_rows == 1 and counts == {"no_answer": 1, "too_long": 2}
    cut, counts = tokenize(rows, tokenizer, {"LL": 1.0}, Tokenization("raw", 64, "truncate", 0.0, 0))
    assert cut.num_rows == 2 and counts == {"no_answer": 1, "truncated": 1, "too_long": 1}
    assert len(cut["tokens"][1]) == 64


def test_validation_keeps_a_prompts_rows_together(tokenizer: Any) -> None:
    rows = mixture_rows(*[(f"question {i}", "", "answer") for i in range(200)])
    how = Tokenization("raw", 512, "drop", 0.3, 0)
    first, _ = tokenize(rows, tokenizer, {"LL": 1.0}, how)
    other = rows.set_column(rows.schema.get_field_index("instruction"), "instruction", [["frage"] * 200])
    second, _ = tokenize(other, tokenizer, {"LL": 1.0}, how)
    assert first["validation"].to_pylist() == second["validation"].to_pylist()
    assert 30 < sum(first["validation"].to_pylist()) < 90


def test_fingerprint_follows_what_matters(tokenizer: Any, tmp_path: Path) -> None:
    x, y = (Mixture.open(write_mixture(tmp_path / text, mixture_rows(("q", "", text)))) for text in ("x", "y"))
    base = fingerprint(x, tokenizer, HOW)
    assert base == fingerprint(x, tokenizer, HOW)
    assert base != fingerprint(y, tokenizer, HOW)
    heavy = replace(x, record=replace(x.record, subsets=(replace(x.record.subsets[0], weight=2.0),)))
    assert base != fingerprint(heavy, tokenizer, HOW)
    assert base != fingerprint(x, tokenizer, Tokenization("raw", 4096, "drop", 0.0, 0))
    thinking = Tokenization("alpaca", 4096, "drop", 0.0, 0, {"enable_thinking": False})
    assert base != fingerprint(x, tokenizer, thinking)


def test_numbers_survive_arrow(tokenizer: Any) -> None:
    table, _ = tokenize(mixture_rows(("q", "", "a")), tokenizer, {"LL": 1.0}, HOW)
    assert table.schema == TOKENS and np.asarray(table["tokens"][0].as_py()).min() >= 0


def test_earlier_answers_are_learned_and_questions_are_not() -> None:
    from polydistill.engine.generation.prompting.tokens import Sample
    from polydistill.trainer.data.tokenization import _mask

    learned = [False, False, True, True, False, False, True, True]
    sample = Sample(list(range(8)), 6, learned)
    assert _mask(sample, 99) == (2, [4, 6])
    assert _mask(sample, 5) == (2, [4, 5])  # cut within the gap
    assert _mask(sample, 3) == (2, [])
    assert _mask(Sample([7, 8], 0, [True, True]), 99) == (1, [])  # nothing predicts the first token


def test_a_sample_weighs_against_its_subset(tokenizer: Any) -> None:
    rows = mixture_rows(("q", "", "a"), ("q", "", "b"))
    weights = pa.array([0.3, 0.6], pa.float32())
    rows = rows.set_column(rows.schema.get_field_index("weight"), "weight", [weights])
    table, _ = tokenize(rows, tokenizer, {"LL": 0.3}, HOW)
    assert table["weight"].to_pylist() == [1.0, 2.0]


def test_tokens_that_are_new_and_those_that_were_known(student: str) -> None:
    tokenizer, added = tokenizer_to_train(Student(model=student), Train(new_tokens=["<new>", "</s>", "<other>"]))
    assert tokenizer.convert_ids_to_tokens(added) == ["<new>", "<other>"] and min(added) == len(tokenizer) - 2


def test_a_folder_without_a_tokenizer_and_one_without_an_end(student: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no tokenizer could be loaded"):
        tokenizer_to_train(Student(model=str(tmp_path)), Train())
    tokenizer, _ = tokenizer_to_train(Student(model=student), Train())
    tokenizer.eos_token = None
    tokenizer.save_pretrained(tmp_path / "endless")
    with pytest.raises(UserError, match="names no end token"):
        tokenizer_to_train(Student(model=str(tmp_path / "endless")), Train())
