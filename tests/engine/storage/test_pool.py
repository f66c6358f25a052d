import json

import pyarrow as pa
import pytest

from polydistill.engine.errors import DamagedError, UserError
from polydistill.engine.storage.pool import commit, missing, open_pool
from polydistill.engine.storage.run_folder import shard_name
from polydistill.engine.storage.shards import Folder
from tests.engine.pool_fixture import row, write_run


def test_languages_units_and_rows(tmp_path):
    german = [row(i, "deu_Latn") for i in range(7)]
    run = write_run(tmp_path, {"deu_Latn": german, "ind_Latn": [row(i, "ind_Latn") for i in range(3)]}, unit_rows=3)
    pool = open_pool(run)
    assert pool.targets == ["deu_Latn", "ind_Latn"]
    assert pool.units == [0]  # only the first is there in both
    assert pool.rows("deu_Latn") == 7 and pool.rows("ind_Latn") == 3
    ids = [r["id"] for table in pool.tables("deu_Latn", ["id"]) for r in table.to_pylist()]
    assert ids == [r["id"] for r in german]
    assert pool.table("deu_Latn", 0)["id"].to_pylist() == pool.table("ind_Latn", 0)["id"].to_pylist()
    assert pool.shard("deu_Latn", 2).rows == 1 and pool.shard("deu_Latn", 2).path == f"pool/deu_Latn/{shard_name(2)}"


def test_a_shard_without_its_record_does_not_exist(tmp_path):
    run = write_run(tmp_path, {"deu_Latn": [row(i, "deu_Latn") for i in range(4)]}, unit_rows=2)
    (tmp_path / "units" / "deu_Latn" / "000001.json").unlink()
    assert open_pool(run).units == [0] and open_pool(run).rows("deu_Latn") == 2


def test_no_pool(tmp_path):
    with pytest.raises(UserError, match=r"no pool here \(run `polydistill synth`"):
        open_pool(Folder.of(tmp_path))


TABLE = pa.table({"reason": pa.array([None, "x"])})


def test_missing_units_are_those_without_a_record(tmp_path):
    folder = Folder.of(tmp_path)
    commit(folder, 1, "deu_Latn", TABLE)
    (tmp_path / "pool" / "deu_Latn" / "000000.arrow").write_bytes(b"half a shard, without a record")
    assert missing(folder, 3, ["deu_Latn", "jpn_Jpan"]) == {
        0: ["deu_Latn", "jpn_Jpan"],
        1: ["jpn_Jpan"],
        2: ["deu_Latn", "jpn_Jpan"],
    }
    pool = open_pool(folder)
    assert pool.units == [1] and pool.rows("deu_Latn") == 2
    record = json.loads((tmp_path / "units" / "deu_Latn" / "000001.json").read_text())
    assert record["shard"]["rows"] == 2 and len(record["shard"]["sha256"]) == 64


def test_languages_of_one_call_are_done_again_together(tmp_path):
    folder = Folder.of(tmp_path)
    targets, both = ["deu_Latn", "jpn_Jpan", "ces_Latn"], ["deu_Latn", "jpn_Jpan"]
    commit(folder, 0, "ces_Latn", TABLE)
    commit(folder, 0, "deu_Latn", TABLE, both)  # killed before jpn_Jpan
    assert missing(folder, 1, targets) == {0: both}
    commit(folder, 0, "jpn_Jpan", TABLE, both)
    assert missing(folder, 1, targets) == {}


def _damage(path, kind):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    changed = {"cut": data[:-9], "emptied": b"", "flipped": data, "zeroed": bytes(len(data)), "of_another_kind": b"[]"}
    path.unlink() if kind == "deleted" else path.write_bytes(changed[kind])


@pytest.mark.parametrize("kind", ["deleted", "cut", "emptied", "flipped", "zeroed"])
def test_a_damaged_shard_is_done_again_and_never_read(tmp_path, kind, capfd):
    folder = Folder.of(tmp_path)
    record = commit(folder, 0, "deu_Latn", TABLE)
    pool = open_pool(folder)
    _damage(tmp_path / record.shard.path, kind)
    assert missing(folder, 1, ["deu_Latn"]) == {0: ["deu_Latn"]}
    assert "000000.arrow" in capfd.readouterr().err
    with pytest.raises(DamagedError, match=r"000000\.arrow.*polydistill synth"):
        pool.table("deu_Latn", 0)
    (problem,) = pool.verify()
    assert "000000.arrow" in problem


@pytest.mark.parametrize("kind", ["cut", "emptied", "zeroed", "of_another_kind"])
def test_a_damaged_record_is_a_unit_that_is_not_done(tmp_path, kind, capfd):
    folder = Folder.of(tmp_path)
    record = commit(folder, 0, "deu_Latn", TABLE)
    _damage(tmp_path / record.name, kind)
    assert missing(folder, 1, ["deu_Latn"]) == {0: ["deu_Latn"]}
    assert "made again" in capfd.readouterr().err
    with pytest.raises(DamagedError, match=r"000000\.json"):
        open_pool(folder)


def test_a_record_in_anothers_place_is_noticed(tmp_path, capfd):
    folder = Folder.of(tmp_path)
    for unit in (0, 1):
        commit(folder, unit, "deu_Latn", TABLE)
    records = [tmp_path / "units" / "deu_Latn" / f"00000{unit}.json" for unit in (0, 1)]
    records[0].write_text(records[1].read_text())
    assert missing(folder, 2, ["deu_Latn"]) == {0: ["deu_Latn"]}
    with pytest.raises(DamagedError, match=r"000000\.json: the record of another unit"):
        open_pool(folder)


def test_stray_files_are_passed_over(tmp_path):
    folder = Folder.of(tmp_path)
    commit(folder, 0, "deu_Latn", TABLE)
    for name in ("units/deu_Latn/._000000.json", "units/deu_Latn/notes.json", "units/xx/notes.json", "units/.DS_Store"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"\0")
    assert missing(folder, 1, ["deu_Latn"]) == {}
    assert open_pool(folder).targets == ["deu_Latn"]


def test_a_pool_of_another_format_is_refused_in_one_sentence(tmp_path):
    folder = Folder.of(tmp_path)
    record = commit(folder, 0, "deu_Latn", TABLE)
    value = folder.read_json(record.name)
    del value["format"]  # as records before format 2
    folder.write_json(record.name, value)
    with pytest.raises(DamagedError, match=r"000000\.json: .*written by an older version\. .* reads format 2"):
        open_pool(folder)
