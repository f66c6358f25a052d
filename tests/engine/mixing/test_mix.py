"""Mixing as a whole: repeatable, complete or refused, safe against faults."""

import json
import os
import signal
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from polydistill.engine.config import Judge, Leakage, Quality
from polydistill.engine.errors import DamagedError, UserError
from polydistill.engine.mixing import worker
from polydistill.engine.mixing.job import Sections, make_job
from polydistill.engine.mixing.recipe import load_recipe
from polydistill.engine.mixing.tasks.pool import PoolTask
from polydistill.engine.storage.pool import open_pool
from polydistill.engine.storage.run_folder import exclusive
from polydistill.engine.storage.shards import Folder
from tests.engine.mixing.mixing_fixture import (
    DE,
    JA,
    TARGETS,
    made,
    mixed,
    rows_of,
)
from tests.engine.pool_fixture import row, write_run


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
