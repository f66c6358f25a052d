"""The whole line through the command: prompts, pool, mixture, checkpoint, report. Real libraries, tiny models."""

import gzip
import json
import os
from pathlib import Path

import polars
import pyarrow.dataset
import pytest
import yaml

from tests.polydistill.cli.command import polydistill

pytestmark = pytest.mark.slow

TARGETS = ["deu_Latn", "ind_Latn", "jpn_Jpan"]
BAD = {
    b'{"instruction": "No output here"}': "missing_field",
    b'{"instruction": "\xff\xfe", "input": "", "output": "bad"}': "bad_utf8",
    b'{"instruction": " ", "input": "", "output": "empty"}': "empty_instruction",
    b'{"instruction": "' + b"long " * 20_001 + b'", "input": "", "output": "x"}': "too_long",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory, tiny) -> Path:
    """A folder with run.yaml and 500 rows (the real Alpaca's where it lies at hand), four of them made bad."""
    folder = tmp_path_factory.mktemp("line")
    real = Path(os.environ.get("POLYDISTILL_DATA", "")) / "alpaca" / "alpaca_28k.jsonl.gz"
    if real.is_file():
        with gzip.open(real) as file:
            rows = [line.strip() for _, line in zip(range(500), file)]
    else:
        rows = [json.dumps(row).encode() for row in json.loads((tiny / "instructions.json").read_text())[:500]]
    (folder / "prompts.jsonl").write_bytes(b"\n".join([*rows, *BAD]) + b"\n")
    demo = yaml.safe_load((Path(__file__).parents[3] / "configs/runs/demo.yaml").read_text())
    text = json.dumps(demo).replace("out/tinyworld", str(tiny.resolve()))
    run = json.loads(text) | {"output": "run", "prompts": {"path": "prompts.jsonl"}, "work": {"unit_rows": 128}}
    run["translate"] |= {"max_output_tokens": 64, "beam": 2}
    run["train"] |= {"steps": 4, "epochs": 1}
    run["eval"] = {"data": f"{tiny.resolve()}/eval", "tasks": [{"task": "mkqa", "limit": 4}]}
    (folder / "run.yaml").write_text(yaml.safe_dump(run))
    polydistill(folder, "synth", "run.yaml")
    return folder


def test_every_row_is_accounted_for(folder):
    manifest = json.loads((folder / "run/prompts/manifest.json").read_text())
    assert manifest["rows_read"] == 504
    assert manifest["rows_read"] == manifest["rows_kept"] + sum(manifest["dropped"].values())
    for reason in BAD.values():
        assert manifest["dropped"][reason] >= 1, manifest["dropped"]
    report = json.loads((folder / "run/report.json").read_text())
    assert list(report["languages"]) == TARGETS
    for known in report["languages"].values():
        assert known["rows"] == manifest["rows_kept"]
        assert known["rows"] == known["kept"] + sum(known["reasons"].values())


def test_datasets_polars_and_pyarrow_open_the_pool(folder):
    import datasets

    rows = json.loads((folder / "run/prompts/manifest.json").read_text())["rows_kept"]
    files = sorted(str(path) for path in folder.glob("run/pool/*/*.arrow"))
    assert polars.scan_ipc(files).select(polars.len()).collect().item() == 3 * rows
    arrow = pyarrow.dataset.dataset(files, format="ipc")
    assert arrow.count_rows() == 3 * rows
    opened = datasets.load_dataset("arrow", data_files=files, split="train", cache_dir=str(folder / "cache"))
    assert opened.num_rows == 3 * rows and set(opened.unique("target")) == set(TARGETS)


def test_the_student_answered_and_the_texts_were_translated_and_scored(folder):
    table = pyarrow.dataset.dataset(sorted(map(str, folder.glob("run/pool/*/*.arrow"))), format="ipc").to_table()
    rows = table.to_pylist()
    assert all(row["self"] is not None or row["self_error"] for row in rows)
    assert all(row["mt_instruction"] or row["reason"] for row in rows)
    assert any(row["scores_instruction"]["quality"] is not None for row in rows)
    identified = [bool(row["scores_instruction"]["language"]) for row in rows if row["mt_instruction"]]
    assert sum(identified) > len(identified) / 2  # not where a cheaper test has failed, or there are no letters


def test_a_second_call_has_nothing_to_do_and_other_settings_are_refused(folder):
    before = {path: path.stat().st_mtime_ns for path in folder.glob("run/pool/*/*.arrow")}
    polydistill(folder, "synth", "run.yaml")
    assert before == {path: path.stat().st_mtime_ns for path in folder.glob("run/pool/*/*.arrow")}
    message = polydistill(folder, "synth", "run.yaml", "--set", "translate.beam=1", code=2)
    assert "translate.beam: was 2, now 1" in message and "Traceback" not in message


def test_mix_train_eval_and_inspect(folder):
    polydistill(folder, "mix", "run", "--recipe", "sdrrl")
    mixture = json.loads(polydistill(folder, "inspect", "run/mixtures/sdrrl", "--json"))
    assert {subset["name"] for subset in mixture["subsets"]} == {"LL", "TL", "LT", "TT", "mt", "comp"}
    polydistill(folder, "train", "run/mixtures/sdrrl", "--out", "trained", "--config", "run.yaml")
    assert json.loads(polydistill(folder, "inspect", "trained/model", "--json"))
    polydistill(folder, "eval", "sdrrl=trained/model", "--config", "run.yaml", "--out", "report")
    metrics = json.loads((folder / "report/metrics.json").read_text())
    assert metrics and (folder / "report/report.html").read_text().startswith("<!doctype html")
    pool = json.loads(polydistill(folder, "inspect", "run", "--json"))
    assert pool


def test_wrong_input_gets_a_message_and_no_traceback(folder):
    message = polydistill(folder, "synth", "run.yaml", "--set", "targets=[deu_Latn,tlh_Latn]", code=2)
    assert "targets.1: unknown language 'tlh_Latn'" in message and "Traceback" not in message
    message = polydistill(folder, "synth", "run.yaml", "--set", "translate.model=nowhere", "--set", "output=o", code=2)
    assert "nowhere" in message and "Traceback" not in message
    message = polydistill(folder, "train", "nowhere", "--out", "o", "--config", "run.yaml", code=2)
    assert "nowhere" in message and "Traceback" not in message
