"""Which records a run's folder lacks."""

from pathlib import Path

import pytest

from polydistill.engine.errors import UserError
from polydistill.engine.storage.shards import Folder
from polydistill.engine.synthesis.absent import absent
from tests.engine.pool_fixture import row, write_run


@pytest.fixture
def run(tmp_path: Path) -> Path:
    pools = {target: [row(i, target) for i in range(4)] for target in ("deu_Latn", "jpn_Jpan")}
    return Path(write_run(tmp_path / "run", pools, unit_rows=2))


def test_a_finished_run_lacks_nothing(run: Path) -> None:
    assert absent(Folder.of(run), {}) == []
    assert absent(Folder.of(run), {"targets": ["deu_Latn", "jpn_Jpan"], "student": None}) == []


def test_lost_records_are_named(run: Path) -> None:
    (run / "units/deu_Latn/000001.json").unlink()
    assert absent(Folder.of(run), {}) == ["units/deu_Latn/000001.json"]


def test_a_language_without_any_record_is_expected_by_the_configuration(run: Path) -> None:
    found = absent(Folder.of(run), {"targets": ["tha_Thai", "deu_Latn"], "student": None})
    assert found == ["units/tha_Thai/000000.json", "units/tha_Thai/000001.json"]


def test_answers_are_expected_of_a_student(run: Path) -> None:
    found = absent(Folder.of(run), {"targets": ["deu_Latn"], "student": {"model": "m"}})
    assert found == ["generated/000000.json", "generated/000001.json"]


def test_a_folder_without_prompts(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no prompts here"):
        absent(Folder.of(tmp_path), {})
