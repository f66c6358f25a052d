"""The samples of one subset: each row is taken, or left out with one reason; coin and parts are fair."""

from string import Formatter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polydistill.engine.mixing.counts import Counts, Dropped, Made, Switching
from polydistill.engine.mixing.recipe import Recipe, Subset
from polydistill.engine.mixing.subsets import pool_subset, unusable
from polydistill.engine.mixing.switching.codeswitch import Lexicon
from polydistill.engine.mixing.texts import Rows, SourceTexts, TargetTexts
from polydistill.engine.schema import MIXTURE, POOL
from tests.engine.pool_fixture import row

COIN = {"truth": 0.3, "self": 0.7}
KINDS = [{}, {"reason_truth": "copied"}, {"reason_instruction": "off_target"}, {"self": None}, {"truth": ""}]


def rows_of(*columns: dict, target: str = "deu_Latn") -> Rows:
    table = pa.Table.from_pylist([row(i, target, **one) for i, one in enumerate(columns)], schema=POOL)
    source = SourceTexts(table)
    return Rows(source, TargetTexts(table, target, source))


def recipe(**subset: object) -> Recipe:
    values = {"question": "target", "answer": "target", "answers": COIN} | subset
    return Recipe(subsets={"X": Subset(**values)})


def none(text: str, replacements: str) -> Lexicon | None:
    return None


@settings(max_examples=25)
@given(st.lists(st.sampled_from(KINDS), min_size=1, max_size=12), st.sampled_from(["source", "target"]), st.integers(0))
def test_every_row_is_taken_or_counted_once(kinds: list[dict], side: str, seed: int) -> None:
    rows, counts = rows_of(*kinds), Counts()
    made = pool_subset(rows, recipe(question=side, answer=side), "X", seed, none, counts)
    assert made.schema.equals(MIXTURE)
    assert counts.rows.total() == made.num_rows and made.num_rows + counts.dropped.total() == len(kinds)
    assert set(made["id"].to_pylist()) <= set(rows.source.ids.to_pylist())
    assert {key.target for key in [*counts.rows, *counts.dropped]} == {"eng_Latn" if side == "source" else "deu_Latn"}
    mark = "" if side == "source" else "de:"
    for sample in made.to_pylist():
        assert sample["instruction"].startswith(f"{mark}Question")
        assert sample["response"].startswith(f"{mark}{sample['answer'].capitalize()}")


def test_only_what_the_subset_needs_is_asked_for() -> None:
    """A bad translation of the question does no harm where the question stays in the source language."""
    rows, counts = rows_of({"reason_instruction": "off_target"}, {}), Counts()
    cross = recipe(question="source", answers={"truth": 1.0})
    assert pool_subset(rows, cross, "X", 0, none, counts).num_rows == 2
    within = pool_subset(rows, recipe(answers={"truth": 1.0}), "X", 0, none, counts)
    assert within["instruction"].to_pylist() == ["de:Question 1?"]
    assert counts.dropped == {Dropped("X", "deu_Latn", "instruction:off_target"): 1}
    assert counts.rows == {Made("X", "deu_Latn"): 3}


def test_the_coin_falls_as_often_as_it_says_and_alike_in_every_language() -> None:
    """300 of 1000 expected with a standard deviation of 14.5."""
    german, japanese = (rows_of(*[{}] * 1000, target=target) for target in ("deu_Latn", "jpn_Jpan"))
    truths = [unusable(rows, recipe(), recipe().subsets["X"], 3)[1] for rows in (german, japanese)]
    assert 240 < truths[0].sum() < 360 and np.array_equal(*truths)
    other = unusable(german, recipe(), recipe().subsets["X"], 4)[1]
    assert 0 < (other != truths[0]).sum() < 1000


def test_parts_share_the_rows_out_without_overlap() -> None:
    parts = {"a": 0.2, "b": 0.8}
    subsets = {name: Subset(question="source", answer="target", part=name) for name in parts}
    both = Recipe(parts=parts, subsets=subsets)
    rows, counts = rows_of(*[{}] * 500), Counts()
    ids = {name: set(pool_subset(rows, both, name, 1, none, counts)["id"].to_pylist()) for name in parts}
    assert not ids["a"] & ids["b"] and len(ids["a"] | ids["b"]) == 500
    assert 60 < len(ids["a"]) < 140  # 100 expected, standard deviation 8.9


def test_rows_of_the_source_language_are_no_target_samples() -> None:
    rows, counts = rows_of({}, target="eng_Latn"), Counts()
    assert pool_subset(rows, recipe(), "X", 0, none, counts).num_rows == 0
    assert counts.dropped == {Dropped("X", "eng_Latn", "target:same_language"): 1}


def test_only_some_rows_are_looked_at() -> None:
    rows, counts = rows_of({}, {"reason_instruction": "copied"}, {"reason_instruction": "copied"}, {}), Counts()
    among = np.array([True, True, False, False])
    made = pool_subset(rows, recipe(answers={"truth": 1.0}), "X", 0, none, counts, among)
    assert made["response"].to_pylist() == ["de:Truth 0."] and counts.dropped.total() == 1


@pytest.mark.parametrize(
    ("ask", "answers", "asked"),
    [
        ("native", ["yes", "42"], ["deux? Bitte antworte auf Deutsch.", "deux?"]),
        ("Answer in {language}:", ["yes", "42"], ["deux? Answer in German:", "deux? Answer in German:"]),
    ],
)
def test_requests_follow_the_question_where_the_answer_has_letters(ask: str, answers: list, asked: list) -> None:
    rows = rows_of(*[{"instruction": "deux?", "truth": text, "mt_truth": text} for text in answers])
    made = pool_subset(rows, recipe(question="source", ask=ask, answers={"truth": 1.0}), "X", 0, none, Counts())
    assert made["instruction"].to_pylist() == asked


def test_a_format_joins_input_and_instruction_and_leaves_nothing_behind() -> None:
    form = "{input}: {instruction} {{}}"
    assert [name for _, name, _, _ in Formatter().parse(form)][:2] == ["input", "instruction"]
    formatted = recipe(question="source", answers={"truth": 1.0}).model_copy(update={"format": form})
    made = pool_subset(rows_of({"input": "a {b}"}, {}), formatted, "X", 0, none, Counts())
    assert made["instruction"].to_pylist() == ["a {b}: Question 0? {}", "Question 1?"]
    assert made["input"].to_pylist() == ["", ""]


def test_a_language_pair_without_a_lexicon_stays_unswitched() -> None:
    counts, asked = Counts(), []

    def lexicons(text: str, replacements: str) -> Lexicon | None:
        asked.append((text, replacements))
        return None

    made = pool_subset(rows_of({}), recipe(switch=1.0), "X", 0, lexicons, counts)
    assert asked == [("deu_Latn", "eng_Latn")] and made["switched"].to_pylist() == [0]
    assert counts.switchable == {} and Switching("deu_Latn", "eng_Latn") not in counts.switched
