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
