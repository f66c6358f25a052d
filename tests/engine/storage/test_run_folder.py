import pytest

from polydistill.engine.errors import UserError
from polydistill.engine.storage.run_folder import open_pool, shard_name
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
