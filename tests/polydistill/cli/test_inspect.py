"""`polydistill inspect`: for people, and as JSON for programs."""

import json
from pathlib import Path

import pyarrow as pa
from typer.testing import CliRunner

from polydistill.cli.main import app
from polydistill.engine.schema import POOL
from polydistill.engine.storage.figures import figures_of
from polydistill.engine.storage.pool import commit
from polydistill.engine.storage.shards import Folder
from tests.engine.pool_fixture import row, write_run


def test_a_run_as_text_and_as_json(tmp_path: Path) -> None:
    rows = [row(i, "deu_Latn", reason="truth:copied" if i == 1 else None) for i in range(4)]
    run, table = write_run(tmp_path / "run", {"deu_Latn": rows}), pa.Table.from_pylist(rows, POOL)
    commit(Folder.of(run), 0, "deu_Latn", table, ["deu_Latn"], "f" * 16, figures_of(table))
    text = CliRunner().invoke(app, ["inspect", run])
    assert text.exit_code == 0 and "4 read, 4 usable in 1 units" in text.output
    (line,) = [line for line in text.output.splitlines() if line.strip().startswith("deu_Latn")]
    assert line.split()[1:5] == ["1/1", "4", "3", "75.0%"]
    found = json.loads(CliRunner().invoke(app, ["inspect", "--json", run]).output)
    assert found["kind"] == "run" and (found["languages"]["deu_Latn"]["kept"], found["prompts"]["rows_read"]) == (3, 4)


def test_a_folder_of_something_else(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["inspect", str(tmp_path)])
    assert result.exit_code == 2 and "neither a run" in result.output
