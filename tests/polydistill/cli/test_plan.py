import json

import pytest
import yaml

from polydistill.cli.plan import command


@pytest.fixture
def run_file(tmp_path):
    (tmp_path / "p.json").write_text(json.dumps([{"instruction": "Name a fruit.", "input": "", "output": "Apple."}]))
    content = {"output": str(tmp_path / "out"), "targets": ["de"], "prompts": {"path": str(tmp_path / "p.json")}}
    content |= {"student": {"model": "Qwen3-8B"}, "translate": {"model": "nllb-200-3.3B"}}
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(content))
    return tmp_path / "run.yaml"


def test_text_and_json(run_file, tmp_path, capsys):
    command(run_file, nodes=2, gpus_per_node=4, prompts=1_000_000, price=2.0, set_=["targets=[de, id, ja]"],
            json_file=tmp_path / "plan.json")  # fmt: skip
    out = capsys.readouterr().out
    assert "1,000,000 prompts x 3 languages = 3,000,000 pool rows" in out
    assert "These pool sizes: --set work.generate.actors=" in out and "published, scaled: 8.0B parameters" in out
    found = json.loads((tmp_path / "plan.json").read_text())
    assert found["money"] == pytest.approx(2 * found["gpu_hours"])
    assert found["training"].startswith("not estimated: Qwen3-8B is not on this machine")
    assert set(found["stages"]) == {"generate", "translate", "judge"} and "GPU-hours" in out


def test_memory_of_training_where_the_model_is_at_hand(run_file, tiny, capsys):
    student = f"student.model={tiny}/models/student"
    command(run_file, set_=[student, "train={deepspeed: zero0, max_tokens: 4096}"])
    (line,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("training "))
    assert "about 0.2 GiB are needed on each device" in line and "train.activation_checkpointing=true" in line
