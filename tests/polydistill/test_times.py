"""How long steps took: kept for each step, and never a reason to stop."""

from pathlib import Path

import pytest

from polydistill.engine.storage.shards import Folder
from polydistill.times import FILE, read_times, timed


def test_each_step_keeps_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, now = Folder.of(tmp_path), [0.0]
    monkeypatch.setattr("polydistill.times.time.monotonic", lambda: now[0])
    for step, seconds in (("synthesis", 5.0), ("training", 7.0), ("synthesis", 6.0)):
        with timed(folder, step):
            now[0] += seconds
    with timed(folder, "evaluation", wanted=False):
        now[0] += 100
    with pytest.raises(ValueError, match="broken"), timed(folder, "training"):
        raise ValueError("broken")
    assert read_times(folder).steps == {"synthesis": 6.0, "training": 7.0}


def test_without_times_nothing_is_known(tmp_path: Path) -> None:
    assert read_times(Folder.of(tmp_path)).steps == {}
    (tmp_path / FILE).write_text("{")
    assert read_times(Folder.of(tmp_path)).steps == {}
