"""A folder with one row, and one without any."""

import json
from pathlib import Path

import pytest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rows.json").write_text(json.dumps([{"instruction": "Say 1.", "input": "", "output": "1"}]))
    (tmp_path / "empty").mkdir()
    return tmp_path
