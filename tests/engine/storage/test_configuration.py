"""A run's configuration in its folder: what was written is what is read."""

import random
from pathlib import Path

import pytest

from polydistill.engine.errors import DamagedError
from polydistill.engine.storage.configuration import CONFIG, read_configuration, write_configuration
from polydistill.engine.storage.shards import Folder

VALUES = {"output": "/data/aé", "seed": 17, "targets": ["deu_Latn", "jpn_Jpan"], "judge": {"quality": None}}


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    write_configuration(Folder.of(tmp_path), VALUES)
    return Folder.of(tmp_path)


def test_it_comes_back_and_is_written_once(folder: Folder, tmp_path: Path) -> None:
    assert read_configuration(folder) == VALUES
    before = (tmp_path / CONFIG).stat().st_mtime_ns
    write_configuration(folder, VALUES)
    assert (tmp_path / CONFIG).stat().st_mtime_ns == before
    write_configuration(folder, VALUES | {"seed": 18})
    assert read_configuration(folder)["seed"] == 18


def test_no_flipped_bit_gives_other_values(folder: Folder, tmp_path: Path) -> None:
    whole = (tmp_path / CONFIG).read_bytes()
    noticed = 0
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << random.Random(place).randrange(8)
        (tmp_path / CONFIG).write_bytes(damaged)
        try:
            assert read_configuration(folder) == VALUES, place
        except DamagedError:
            noticed += 1
    assert noticed > 0.5 * len(whole)  # the note in the first line says nothing that anybody goes by


@pytest.mark.parametrize("content", [None, b"", b"seed: 1\n", b"{}", bytes(100), b"# digest 0123456789abcdef\n"])
def test_what_was_not_written_so_is_damaged(content: bytes | None, folder: Folder, tmp_path: Path) -> None:
    (tmp_path / CONFIG).unlink()
    if content is not None:
        (tmp_path / CONFIG).write_bytes(content)
    with pytest.raises(DamagedError, match=r"config\.yaml.*Run `polydistill synth`"):
        read_configuration(folder)


def test_a_cut_file_is_damaged_wherever_it_was_cut(folder: Folder, tmp_path: Path) -> None:
    whole = (tmp_path / CONFIG).read_bytes()
    for size in range(len(whole)):
        (tmp_path / CONFIG).write_bytes(whole[:size])
        with pytest.raises(DamagedError):
            read_configuration(folder)
