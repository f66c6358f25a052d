"""A trained folder under EleutherAI's lm-evaluation-harness, as docs/evaluation.md shows it.

The harness is not one of our dependencies: POLYDISTILL_LM_EVAL names its command (a virtual environment of its own).
"""

import json
import os
import subprocess
from pathlib import Path

import pytest

TASK = """
task: tinyworld_cities
dataset_path: json
dataset_kwargs: {{data_files: {{test: {data}}}}}
test_split: test
output_type: multiple_choice
doc_to_text: "{{{{question}}}}\\n"
target_delimiter: ""
doc_to_choice: "{{{{[mc_answer1, mc_answer2, mc_answer3, mc_answer4]}}}}"
doc_to_target: "{{{{correct_answer_num | int - 1}}}}"
metric_list: [{{metric: acc}}, {{metric: acc_norm}}]
"""


@pytest.mark.slow
def test_a_checkpoint_runs_under_lm_evaluation_harness(tiny: Path, tmp_path: Path) -> None:
    command = os.environ.get("POLYDISTILL_LM_EVAL")
    if not command:
        pytest.skip("POLYDISTILL_LM_EVAL does not name the harness's command (lm_eval)")
    data = tiny / "eval" / "belebele" / "eng_Latn.jsonl"
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "tinyworld.yaml").write_text(TASK.format(data=data), encoding="utf-8")
    arguments = ["--model", "hf", "--model_args", f"pretrained={tiny / 'models' / 'student'},dtype=float32"]
    arguments += ["--tasks", "tinyworld_cities", "--include_path", str(tmp_path / "tasks")]
    arguments += ["--device", "cpu", "--batch_size", "16", "--limit", "24", "--output_path", str(tmp_path / "out")]
    offline = os.environ | {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HOME": str(tmp_path / "home")}
    subprocess.run([command, *arguments], check=True, env=offline, capture_output=True, text=True)
    (file,) = (tmp_path / "out").rglob("results*.json")
    found = json.loads(file.read_text(encoding="utf-8"))
    assert 0 <= found["results"]["tinyworld_cities"]["acc,none"] <= 1
    assert found["n-samples"]["tinyworld_cities"]["effective"] == 24
