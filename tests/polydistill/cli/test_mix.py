"""`polydistill mix` on a run's folder."""

from pathlib import Path

from typer.testing import CliRunner

from polydistill.cli.main import app
from polydistill.engine.mixing.mixture import Mixture
from tests.engine.pool_fixture import row, write_run


def test_the_runs_file_and_the_options_decide(tmp_path: Path) -> None:
    rows = [row(i, "deu_Latn") for i in range(5)]
    rows[2]["reason_instruction"] = "off_target"
    run = write_run(tmp_path / "run", {"deu_Latn": rows})
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "en-de.txt").write_text("nothing nichts\n")
    (tmp_path / "parallel").mkdir()
    (tmp_path / "parallel" / "eng_Latn-deu_Latn.tsv").write_text("It is warm.\tEs ist warm.\nYes.\tJa.\n")
    Path(run, "config.yaml").write_text(f"output: {run}\nseed: 1\ndictionaries: {{path: {tmp_path / 'words'}}}\n")
    arguments = ["mix", run, "--recipe", "sdrrl", "--parallel", str(tmp_path / "parallel"), "--set", "parallel.rows=1"]
    result = CliRunner().invoke(app, [*arguments, "--set", "subsets.comp=null"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert "switched eng_Latn -> deu_Latn" in result.output and "off_target" in result.output
    record = Mixture.open(f"{run}/mixtures/sdrrl").record
    assert list(record.weights) == ["LL", "TL", "LT", "TT", "mt"]
    assert record.subset("mt").rows == 2 and record.seed == 1
