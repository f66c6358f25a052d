import json
import re

import pytest
import yaml

from polydistill.cli.plan import command
from polydistill.engine.errors import UserError
from polydistill.engine.storage import run_fingerprint
from polydistill.engine.storage.record import parse_record
from polydistill.engine.storage.shards import Folder
from polydistill.planning.bill import Plan
from polydistill.run_config import load_run


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
    assert "--set work.generate.actors=" in out and "published, scaled: 8B parameters" in out
    found = parse_record(json.loads((tmp_path / "plan.json").read_text()), Plan, "plan.json")
    assert [step.name for step in found.steps] == ["synthesis", "training"]
    assert found.total.money == pytest.approx(2 * found.total.gpu_hours)
    assert set(found.synthesis.stages) == {"generate", "translate", "judge"}
    assert "usual shape of 8B parameters, since the model is not on this machine" in out


def test_without_a_data_file(run_file, tmp_path, capsys):
    (tmp_path / "p.json").unlink()
    command(run_file, prompts=1000, chars="90,270")
    assert "1,000 prompts x 1 language" in capsys.readouterr().out
    with pytest.raises(UserError, match=r"p\.json"):
        command(run_file, prompts=1000)


@pytest.mark.parametrize("text", ["90", "90,x", "0,10", "-1,5", "1,2,3", "nan,nan", ""])
def test_lengths_that_are_none(run_file, text):
    with pytest.raises(UserError, match="--chars"):
        command(run_file, prompts=1000, chars=text)


def test_machines_without_gpus(run_file, capsys):
    command(run_file, gpus_per_node=0, cpus_per_node=8, prompts=1000, price=1.0)
    assert "no GPU, 8 cores" in capsys.readouterr().out


def test_a_sample_of_another_model_is_refused(run_file, tmp_path):
    sample = load_run(run_file, ["student.model=Qwen3-4B"])
    place = Folder.of(tmp_path / "sample")
    run_fingerprint.bind(place, run_fingerprint.decisive(sample, ""))
    with pytest.raises(UserError, match=r"student\.model: Qwen3-4B in the sample, Qwen3-8B here"):
        command(run_file, sample=str(tmp_path / "sample"))


def test_memory_of_training_where_the_model_is_at_hand(run_file, tiny, capsys):
    student = f"student.model={tiny}/models/student"
    command(run_file, set_=[student, "train={deepspeed: zero0, max_tokens: 4096}"])
    out = capsys.readouterr().out
    assert re.search(r"^training +\d+ MiB +72 GiB fits", out, re.MULTILINE)
    assert "memory is estimated from the model's configuration" in out
