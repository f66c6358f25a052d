"""Tokens: what is learnt, what is only data, what is left out."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from polydistill.engine.errors import UserError
from polydistill.engine.generation.templates import render
from polydistill.engine.mixing.mixture import Mixture
from polydistill.engine.schema import MIXTURE
from polydistill.engine.storage.shards import Folder
from polydistill.trainer.data import samples as tokenization
from polydistill.trainer.data.samples import Samples
from polydistill.trainer.records import SubsetFigures, TokensRecord
from tests.engine.mixture_fixture import write_mixture

HOW = tokenization.Recipe("alpaca", 4096, "drop", 0.0, 0)


@pytest.fixture(scope="module")
def tokenizer(student: str) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(student)


def mixture_rows(*rows: tuple[str, str, str], subset: str = "LL") -> pa.Table:
    """(instruction, input, response) as MIXTURE rows."""
    count = len(rows)
    values: dict[str, list[Any]] = {
        "id": [f"{i:016x}" for i in range(count)],
        "subset": [subset] * count,
        "instruction": [row[0] for row in rows],
        "input": [row[1] for row in rows],
        "response": [row[2] for row in rows],
        "switched": [0] * count,
        "switchable": [0] * count,
        "weight": [1.0] * count,
    }
    return pa.table(
        {f.name: pa.array(values.get(f.name, ["eng_Latn"] * count), f.type) for f in MIXTURE}, schema=MIXTURE
    )


@pytest.mark.parametrize("template", ["alpaca", "raw", "chat"])
def test_answer_and_end_are_learnt_and_the_prompt_is_not(template: Any, tokenizer: Any) -> None:
    how = tokenization.Recipe(template, 4096, "drop", 0.0, 0)
    table, counts = tokenization.tokenize(mixture_rows(("Add 1 and 2", "", "It is 3")), tokenizer, ["LL"], how)
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
    how = tokenization.Recipe(template, 4096, "drop", 0.0, 0)
    table, _ = tokenization.tokenize(mixture_rows((row[0], row[1], row[2])), tokenizer, ["LL"], how)
    plain, _ = tokenization.tokenize(mixture_rows(("What does", "this mean", "It ends")), tokenizer, ["LL"], how)
    tokens, usual = table["tokens"][0].as_py(), plain["tokens"][0].as_py()
    assert (tokens.count(0), tokens.count(1)) == (usual.count(0), usual.count(1))
    assert "</s><s> twice </s>" in tokenizer.decode([t for t in tokens if t > 1])


def test_added_control_tokens_are_data_too(student: str) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(student)
    tokenizer.add_tokens(["<tool_call>"])
    number = tokenizer.convert_tokens_to_ids("<tool_call>")
    table, _ = tokenization.tokenize(mixture_rows(("Say <tool_call>", "", "<tool_call>!")), tokenizer, ["LL"], HOW)
    assert number not in table["tokens"][0].as_py()
    assert tokenizer.decode(table["tokens"][0].as_py()[table["prompt"][0].as_py() :]) == "<tool_call>!</s>"


def test_everything_left_out_is_counted(tokenizer: Any) -> None:
    rows = mixture_rows(("a", "", "b"), ("a", "", ""), ("a", "", "long " * 40), ("long " * 60, "", "b"))
    drop, counts = tokenization.tokenize(rows, tokenizer, ["LL"], tokenization.Recipe("raw", 64, "drop", 0.0, 0))
    assert drop.num_rows == 1 and counts == {"no_answer": 1, "too_long": 2}
    cut, counts = tokenization.tokenize(rows, tokenizer, ["LL"], tokenization.Recipe("raw", 64, "truncate", 0.0, 0))
    assert cut.num_rows == 2 and counts == {"no_answer": 1, "truncated": 1, "too_long": 1}
    assert len(cut["tokens"][1]) == 64


def test_validation_keeps_a_prompts_rows_together(tokenizer: Any) -> None:
    rows = mixture_rows(*[(f"question {i}", "", "answer") for i in range(200)])
    how = tokenization.Recipe("raw", 512, "drop", 0.3, 0)
    first, _ = tokenization.tokenize(rows, tokenizer, ["LL"], how)
    other = rows.set_column(rows.schema.get_field_index("instruction"), "instruction", [["frage"] * 200])
    second, _ = tokenization.tokenize(other, tokenizer, ["LL"], how)
    assert first["validation"].to_pylist() == second["validation"].to_pylist()
    assert 30 < sum(first["validation"].to_pylist()) < 90


def prepared(root: Path, tokenizer: Any, how: tokenization.Recipe, *tables: pa.Table) -> TokensRecord:
    mixture, target = Mixture.open(write_mixture(root / "mixture", *tables)), Folder.of(root / "tokens")
    key = tokenization.fingerprint(mixture, tokenizer, how)
    for rank in range(2):
        tokenization.write_part(mixture, target, tokenizer, how, rank, 2, key)
    return tokenization.write_manifest(mixture, target, key)


def test_samples_are_those_written(tokenizer: Any, tmp_path: Path) -> None:
    """Over several shards and ranks, an empty shard among them."""
    how = tokenization.Recipe("raw", 512, "drop", 0.0, 0)
    tables = [mixture_rows(*[(f"q{i}{j}", "", "a" * j) for j in range(1, 5)]) for i in range(3)]
    manifest = prepared(tmp_path, tokenizer, how, tables[0], tables[1][:0], tables[2])
    samples = Samples.open(Folder.of(tmp_path / "tokens"), manifest)
    assert len(samples.length) == 8 and samples.answer.tolist() == [2, 3, 4, 5] * 2
    assert tokenizer.decode(samples.tokens(6)) == "<s>q23\naaa</s>"
    assert samples.row_id(6) == f"{2:016x}"
    assert samples.tokens(6).base is not None  # a view, not a copy
    assert manifest.figures["LL"] == SubsetFigures(samples=8, answer_tokens=28, validation_samples=0)


def test_empty_subsets_are_refused(tokenizer: Any, tmp_path: Path) -> None:
    how = tokenization.Recipe("raw", 24, "drop", 0.0, 0)
    with pytest.raises(UserError, match=r"no sample is left of subset mt \(too_long 1\)"):
        prepared(
            tmp_path / "a", tokenizer, how, mixture_rows(("q", "", "a")), mixture_rows(("q" * 50, "", "a"), subset="mt")
        )
    with pytest.raises(UserError, match=r"no sample is left to train on \(no_answer 1\)"):
        prepared(tmp_path / "b", tokenizer, how, mixture_rows(("q", "", "")))


def test_fingerprint_follows_what_matters(tokenizer: Any, tmp_path: Path) -> None:
    x, y = (Mixture.open(write_mixture(tmp_path / text, mixture_rows(("q", "", text)))) for text in ("x", "y"))
    base = tokenization.fingerprint(x, tokenizer, HOW)
    assert base == tokenization.fingerprint(x, tokenizer, HOW)
    assert base != tokenization.fingerprint(y, tokenizer, HOW)
    heavy = replace(x, record=replace(x.record, subsets=(replace(x.record.subsets[0], weight=2.0),)))
    assert base != tokenization.fingerprint(heavy, tokenizer, HOW)
    assert base != tokenization.fingerprint(x, tokenizer, tokenization.Recipe("raw", 4096, "drop", 0.0, 0))


def test_numbers_survive_arrow(tokenizer: Any) -> None:
    table, _ = tokenization.tokenize(mixture_rows(("q", "", "a")), tokenizer, ["LL"], HOW)
    assert table.schema == tokenization.TOKENS and np.asarray(table["tokens"][0].as_py()).min() >= 0
