"""What is to be mixed is checked before anything is read, and what decides the content is known."""

import json
from pathlib import Path

import pytest

from polydistill.engine.config import Dictionaries, Parallel, PromptSource
from polydistill.engine.errors import UserError
from polydistill.engine.mixing.job import Job, Sections, make_job, origin
from polydistill.engine.mixing.recipe import load_recipe
from polydistill.engine.storage.pool import open_pool
from polydistill.engine.storage.shards import Folder
from tests.engine.pool_fixture import row, write_run

TARGETS = ("deu_Latn", "jpn_Jpan")


@pytest.fixture
def run(tmp_path: Path) -> str:
    return write_run(tmp_path / "run", {target: [row(i, target) for i in range(4)] for target in TARGETS}, unit_rows=2)


@pytest.fixture
def sections(tmp_path: Path) -> Sections:
    for name, text in (("words/en-de.txt", "a b\n"), ("words/en-ja.txt", "a c\n"), ("text/en-de.tsv", "Yes.\tJa.\n")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return Sections(
        dictionaries=Dictionaries(path=str(tmp_path / "words")),
        parallel=Parallel(path=str(tmp_path / "text"), rows=None),
    )


def job_of(runs: str | list[str], recipe: str, sections: Sections | None = None, *sets: str, **options: object) -> Job:
    pools = [open_pool(run) for run in ([runs] if isinstance(runs, str) else runs)]
    values: dict = {"targets": None, "out": Folder.of("nowhere")} | options
    return make_job(pools, load_recipe(recipe, list(sets)), 0, sections or Sections(), **values)


def test_units_and_pairs_of_several_pools(run: str, tmp_path: Path) -> None:
    french = [row(i, "deu_Latn", source="fra_Latn") for i in range(3)]
    job = job_of([run, write_run(tmp_path / "fr", {"deu_Latn": french}, unit_rows=2)], "t_sft")
    assert job.targets == TARGETS and job.sources == ("eng_Latn", "fra_Latn")
    assert job.pool_targets(1) == ["deu_Latn"] and job.units(0) == [0, 1] == job.units(1)
    assert len(job.pairs) == 4 and ("fra_Latn", "jpn_Jpan") in job.pairs
    only = job_of(run, "t_sft", targets=["jpn_Jpan"])
    assert only.targets == ("jpn_Jpan",) and only.pairs == [("eng_Latn", "jpn_Jpan")]


@pytest.mark.parametrize(
    ("recipe", "options", "message"),
    [
        (
            "t_sft",
            {"targets": ["fra_Latn"]},
            r"no pool in fra_Latn: .*/units has deu_Latn, jpn_Jpan\. Run ",
        ),
        ("xcot", {}, r"recipe xcot needs the section `dictionaries: "),
        ("m_llm", {}, r"recipe m_llm needs the section `parallel: "),
    ],
)
def test_what_is_lacking_is_said(recipe: str, options: dict, message: str, run: str) -> None:
    with pytest.raises(UserError, match=message):
        job_of(run, recipe, **options)


def test_native_rows_need_a_section_with_languages(run: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps([{"question": "Q", "answer": "A"}]))
    without = Sections(native=[PromptSource(path=str(tmp_path / "a.json"))])
    sets = ["subsets.N={task: native}"]
    with pytest.raises(UserError, match=r"needs the section `native: "):
        job_of(run, "sft", None, *sets)
    with pytest.raises(UserError, match=r"a\.json: say in which language its rows are"):
        job_of(run, "sft", without, *sets)
    named = Sections(native=[PromptSource(path=str(tmp_path / "a.json"), language="de")])
    assert job_of(run, "sft", named, *sets).native == tuple(named.native)
    assert job_of(run, "sft", named).native == ()  # a recipe without such a subset reads none


def test_an_unfinished_pool_is_refused_or_counted(run: str) -> None:
    Path(run, "units/jpn_Jpan/000001.json").unlink()
    with pytest.raises(UserError, match=r"of 2 units jpn_Jpan lacks 1.*--partial"):
        job_of(run, "t_sft")
    job = job_of(run, "t_sft", partial=True)
    assert job.missing_units == 1 and job.units(0) == [0]
    assert job_of(run, "t_sft", targets=["deu_Latn"]).missing_units == 0


def test_numbers_of_pairs_go_by_any_name_of_a_language(run: str, tmp_path: Path, sections: Sections) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"pairs": {"de": 5, "Japanese": 0}}))
    parallel = Parallel(path=str(tmp_path), allocation=str(tmp_path / "a.json"))
    job = job_of(run, "m_llm", Sections(parallel=parallel))
    assert job.parallel and job.parallel.rows == {"deu_Latn": 5, "jpn_Jpan": 0}
    (tmp_path / "a.json").write_text(json.dumps({"pairs": {"de": 5}}))
    with pytest.raises(UserError, match="no number of sentence pairs for jpn_Jpan"):
        job_of(run, "m_llm", Sections(parallel=parallel))
    for text in ("{}", "[1]", '{"pairs": 3}'):
        (tmp_path / "a.json").write_text(text)
        with pytest.raises(UserError, match=r"a\.json: no 'pairs' in it"):
            job_of(run, "m_llm", Sections(parallel=parallel))
    for text, message in (
        ('{"pairs": {"de": "many"}}', r"a\.json:\n  rows.*'many'"),
        ('{"pairs": {"de": -1}}', r"a\.json:\n  rows.*-1"),
        ("{", r"a\.json: broken JSON"),
    ):
        (tmp_path / "a.json").write_text(text)
        with pytest.raises(UserError, match=message):
            job_of(run, "m_llm", Sections(parallel=parallel))
    (tmp_path / "a.json").unlink()
    with pytest.raises(UserError, match=r"a\.json: no such file"):
        job_of(run, "m_llm", Sections(parallel=parallel))


def test_the_origin_knows_files_by_content(run: str, tmp_path: Path, sections: Sections) -> None:
    before = origin(job_of(run, "sdrrl", sections))
    assert origin(job_of(run, "sdrrl", sections)) == before
    assert before.parallel["eng_Latn-jpn_Jpan"] is None and before.parallel["eng_Latn-deu_Latn"]
    (tmp_path / "words/en-de.txt").write_text("a d\n")
    after = origin(job_of(run, "sdrrl", sections))
    changed = {key for key in before.dictionaries if before.dictionaries[key] != after.dictionaries[key]}
    assert changed == {"eng_Latn -> deu_Latn", "deu_Latn -> eng_Latn"} and after.parallel == before.parallel
    assert origin(job_of(run, "sft", sections)).dictionaries == {}  # a recipe that switches nothing reads none


def test_the_origin_knows_pools_by_content(run: str, tmp_path: Path) -> None:
    rows = {target: [row(i, target) for i in range(4)] for target in TARGETS}
    copy = write_run(tmp_path / "copy", rows, unit_rows=2)
    rows["deu_Latn"][3]["truth"] = "Another."
    other = write_run(tmp_path / "other", rows, unit_rows=2)
    pools = [origin(job_of(each, "t_sft")).pools for each in (run, copy, other)]
    assert pools[0] == pools[1] != pools[2]
    only = [origin(job_of(each, "t_sft", targets=["jpn_Jpan"])).pools for each in (run, other)]
    assert only[0] == only[1]
