from pathlib import Path

import pytest
import yaml

from polydistill.engine.errors import UserError
from polydistill.run_config import load_run
from polydistill.templates import kinds, write_template


@pytest.mark.parametrize("kind", kinds())
def test_a_written_file_is_valid_and_stays_in_its_folder(kind, tmp_path):
    file = write_template(tmp_path / "run.yaml", kind)
    assert "../.." not in file.read_text()
    run = load_run(file)
    if not yaml.safe_load(file.read_text())["output"].startswith("/"):
        assert run.output.startswith(f"{tmp_path}/")


def test_a_file_is_overwritten_only_when_told(tmp_path):
    file = write_template(tmp_path / "run.yaml", "laptop")
    file.write_text("mine: 1\n")
    with pytest.raises(UserError, match="--force"):
        write_template(file, "laptop")
    write_template(file, "laptop", force=True)
    assert "SmolLM2" in file.read_text()


@pytest.mark.parametrize("kind", kinds())
def test_rows_of_ones_own_take_the_place_of_the_template_s(kind, tmp_path):
    rows = tmp_path / "my rows.csv"
    rows.write_text("instruction\nName a color.\n")
    (source,) = load_run(write_template(tmp_path / "runs" / "run.yaml", kind, str(rows))).prompts
    assert Path(source.path) == rows and source.limit == (200 if kind == "laptop" else None) and not source.key
    text = (tmp_path / "runs" / "run.yaml").read_text()
    assert 'path: "../my rows.csv"' in text and "# " in text
    (source,) = load_run(write_template(tmp_path / "hub.yaml", kind, "tatsu-lab/alpaca")).prompts
    assert source.path == "tatsu-lab/alpaca"


def test_rows_that_are_not_there(tmp_path):
    with pytest.raises(UserError, match=r"--prompts nowhere\.csv: no such file"):
        write_template(tmp_path / "run.yaml", "laptop", "nowhere.csv")
