from pathlib import Path

import pytest
from typer.testing import CliRunner

from polydistill.cli.main import app
from polydistill.engine.errors import UserError
from polydistill.engine.storage import run_fingerprint
from polydistill.engine.storage.configuration import write_configuration
from polydistill.engine.storage.shards import Folder
from polydistill.verification import verify
from tests.engine.pool_fixture import row, write_run


@pytest.fixture
def run(tmp_path: Path) -> Path:
    write_run(tmp_path / "run", {"deu_Latn": [row(i, "deu_Latn") for i in range(4)]}, unit_rows=2)
    return tmp_path / "run"


def test_a_whole_pool(run: Path) -> None:
    assert [(entry.kind, entry.problems) for entry in verify(str(run)) if entry.kind == "pool"] == [("pool", [])]


def test_one_flipped_bit_is_found_and_named(run: Path) -> None:
    file = run / "pool/deu_Latn/000001.arrow"
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    result = CliRunner().invoke(app, ["verify", str(run)])
    assert result.exit_code == 2
    assert "000001.arrow: damaged" in result.output and "polydistill synth" in result.output
    assert "000000.arrow" not in result.output


def test_a_damaged_record_is_a_problem_and_no_traceback(run: Path) -> None:
    (run / "units/deu_Latn/000000.json").write_text("{")
    (pool,) = [entry for entry in verify(str(run)) if entry.kind == "pool"]
    assert len(pool.problems) == 1 and "000000.json" in pool.problems[0]


def test_what_a_run_is_bound_to_is_verified(run: Path) -> None:
    folder = Folder.of(run)
    write_configuration(folder, {"targets": ["deu_Latn"], "seed": 1})
    run_fingerprint.bind(folder, {"seed": 1})
    assert [entry.problems for entry in verify(str(run))] == [[], [], []]
    for name in ("config.yaml", "fingerprint.json"):
        whole = (run / name).read_text()
        (run / name).write_text(whole.replace("1", "2", 1))
        (found,) = [entry for entry in verify(str(run)) if entry.problems]
        assert found.kind == "run" and name in found.problems[0] and "polydistill synth" in found.problems[0]
        (run / name).write_text(whole)


def test_a_language_that_lost_every_record_is_missed(run: Path) -> None:
    write_configuration(Folder.of(run), {"targets": ["deu_Latn", "jpn_Jpan"]})
    (pool,) = [entry for entry in verify(str(run)) if entry.kind == "pool"]
    assert [problem.partition(" is missing")[0] for problem in pool.problems] == [
        f"{run}/units/jpn_Jpan/00000{unit}.json" for unit in range(2)
    ]


def test_a_folder_without_artifacts(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="neither a run"):
        verify(str(tmp_path))
