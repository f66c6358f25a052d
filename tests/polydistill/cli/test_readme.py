"""README's first commands: a stranger's own CSV from nothing to a trained model, in an empty folder."""

import csv
import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.polydistill.cli.command import COMMAND

README = Path(__file__).parents[3] / "README.md"
FIRST = re.search(r"^```\n(.*?)^```", README.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def commands() -> list[str]:
    """The first block's commands."""
    assert FIRST is not None
    return [line.partition("  #")[0].strip() for line in FIRST[1].splitlines() if line.strip()]


def test_the_first_screen_has_the_demo_a_csv_and_a_real_model() -> None:
    text = README.read_text(encoding="utf-8")
    assert FIRST is not None and text[: FIRST.end()].count("\n") < 35
    assert commands()[0] == "make demo"
    assert any(
        command.startswith("polydistill init run.yaml") and "--prompts my.csv" in command for command in commands()
    )
    assert "polydistill run  configs/runs/one_gpu.yaml" in commands()


@pytest.mark.slow
def test_the_csv_s_commands_work_in_an_empty_folder(tmp_path: Path, tiny: Path) -> None:
    """With tinyworld's models in place of the real ones, few rows and two steps."""
    rows = json.loads((tiny / "instructions.json").read_text())[:24]
    with (tmp_path / "my.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["instruction", "input", "output"])
        writer.writeheader()
        writer.writerows({name: row.get(name, "") for name in writer.fieldnames} for row in rows)
    models = {name: str((tiny / "models" / name).resolve()) for name in ("student", "nllb")}
    smaller = [
        f"student={{model: {models['student']}, prompt: raw, max_tokens: 16, engine: {{max_model_len: 256, "
        "enforce_eager: true, dtype: float32}}",
        f"translate={{model: {models['nllb']}, max_output_tokens: 64}}",
        "train.steps=2",
        "train.cpus=0.5",
    ]
    change = [part for text in smaller for part in ("--set", text)]
    printed = ""
    for command in (command for command in commands() if "run.yaml" in command):
        words = command.split()[1:] + ([] if " init " in command else change)
        line = [*COMMAND, *words]
        done = subprocess.run(line, cwd=tmp_path, env=os.environ, capture_output=True, text=True, timeout=900)
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        printed += done.stdout
    assert "everything is here" in printed
    (model,) = re.findall(r"trained model: (.+)", printed)
    assert (Path(model) / "model.safetensors").is_file() and Path(model).is_relative_to(tmp_path / "out")
