import json
import multiprocessing

import pyarrow as pa
import pytest

from polydistill.engine.config import Synthesis, validate
from polydistill.engine.errors import UserError
from polydistill.engine.storage import units
from polydistill.engine.storage.run_folder import open_pool
from polydistill.engine.storage.shards import Folder


def config(tmp_path, **changes) -> Synthesis:
    data = {"output": str(tmp_path), "targets": ["de"], "prompts": {"path": "a.json"}, "translate": {"model": "m"}}
    return validate(Synthesis, data | changes, "test")


def test_the_same_configuration_may_go_on(tmp_path):
    place = Folder.of(tmp_path)
    first = units.check_fingerprint(place, config(tmp_path))
    units.write_fingerprint(place, config(tmp_path))
    assert units.check_fingerprint(place, config(tmp_path)) == first


@pytest.mark.parametrize(
    "change",
    [
        {"targets": ["de", "ja"]},
        {"work": {"retries": 5, "translate": {"actors": 3}}},
        {"translate": {"model": "m", "batch_tokens": 512, "threads": 2}},
        {"output": "elsewhere"},
    ],
)
def test_run_time_knobs_may_change(tmp_path, change):
    place = Folder.of(tmp_path)
    first = units.check_fingerprint(place, config(tmp_path))
    units.write_fingerprint(place, config(tmp_path))
    assert units.check_fingerprint(place, config(tmp_path, **change)) == first


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"seed": 1}, "seed"),
        ({"translate": {"model": "m", "beam": 1}}, "translate.beam"),
        ({"judge": {"rules": {"repetition": 0.2}}}, "judge.rules.repetition"),
        ({"work": {"unit_rows": 7}}, "work.unit_rows"),
        ({"student": {"model": "s"}}, "student.model"),
    ],
)
def test_what_changes_rows_is_refused_by_name(tmp_path, change, field):
    place = Folder.of(tmp_path)
    units.write_fingerprint(place, config(tmp_path))
    with pytest.raises(UserError, match=rf"{field}: was .*, now "):
        units.check_fingerprint(place, config(tmp_path, **change))


def test_other_weights_under_the_same_path_are_noticed(tmp_path):
    model = tmp_path / "model"
    model.mkdir()
    (model / "model.safetensors").write_bytes(b"a" * 5_000_000)
    before = units.model_identity(str(model))
    (model / "model.safetensors").write_bytes(b"a" * 4_999_999 + b"b")
    assert units.model_identity(str(model)) != before


def test_missing_units_are_those_without_a_record(tmp_path):
    place = Folder.of(tmp_path)
    table = pa.table({"reason": pa.array([None, "x"])})
    units.commit_pool(place, 1, "deu_Latn", table, {"rows": 2})
    (tmp_path / "pool" / "deu_Latn" / "000000.arrow").write_bytes(b"half a shard, without a record")
    assert units.missing(place, 3, ["deu_Latn", "jpn_Jpan"]) == {
        0: ["deu_Latn", "jpn_Jpan"],
        1: ["jpn_Jpan"],
        2: ["deu_Latn", "jpn_Jpan"],
    }
    pool = open_pool(place)
    assert pool.units == [1] and pool.rows("deu_Latn") == 2
    record = json.loads((tmp_path / "units" / "deu_Latn" / "000001.json").read_text())
    assert record["shard"]["rows"] == 2 and len(record["shard"]["sha256"]) == 64


def _hold(root, held, release):
    with units.exclusive(Folder.of(root)):
        held.set()
        release.wait(30)


def test_a_second_run_on_the_folder_is_refused(tmp_path):
    context = multiprocessing.get_context("spawn")
    held, release = context.Event(), context.Event()
    process = context.Process(target=_hold, args=(str(tmp_path), held, release))
    process.start()
    assert held.wait(30)
    with pytest.raises(UserError, match=f"process {process.pid} on"), units.exclusive(Folder.of(tmp_path)):
        pass
    process.kill()  # the lock dies with its process
    process.join()
    with units.exclusive(Folder.of(tmp_path)):
        pass


def test_languages_of_one_call_are_done_again_together(tmp_path):
    place = Folder.of(tmp_path)
    table = pa.table({"reason": pa.array([None, "x"])})
    targets = ["deu_Latn", "jpn_Jpan", "ces_Latn"]
    units.commit_pool(place, 0, "ces_Latn", table, {"together": ["ces_Latn"]})
    units.commit_pool(place, 0, "deu_Latn", table, {"together": ["deu_Latn", "jpn_Jpan"]})  # killed before jpn_Jpan
    assert units.missing(place, 1, targets) == {0: ["deu_Latn", "jpn_Jpan"]}
    units.commit_pool(place, 0, "jpn_Jpan", table, {"together": ["deu_Latn", "jpn_Jpan"]})
    assert units.missing(place, 1, targets) == {}
