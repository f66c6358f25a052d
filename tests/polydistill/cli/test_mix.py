"""`polydistill mix` on a run's folder."""

from pathlib import Path

from typer.testing import CliRunner

from polydistill.cli.main import app
from polydistill.engine.mixing.mixture import Mixture
from polydistill.engine.storage import run_fingerprint
from polydistill.engine.storage.configuration import write_configuration
from polydistill.engine.storage.shards import Folder
from tests.engine.pool_fixture import row, write_run


def test_the_runs_file_and_the_options_decide(tmp_path: Path) -> None:
    rows = [row(i, "deu_Latn") for i in range(5)]
    rows[2]["reason_instruction"] = "off_target"
    run = write_run(tmp_path / "run", {"deu_Latn": rows})
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "en-de.txt").write_text("nothing nichts\n")
    (tmp_path / "parallel").mkdir()
    (tmp_path / "parallel" / "eng_Latn-deu_Latn.tsv").write_text("It is warm.\tEs ist warm.\nYes.\tJa.\n")
    write_configuration(Folder.of(run), {"output": run, "seed": 1, "dictionaries": {"path": str(tmp_path / "words")}})
    arguments = ["mix", run, "--recipe", "sdrrl", "--parallel", str(tmp_path / "parallel"), "--set", "parallel.rows=1"]
    result = CliRunner().invoke(app, [*arguments, "--set", "subsets.comp=null"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert "switched eng_Latn -> deu_Latn" in result.output and "off_target" in result.output
    record = Mixture.open(f"{run}/mixtures/sdrrl").record
    assert list(record.weights) == ["LL", "TL", "LT", "TT", "mt"]
    assert record.subset("mt").rows == 2 and record.seed == 1


def test_a_language_that_lost_its_records_is_not_left_out_without_a_word(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", {"deu_Latn": [row(i, "deu_Latn") for i in range(5)]})
    write_configuration(Folder.of(run), {"targets": ["deu_Latn", "jpn_Jpan"]})
    refused = CliRunner().invoke(app, ["mix", run, "--recipe", "t_sft"])
    assert refused.exit_code == 2
    assert "units/jpn_Jpan" in refused.output and "polydistill synth" in refused.output
    for way_out in (["--partial"], ["--targets", "de"]):
        out = str(tmp_path / way_out[0])
        done = CliRunner().invoke(app, ["mix", run, "--recipe", "t_sft", "--out", out, *way_out])
        assert done.exit_code == 0, done.output


def test_a_damaged_configuration_decides_nothing(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", {"deu_Latn": [row(i, "deu_Latn") for i in range(5)]})
    write_configuration(Folder.of(run), {"targets": ["deu_Latn"], "seed": 17})
    file = Path(run, "config.yaml")
    file.write_text(file.read_text().replace("17", "16"))
    refused = CliRunner().invoke(app, ["mix", run, "--recipe", "t_sft"])
    assert refused.exit_code == 2 and "config.yaml: damaged" in refused.output
    run_fingerprint.bind(Folder.of(run), {"seed": 17})
    file.unlink()
    refused = CliRunner().invoke(app, ["mix", run, "--recipe", "t_sft"])
    assert refused.exit_code == 2 and "config.yaml is missing" in refused.output
