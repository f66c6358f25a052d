"""Every recipe, row by row: which question meets which answer."""

from pathlib import Path

import polars as pl
import pytest

from polydistill.engine.config import Dictionaries
from polydistill.engine.errors import UserError
from polydistill.engine.mixing.recipe import names
from tests.engine.mixing.mixing_fixture import DE, EN, JA, QUESTION, TARGETS, answer, asked, expected, made, samples
from tests.engine.pool_fixture import row, write_run


def test_sdrrl_row_by_row(run: str, tmp_path: Path, sections: dict) -> None:
    frame, record = made(run, "sdrrl", tmp_path / "out", sections)
    en, de, ja = "eng_Latn", *TARGETS
    assert sorted(samples(frame, "LL", en)) == expected(en, en, "0123")
    assert samples(frame, "TL", de) == asked(expected(de, en, "013"), "Please answer in English.")
    assert samples(frame, "LT", de) == asked(expected(en, de, "0123"), "Bitte antworte auf Deutsch.")
    assert samples(frame, "TT", de) == expected(de, de, "013")
    assert samples(frame, "TL", ja) == asked(expected(ja, en, "0123"), "Please answer in English.")
    assert samples(frame, "LT", ja) == asked(expected(en, ja, "012"), "日本語で答えてください。")
    assert samples(frame, "TT", ja) == expected(ja, ja, "012")
    dropped = {subset.name: subset.dropped for subset in record.subsets}
    assert dropped["LL"] == {"self:error": 1}
    assert dropped["TL"] == {"self:error": 2, "instruction:off_target": 1}
    assert dropped["LT"] == {"self:error": 2, "truth:low_quality": 1}
    assert dropped["TT"] == {"self:error": 2, "instruction:off_target": 1, "truth:low_quality": 1}
    for name, prompts in (("LL", 5), ("TL", 10), ("LT", 10), ("TT", 10)):  # nothing is lost without a reason
        assert record.subset(name).rows + sum(dropped[name].values()) == prompts
    languages = frame.select("subset", "question_language", "answer_language").unique().rows()
    assert {("TL", de, en), ("LT", en, ja), ("TT", ja, ja), ("LL", en, en), ("comp", de, de)} <= set(languages)


def test_sdrrl_literal_names_no_language(run: str, tmp_path: Path, sections: dict) -> None:
    frame, _ = made(run, "sdrrl_literal", tmp_path / "out", sections)
    en, de, ja = "eng_Latn", *TARGETS
    assert samples(frame, "TL", de) == expected(de, en, "013")
    assert samples(frame, "LT", ja) == expected(en, ja, "012")
    named, _ = made(run, "sdrrl", tmp_path / "named", sections)
    same = ["LL", "TT", "mt", "comp"]
    rest, others = (one.filter(pl.col("subset").is_in(same)) for one in (frame, named))
    assert rest.sort(rest.columns).equals(others.sort(others.columns))


def test_parallel_tasks_of_sdrrl(run: str, tmp_path: Path, sections: dict) -> None:
    frame, record = made(run, "sdrrl", tmp_path / "out", sections)
    mt = frame.filter((pl.col("subset") == "mt") & (pl.col("target") == "deu_Latn"))
    to, back = (
        f"Translate the following sentence from {a} to {b}." for a, b in (("English", "German"), ("German", "English"))
    )
    assert set(mt.select("instruction", "input", "response").rows()) == {
        (to, "The sun is warm.", "Die Sonne ist warm."),
        (to, "Yes.", "Ja."),
        (back, "Die Sonne ist warm.", "The sun is warm."),
        (back, "Ja.", "Yes."),
    }
    comp = frame.filter(pl.col("subset") == "comp")
    german, japanese = (
        comp.filter(pl.col("target") == t).select("instruction", "input", "response").rows() for t in TARGETS
    )
    assert len(german) == 1  # "Ja." has no border to cut at
    assert record.subset("comp").dropped == {"text:one_word": 1}
    instruction, prefix, sentence = german[0]
    assert instruction == "Complete the following sentence in German according to its context."
    assert prefix in ("Die", "Die Sonne", "Die Sonne ist") and sentence == "Die Sonne ist warm."
    assert all(whole.startswith(part) and 0 < len(part) < len(whole) for _, part, whole in japanese)


PLAIN = {  # recipe -> {(subset, target): (question's language, answer's, the rows kept)}; every answer is the truth
    "sft": {("LL", EN): (EN, EN, "01234")},
    "t_sft": {("LL", EN): (EN, EN, "01234"), ("TT", DE): (DE, DE, "0134")},
    "x_llm": {("TT", JA): (JA, JA, "0124"), ("LL", EN): (EN, EN, "01234")},
    "m_llm": {("TT", DE): (DE, DE, "0134"), ("LL", EN): (EN, EN, "01234")},
    "self_translate_train_src": {("src", EN): (EN, EN, "01234")},
    "self_translate_train_tgt": {("tgt", JA): (JA, JA, "0124")},
    "sdrrl_no_self": {("TT", DE): (DE, DE, "0134"), ("TT", JA): (JA, JA, "0124")},
}


@pytest.mark.parametrize("recipe", PLAIN)
def test_recipes_that_take_the_truth(recipe: str, run: str, tmp_path: Path, sections: dict) -> None:
    frame, _ = made(run, recipe, tmp_path / "out", sections)
    for (subset, target), (question, language, kept) in PLAIN[recipe].items():
        assert samples(frame, subset, target) == [
            (QUESTION[question].format(n), answer("Truth", int(n), language), "truth") for n in kept
        ]


def test_xcot_row_by_row(tmp_path: Path, sections: dict) -> None:
    """The data's answers, also where the student has none; questions of both languages are switched."""
    rows = [row(i, "deu_Latn", input="nothing", self=None, self_error="error: x") for i in range(4)]
    run = write_run(tmp_path / "run", {"deu_Latn": rows})
    sections["dictionaries"] = Dictionaries(path=str(tmp_path / "words"))
    (tmp_path / "words").mkdir()
    (tmp_path / "words/en-de.txt").write_text("nothing nichts\nQuestion Frage\n")
    frame, record = made(run, "xcot", tmp_path / "out", sections, "code_switch.questions=1")
    assert samples(frame, "LL", "eng_Latn") == [(f"Frage {n}?", f"Truth {n}.", "truth") for n in range(4)]
    assert samples(frame, "TT", "deu_Latn") == [(f"de:Question {n}?", f"de:Truth {n}.", "truth") for n in range(4)]
    assert frame.filter(pl.col("subset") == "LL")["input"].to_list() == ["nichts"] * 4
    assert {subset.name: subset.rows for subset in record.subsets} == {"LL": 4, "TT": 4}


CIT = ["TL", "LT", "TL", "TT", "TL", "TL", "TL", "LT", "LT", "LL", "TT", "TT", "TT", "LT", "LL", "LT"]
"""What the seed draws for German and the rows 0..15: language of the question, then of the answer."""


def test_cit_row_by_row(tmp_path: Path, sections: dict) -> None:
    """Every row once, in its own subset, the request behind the input, also where the answer is a number."""
    rows = [row(i, "deu_Latn", input="a b" if i % 2 else "") for i in range(16)]
    rows[2] |= {"truth": "42", "mt_truth": "42"}
    run = write_run(tmp_path / "run", {"deu_Latn": rows})
    frame, record = made(run, "cit", tmp_path / "out", sections)
    expected = {name: [] for name in ("LL", "LT", "TL", "TT")}
    for n, name in enumerate(CIT):
        question, german = "de:" if name[0] == "T" else "", name[1] == "T"
        request = f"Answer in {'German' if german else 'English'}:"
        truth = "42" if n == 2 else f"Truth {n}."
        answer_ = truth if n == 2 else f"de:{truth}" if german else truth
        instruction, input_ = f"{question}Question {n}?", f"{question}a b" if n % 2 else ""
        if input_:
            input_ = f"{input_} {request}"
        else:
            instruction = f"{instruction} {request}"
        expected[name].append((instruction, input_, answer_))
    for name, wanted in expected.items():
        part = frame.filter(pl.col("subset") == name)
        assert part.select("instruction", "input", "response").rows() == wanted
        assert record.subset(name).dropped == {"part:other": 16 - len(wanted)}


def test_requests_stand_behind_the_input(tmp_path: Path, sections: dict) -> None:
    run = write_run(tmp_path / "run", {"deu_Latn": [row(0, "deu_Latn", input="a b")]})
    frame, _ = made(run, "self_translate_train_cs", tmp_path / "out", sections)
    part = frame.filter(pl.col("subset") == "cs_LT")
    assert part.select("instruction", "input").rows() == [("Question 0?", "a b Bitte antworte auf Deutsch.")]


@pytest.mark.parametrize(
    ("form", "question"),
    [
        ("squad", "Context: a b\nQuestion: Question 0?"),
        (
            "multinli",
            "Premise: a b\nHypothesis: Question 0?\nWhat is their logical relation? Entailment, Neutral or "
            "Contradiction.",
        ),
        ("'{input} | {instruction}'", "a b | Question 0?"),
    ],
)
def test_formats_of_questions(form: str, question: str, tmp_path: Path, sections: dict) -> None:
    rows = [row(0, "deu_Latn", input="a b"), row(1, "deu_Latn")]
    run = write_run(tmp_path / "run", {"deu_Latn": rows})
    frame, _ = made(run, "sft", tmp_path / "out", sections, f"format={form}")
    assert frame.select("instruction", "input").rows() == [(question, ""), ("Question 1?", "")]


def test_what_a_language_lacks_is_said_before_mixing(tmp_path: Path, sections: dict) -> None:
    run = write_run(tmp_path / "run", {"ewe_Latn": [row(0, "ewe_Latn")]})
    (Path(sections["dictionaries"].path) / "en-ee.txt").write_text("nothing naneke\n")
    with pytest.raises(UserError, match=r"'Please answer in Ewe\.' in ewe_Latn itself is known"):
        made(run, "sdrrl", tmp_path / "out", sections)
    sections["parallel"] = sections["parallel"].model_copy(update={"rows": {"de": 1}})
    with pytest.raises(UserError, match="no number of sentence pairs for ewe_Latn"):
        made(run, "x_llm", tmp_path / "out", sections)


def test_code_switched_pairs_of_self_translate_train(run: str, tmp_path: Path, sections: dict) -> None:
    frame, _ = made(run, "self_translate_train_cs", tmp_path / "out", sections)
    assert samples(frame, "cs_LT", "deu_Latn")[0] == ("Question 0? Bitte antworte auf Deutsch.", "de:Truth 0.", "truth")
    assert samples(frame, "cs_TL", "jpn_Jpan")[0] == ("jp:Question 0? Please answer in English.", "Truth 0.", "truth")


def test_numbers_are_in_no_language(tmp_path: Path, sections: dict) -> None:
    run = write_run(tmp_path / "run", {"deu_Latn": [row(0, "deu_Latn", truth="42", mt_truth="42")]})
    frame, _ = made(run, "self_translate_train_cs", tmp_path / "out", sections)
    assert samples(frame, "cs_LT", "deu_Latn") == [("Question 0?", "42", "truth")]


@pytest.mark.parametrize(
    ("recipe", "subsets"),
    [
        ("sdrrl_no_cross", {"LL", "TT", "mt", "comp"}),
        ("sdrrl_no_parallel", {"LL", "TL", "LT", "TT"}),
        ("sdrrl_parallel_only", {"mt", "comp"}),
        ("sdrrl_no_switch", {"LL", "TL", "LT", "TT", "mt", "comp"}),
    ],
)
def test_ablations_hold_what_they_should(recipe: str, subsets: set, run: str, tmp_path: Path, sections: dict) -> None:
    full, _ = made(run, "sdrrl", tmp_path / "full", sections)
    frame, _ = made(run, recipe, tmp_path / "out", sections)
    part = full.filter(pl.col("subset").is_in(list(subsets)))
    assert frame.sort(frame.columns).equals(part.sort(frame.columns))  # the rest of the mixture stays the same
    assert set(frame["subset"]) == subsets


def test_every_recipe_mixes(tmp_path: Path, sections: dict) -> None:
    rows = {target: [row(i, target) for i in range(16)] for target in TARGETS}
    run = write_run(tmp_path / "more", rows)
    for name in names():
        _, record = made(run, name, tmp_path / name, sections)
        assert record.rows == sum(shard.rows for shard in record.shards) > 0, name
