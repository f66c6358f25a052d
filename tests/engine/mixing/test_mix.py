import json
import os
import signal
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from polars.testing import assert_frame_equal

from polydistill.engine.config import Dictionaries, Judge, Leakage, Parallel, PromptSource, Quality
from polydistill.engine.errors import DamagedError, UserError
from polydistill.engine.mixing import worker
from polydistill.engine.mixing.job import Sections, make_job
from polydistill.engine.mixing.mix import mix
from polydistill.engine.mixing.mixture import Mixture, MixtureRecord
from polydistill.engine.mixing.recipe import load_recipe, names
from polydistill.engine.mixing.tasks.pool import PoolTask
from polydistill.engine.schema import MIXTURE
from polydistill.engine.storage.pool import open_pool
from polydistill.engine.storage.run_folder import exclusive
from polydistill.engine.storage.shards import Folder, read_shard
from tests.engine.pool_fixture import row, write_run

SEED = 1  # the coins of rows 0..4 show: truth, self, truth, truth, self; German's parts: same, cross, same, same, same
TARGETS = ("deu_Latn", "jpn_Jpan")
QUESTION = {"deu_Latn": "de:Question {}?", "jpn_Jpan": "jp:Question {}?", "eng_Latn": "Question {}?"}


def answer(text: str, number: int, language: str) -> str:
    return ("" if language == "eng_Latn" else f"{language[:2]}:") + f"{text} {number}."


@pytest.fixture
def run(tmp_path: Path) -> str:
    """Five prompts, two languages: 2's German question is off target, 3's Japanese answer bad, 4 has no own answer."""
    german = [row(i, "deu_Latn") for i in range(5)]
    japanese = [row(i, "jpn_Jpan") for i in range(5)]
    german[2]["reason_instruction"] = "off_target"
    japanese[3]["reason_truth"] = "low_quality"
    for rows in (german, japanese):
        rows[4] |= {"self": None, "mt_self": None, "self_error": "error: prompt too long"}
    return write_run(tmp_path / "run", {"deu_Latn": german, "jpn_Jpan": japanese}, unit_rows=2)


@pytest.fixture
def sections(tmp_path: Path) -> dict:
    words = tmp_path / "dictionaries"
    words.mkdir()
    (words / "en-de.txt").write_text("nothing nichts\n")
    (words / "en-jp.txt").write_text("nothing\t何も\n")
    text = tmp_path / "parallel"
    text.mkdir()
    (text / "eng_Latn-deu_Latn.tsv").write_text("The sun is warm.\tDie Sonne ist warm.\nYes.\tJa.\n")
    (text / "eng_Latn-jpn_Jpan.tsv").write_text("The sun is warm.\t太陽は暖かい。\nYes.\tはい。\n", encoding="utf-8")
    (tmp_path / "native.json").write_text(json.dumps([{"question": f"Q{i}", "answer": "A"} for i in range(8)]))
    native = [PromptSource(path=str(tmp_path / "native.json"), language=target) for target in TARGETS]
    return {
        "native": native,
        "dictionaries": Dictionaries(path=str(words)),
        "parallel": Parallel(path=str(text), rows=None),
    }


def rows_of(mixture: Mixture) -> pl.DataFrame:
    tables = [read_shard(mixture.folder, shard) for shard in mixture.record.shards]
    for table in tables:
        assert table.schema.equals(MIXTURE)
    return pl.DataFrame(pl.from_arrow(pa.concat_tables(tables)))


def mixed(run: str | list[str], recipe: str, out: Path, sections: dict | None = None, *sets: str, **more) -> Mixture:
    given = Sections(**(sections or {}))
    return mix(run, load_recipe(recipe, list(sets)), Folder.of(out), sections=given, **{"seed": SEED} | more)


def made(run: str, recipe: str, out: Path, sections: dict, *sets: str, **more) -> tuple[pl.DataFrame, MixtureRecord]:
    mixture = mixed(run, recipe, out, sections, *sets, **more)
    return rows_of(mixture), mixture.record


def samples(frame: pl.DataFrame, subset: str, target: str) -> list[tuple[str, str, str]]:
    part = frame.filter((pl.col("subset") == subset) & (pl.col("target") == target))
    return part.select("instruction", "response", "answer").rows()


def expected(question: str, answers: str, kept: str) -> list[tuple[str, str, str]]:
    coins = {"0": "truth", "1": "self", "2": "truth", "3": "truth", "4": "self"}
    return [(QUESTION[question].format(n), answer(coins[n].capitalize(), int(n), answers), coins[n]) for n in kept]


def asked(rows: list[tuple[str, str, str]], request: str) -> list[tuple[str, str, str]]:
    return [(f"{question} {request}", response, which) for question, response, which in rows]


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


EN, DE, JA = "eng_Latn", "deu_Latn", "jpn_Jpan"
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


def test_answers_cut_short_are_left_out(tmp_path: Path, sections: dict) -> None:
    rows = [row(i, "deu_Latn", self_error="length" if i == 1 else None) for i in range(2)]
    _, record = made(
        write_run(tmp_path / "run", {"deu_Latn": rows}), "sft", tmp_path / "out", sections, "answers={self: 1}"
    )
    assert record.subset("LL").dropped == {"self:length": 1}


def test_units_shards_and_processes_change_nothing(tmp_path: Path, sections: dict) -> None:
    pools = {target: [row(i, target, input="nothing") for i in range(300)] for target in TARGETS}
    small, large = (write_run(tmp_path / f"run{n}", pools, unit_rows=n) for n in (7, 300))
    frames = [
        made(small, "sdrrl", tmp_path / "serial", sections, processes=1)[0],
        made(small, "sdrrl", tmp_path / "spawned", sections, processes=2)[0],
        made(large, "sdrrl", tmp_path / "large", sections, processes=1)[0],
    ]
    assert all(frame["history"].null_count() == frame.height for frame in frames)
    frames = [frame.drop("history").sort(pl.all()) for frame in frames]
    for frame in frames[1:]:
        assert_frame_equal(frames[0], frame)


def test_seed_repeats_and_changes_everything(tmp_path: Path, sections: dict) -> None:
    run = write_run(tmp_path / "run", {"deu_Latn": [row(i, "deu_Latn", input="nothing") for i in range(200)]})
    frames = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        frames.append(rows_of(mixed(run, "sdrrl", tmp_path / name, sections, seed=seed)))
    assert frames[0].equals(frames[1])
    pool = [frame.filter(pl.col("subset") == "LT") for frame in frames]
    assert pool[0]["answer"].to_list() != pool[2]["answer"].to_list()
    assert pool[0]["input"].to_list() != pool[2]["input"].to_list()


def test_a_folder_keeps_its_mixture(run: str, tmp_path: Path, sections: dict) -> None:
    _, first = made(run, "sft", tmp_path / "out", sections)
    assert made(run, "sft", tmp_path / "out", sections)[1] == first
    with pytest.raises(UserError, match=r"another mixture:\n  recipe.name"):
        made(run, "t_sft", tmp_path / "out", sections)
    with pytest.raises(UserError, match="seed"):
        mixed(run, "sft", tmp_path / "out", sections, seed=5)


def test_leftovers_of_a_killed_mixing_go(run: str, tmp_path: Path, sections: dict) -> None:
    made(run, "sdrrl", tmp_path / "out", sections)
    (tmp_path / "out/manifest.json").unlink()
    (tmp_path / "out/notes.txt").write_text("mine")
    _, record = made(run, "sft", tmp_path / "out", sections)
    kept = {"manifest.json", "notes.txt", "run.lock", *(shard.path for shard in record.shards)}
    assert set(Folder.of(tmp_path / "out").names()) == kept


def test_what_is_missing_is_named(run: str, tmp_path: Path, sections: dict) -> None:
    with pytest.raises(UserError, match="dictionaries"):
        mixed(run, "xcot", tmp_path / "a")
    Path(sections["dictionaries"].path, "en-jp.txt").unlink()
    with pytest.raises(UserError, match=r"no dictionary for eng_Latn -> jpn_Jpan.*en-ja\.txt"):
        made(run, "xcot", tmp_path / "b", sections)
    skip = sections | {"dictionaries": sections["dictionaries"].model_copy(update={"missing": "skip"})}
    _, record = made(run, "xcot", tmp_path / "c", skip)
    assert {(one.replacements, one.path) for one in record.dictionaries if one.replacements == JA} == {(JA, None)}
    empty = write_run(tmp_path / "empty", {"deu_Latn": [row(0, "deu_Latn", truth="")]})
    with pytest.raises(UserError, match=r"no sample is left.*truth:missing"):
        mixed(empty, "sft", tmp_path / "d")


def test_unfinished_pool_is_refused(run: str, tmp_path: Path) -> None:
    Path(run, "units/jpn_Jpan/000001.json").unlink()
    with pytest.raises(UserError, match="of 3 units jpn_Jpan lacks 1"):
        mixed(run, "sft", tmp_path / "out")
    record = mixed(run, "t_sft", tmp_path / "out", targets=["deu_Latn"]).record
    assert record.targets == ("deu_Latn",) and record.subset("LL").rows == 5 and record.missing_units == 0


def test_a_pool_whose_end_is_missing_everywhere_is_refused(run: str, tmp_path: Path) -> None:
    """As a run leaves it that was killed: all languages of the last unit are missing."""
    for target in TARGETS:
        Path(run, f"units/{target}/000002.json").unlink()
    with pytest.raises(UserError, match=r"of 3 units deu_Latn lacks 1, jpn_Jpan lacks 1.*--partial"):
        mixed(run, "sft", tmp_path / "out")
    record = mixed(run, "sft", tmp_path / "out", partial=True).record
    assert record.missing_units == 2 and record.subset("LL").rows == 4
    Path(run, "prompts/manifest.json").unlink()
    with pytest.raises(UserError, match="no record of the prompts"):
        mixed(run, "sft", tmp_path / "other")


def test_altered_and_swapped_shards_are_noticed(run: str, tmp_path: Path) -> None:
    one, other = Path(run, "pool/jpn_Jpan/000000.arrow"), Path(run, "pool/jpn_Jpan/000001.arrow")
    first, second = one.read_bytes(), other.read_bytes()
    at = first.index(b"jp:Truth")
    one.write_bytes(first[:at] + b"J" + first[at + 1 :])
    with pytest.raises(DamagedError, match=r"jpn_Jpan/000000\.arrow: damaged"):
        mixed(run, "t_sft", tmp_path / "a")
    one.write_bytes(first)
    records = [Path(run, f"units/jpn_Jpan/00000{unit}.json") for unit in (0, 1)]
    texts = [record.read_text() for record in records]
    for record, text in zip(records, reversed(texts)):  # whole shards, records in each other's place
        record.write_text(text)
    with pytest.raises(DamagedError, match="the record of another unit"):
        mixed(run, "t_sft", tmp_path / "b")
    assert other.read_bytes() == second


def test_two_mixings_in_one_folder_are_refused(run: str, tmp_path: Path) -> None:
    with exclusive(Folder.of(tmp_path / "out")), pytest.raises(UserError, match="another run is writing here"):
        mixed(run, "sft", tmp_path / "out")


def test_a_worker_that_dies_ends_mixing_with_a_message(
    run: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "_start", _die)
    tasks = [PoolTask(0, (unit,)) for unit in range(3)]
    pools = [open_pool(run)]
    job = make_job(pools, load_recipe("sft"), 0, Sections(), None, Folder.of(tmp_path / "out"))
    with pytest.raises(UserError, match="was ended from outside"):
        list(worker.run_tasks(job, tasks, 2))


def _die(path: str) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_several_sources(run: str, tmp_path: Path, sections: dict) -> None:
    french = [row(i + 10, "deu_Latn", source="fra_Latn") for i in range(3)]
    again = [row(i, "deu_Latn") for i in range(2)]  # prompts that the first pool has as well
    other = write_run(tmp_path / "other", {"deu_Latn": french + again})
    record = mixed([run, other], "t_sft", tmp_path / "out").record
    assert record.sources == ("eng_Latn", "fra_Latn")
    assert record.subset("LL").targets == {"eng_Latn": 5, "fra_Latn": 3}
    assert record.subset("LL").dropped == {"prompt:in_earlier_pool": 2}


@pytest.mark.parametrize(
    ("sampling", "shares"),
    [("temperature=1", (0.9, 0.1)), ("temperature=1000", (0.5, 0.5)), ("shares={de: 0.3, ja: 0.7}", (0.3, 0.7))],
)
def test_language_shares(sampling: str, shares: tuple, tmp_path: Path) -> None:
    rows = {target: [row(i, target) for i in range(1000)] for target in TARGETS}
    for bad in rows["jpn_Jpan"][: 1000 - 1000 // 9]:
        bad["reason_truth"] = "low_quality"
    run = write_run(tmp_path / "run", rows)
    record = mixed(run, "t_sft", tmp_path / "out", None, f"sampling.{sampling}", seed=0).record
    counts = record.subset("TT").targets
    total = sum(counts.values())
    assert abs(total - 1111) < 60  # the total stays, up to the draw
    assert [counts[target] / total for target in TARGETS] == pytest.approx(shares, abs=0.03)


def test_allocation_decides_the_pairs(run: str, tmp_path: Path, sections: dict) -> None:
    (tmp_path / "allocation.json").write_text(json.dumps({"pairs": {"de": 2, "ja": 1}}))
    sections["parallel"] = sections["parallel"].model_copy(update={"allocation": str(tmp_path / "allocation.json")})
    _, record = made(run, "m_llm", tmp_path / "out", sections)
    assert record.subset("mt").targets == {"deu_Latn": 2, "jpn_Jpan": 1}


def test_leakage_is_kept_out(run: str, tmp_path: Path, sections: dict) -> None:
    held = tmp_path / "belebele.jsonl"
    held.write_text(json.dumps({"question": "Say: Die Sonne ist so warm wie noch nie."}) + "\n")
    rows = [row(i, "deu_Latn") for i in range(3)]
    rows[1] |= {"instruction": "Say: die Sonne ist SO warm wie noch nie!"}
    leaky = write_run(tmp_path / "leaky", {"deu_Latn": rows})
    guard = Leakage(against=[str(held)], ngram=8)
    _, record = made(leaky, "t_sft", tmp_path / "out", sections | {"leakage": guard})
    assert record.subset("LL").dropped == {"leakage:instruction": 1}
    assert record.subset("TT").dropped == {"leakage:instruction": 1}


def test_other_thresholds_than_the_runs(tmp_path: Path) -> None:
    scores = {"language": "deu_Latn", "language_score": 1.0, "target_share": 1.0, "length_ratio": 1.0}
    scores |= {"repetition": 0.0, "copied": 0.0, "script": 1.0, "flags": []}
    rows = [row(i, "deu_Latn", self=None) for i in range(3)]
    for one, quality in zip(rows, (0.95, 0.85, 0.75)):
        one |= {"scores_instruction": scores | {"quality": 0.99}, "scores_truth": scores | {"quality": quality}}
    run = write_run(tmp_path / "scored", {"deu_Latn": rows})
    for threshold, kept in ((0.8, 2), (0.9, 1)):
        judge = Judge(quality=Quality(model="any", threshold=threshold))
        record = mixed(run, "t_sft", tmp_path / f"out{threshold}", {"judge": judge}).record
        assert record.subset("TT").targets == {"deu_Latn": kept}
        assert record.subset("TT").dropped == {"truth:low_quality": 3 - kept}


def test_command(run: str, tmp_path: Path, sections: dict) -> None:
    import typer
    from typer.testing import CliRunner

    from polydistill.cli.mix import command

    Path(run, "config.yaml").write_text(
        f"output: {run}\nseed: 1\ndictionaries: {{path: {sections['dictionaries'].path}}}\n"
    )
    app = typer.Typer()
    app.command()(command)
    arguments = [run, "--recipe", "sdrrl", "--parallel", sections["parallel"].path, "--set", "parallel.rows=1"]
    result = CliRunner().invoke(app, [*arguments, "--set", "subsets.comp=null"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert "switched eng_Latn -> deu_Latn" in result.output and "off_target" in result.output
    record = Mixture.open(f"{run}/mixtures/sdrrl").record
    assert list(record.weights) == ["LL", "TL", "LT", "TT", "mt"]
    assert record.subset("mt").rows == 4 and record.seed == 1


def test_conversations_keep_their_turns(tmp_path: Path, sections: dict) -> None:
    """System prompt and history stand in the question's language; a bad turn costs the row where it would be used."""
    turns = [
        {"role": "user", "content": "Hi", "payload": None},
        {"role": "assistant", "content": "Ho", "payload": "{}"},
    ]
    german = {"mt_system": "Sei nett.", "mt_history": ["Hallo", "Ho!"], "reason_history": [None, None]}
    rows = [
        row(0, DE, system="Be kind.", history=turns, **german),
        row(1, DE, system="Be brief.", mt_system="Be brief.", reason_system="copied"),
        row(2, DE),
    ]
    run = write_run(tmp_path / "run", {DE: rows})
    frame, record = made(run, "t_sft", tmp_path / "out", sections)
    source = frame.filter(pl.col("subset") == "LL").select("system", "history").rows()
    assert source == [("Be kind.", turns), ("Be brief.", None), (None, None)]
    target = frame.filter(pl.col("subset") == "TT").select("system", "history", "instruction").rows()
    translated = [turns[0] | {"content": "Hallo"}, turns[1] | {"content": "Ho!"}]
    assert target == [("Sei nett.", translated, "de:Question 0?"), (None, None, "de:Question 2?")]
    assert record.subset("TT").dropped == {"system:copied": 1}
