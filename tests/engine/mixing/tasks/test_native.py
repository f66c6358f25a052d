"""Rows that are in a target language from the beginning."""

import json
from pathlib import Path

import pytest

from polydistill.cli.mix import describe
from polydistill.engine.config import Leakage, PromptSource
from polydistill.engine.errors import UserError
from polydistill.engine.mixing.job import Sections
from polydistill.engine.mixing.mix import mix
from polydistill.engine.mixing.mixture import Mixture
from polydistill.engine.mixing.recipe import load_recipe
from polydistill.engine.storage.shards import Folder, read_shard
from tests.engine.pool_fixture import row, write_run


def write(path: Path, count: int) -> str:
    rows = [{"question": f"Frage {i}?", "answer": f"Antwort {i}.", "context": "x" * (i % 2)} for i in range(count)]
    path.write_text("".join(json.dumps(one) + "\n" for one in [*rows, rows[0], {"question": "Ohne?", "answer": ""}]))
    return str(path)


def mixed(tmp_path: Path, sources: list[PromptSource], *sets: str, **sections: Leakage) -> Mixture:
    run = write_run(tmp_path / "run", {"deu_Latn": [row(i, "deu_Latn") for i in range(3)]})
    recipe = load_recipe("self_translate_train_src", list(sets))
    return mix(run, recipe, Folder.of(tmp_path / "out"), sections=Sections(native=sources, **sections))


def test_self_translate_train_src_row_by_row(tmp_path: Path) -> None:
    """D_src and the first eight target samples."""
    sources = [PromptSource(path=write(tmp_path / "eight.jsonl", 20), language="de")]
    mixture = mixed(tmp_path, sources)
    rows = [one for shard in mixture.record.shards for one in read_shard(mixture.folder, shard).to_pylist()]
    found = {
        name: [(r["instruction"], r["input"], r["response"]) for r in rows if r["subset"] == name]
        for name in ("src", "shots")
    }
    assert found["src"] == [(f"Question {i}?", "", f"Truth {i}.") for i in range(3)]
    assert found["shots"] == [(f"Frage {i}?", "x" * (i % 2), f"Antwort {i}.") for i in range(8)]
    assert {(r["source"], r["target"], r["answer"]) for r in rows if r["subset"] == "shots"} == {
        ("deu_Latn", "deu_Latn", "truth")
    }
    assert mixture.record.subset("shots").targets == {"deu_Latn": 8}


def test_a_users_own_rows_are_all_taken(tmp_path: Path) -> None:
    sources = [PromptSource(path=write(tmp_path / "own.jsonl", 12), language="de")]
    record = mixed(tmp_path, sources, "subsets.shots.rows=null").record
    assert record.subset("shots").rows == 12 and record.subset("shots").dropped == {"truth:missing": 1, "duplicate": 1}


def test_what_is_near_to_an_evaluation_file_is_left_out(tmp_path: Path) -> None:
    rows = [{"question": "Wie viele Beine haben acht Spinnen und drei Hunde?", "answer": "76"}]
    (tmp_path / "own.jsonl").write_text(
        "".join(json.dumps(one) + "\n" for one in [*rows, {"question": "a", "answer": "b"}])
    )
    (tmp_path / "held.txt").write_text("wie viele beine haben acht spinnen und drei hunde\n")
    sources = [PromptSource(path=str(tmp_path / "own.jsonl"), language="de")]
    guard = Leakage(against=[str(tmp_path / "held.txt")])
    record = mixed(tmp_path, sources, "subsets.shots.rows=null", leakage=guard).record
    assert record.subset("shots").dropped == {"leakage:instruction": 1}


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="needs the section `native"):
        mixed(tmp_path, [])
    path = write(tmp_path / "own.jsonl", 5)
    with pytest.raises(UserError, match="say in which language"):
        mixed(tmp_path, [PromptSource(path=path)])
    with pytest.raises(UserError, match="takes 8 rows of deu_Latn, but only 5 are usable"):
        mixed(tmp_path, [PromptSource(path=path, language="de")])
    with pytest.raises(UserError, match="takes no translations"):
        mixed(tmp_path, [PromptSource(path=path, language="de", translations={"fr": {"key": "fr"}})])


def test_a_language_without_rows_is_named(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", {t: [row(i, t) for i in range(3)] for t in ("deu_Latn", "jpn_Jpan")})
    sections = Sections(native=[PromptSource(path=write(tmp_path / "own.jsonl", 8), language="de")])
    with pytest.raises(UserError, match="no source has `language: jpn_Jpan`"):
        mix(run, load_recipe("self_translate_train_src"), Folder.of(tmp_path / "out"), sections=sections)


def test_rows_of_a_language_that_is_no_target_are_counted(tmp_path: Path) -> None:
    paths = {language: write(tmp_path / f"{language}.jsonl", 9) for language in ("de", "ja", "en")}
    sources = [PromptSource(path=path, language=language) for language, path in paths.items()]
    record = mixed(tmp_path, sources).record
    assert record.subset("shots").targets == {"deu_Latn": 8}
    assert record.subset("shots").dropped == {"language:no_target": 18, "duplicate": 3, "truth:missing": 3}


def test_nothing_is_left_out_without_being_counted_or_named(tmp_path: Path) -> None:
    """Rows: usable, unreadable, empty, repeated, beyond the sample. Columns: of a role, and another."""
    rows = [{"question": f"Frage {i}?", "answer": f"Antwort {i}.", "remark": "gut"} for i in range(9)]
    bad = [{"question": ["keine"], "answer": "x"}, {"question": "", "answer": "x"}, rows[2], rows[2]]
    (tmp_path / "own.jsonl").write_text("".join(json.dumps(one) + "\n" for one in [*rows, *bad]) + "{\n[\n")
    source = PromptSource(path=str(tmp_path / "own.jsonl"), language="de", sample=5)
    record = mixed(tmp_path, [source], "subsets.shots.rows=null").record
    assert record.unused == {"own.jsonl": {"remark": 11}}
    own = record.subset("shots")
    counted = {"wrong_type": 1, "empty_instruction": 1, "duplicate": 2, "bad_json": 2, "not_sampled": 4}
    assert own.dropped == counted and own.rows == 5 == len(rows) + len(bad) + 2 - sum(counted.values())
    assert "own.jsonl: not used: remark (11 rows)" in describe(record)


def test_a_conversation_near_to_an_evaluation_file_is_left_out(tmp_path: Path) -> None:
    held = "Wie viele Beine haben acht Spinnen und drei Hunde?"
    talks = [
        [
            {"role": "user", "content": first},
            {"role": "assistant", "content": "76"},
            {"role": "user", "content": "Und?"},
        ]
        for first in (held, "Hallo, wie geht es dir heute in der Stadt am Fluss?")
    ]
    rows = [{"messages": [*talk, {"role": "assistant", "content": "Gut."}]} for talk in talks]
    (tmp_path / "own.jsonl").write_text("".join(json.dumps(one) + "\n" for one in rows))
    (tmp_path / "held.txt").write_text(held + "\n")
    sources = [PromptSource(path=str(tmp_path / "own.jsonl"), language="de")]
    guard = Leakage(against=[str(tmp_path / "held.txt")])
    mixture = mixed(tmp_path, sources, "subsets.shots.rows=null", leakage=guard)
    assert mixture.record.subset("shots").dropped == {"leakage:history": 1}
    kept = [one for shard in mixture.record.shards for one in read_shard(mixture.folder, shard).to_pylist()]
    assert [one["history"][0]["content"] for one in kept if one["subset"] == "shots"] == [talks[1][0]["content"]]
