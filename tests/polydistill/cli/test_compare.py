import json

import pytest

from polydistill.cli.compare import Arm, best, command
from polydistill.engine.errors import UserError


def test_names_say_method_seed_and_rate():
    assert Arm("sdrrl", 1).name == "sdrrl/seed1"
    assert Arm("sdrrl", 0, 5e-5).name == "sdrrl/seed0-lr5e-05"


def test_the_best_runs_of_each_recipe_are_kept(tmp_path):
    losses = {"sft/seed0": 0.5, "sft/seed1": 0.3, "sdrrl/seed0": 0.9, "sdrrl/seed1": 0.8, "sdrrl/seed2": 0.7}
    models = {}
    for name, loss in losses.items():
        folder = tmp_path / name.replace("/", "-")
        folder.mkdir()
        (folder / "training.json").write_text(json.dumps({"best": {"step": 1, "loss": loss}}))
        models[name] = f"{folder}/model"
    assert list(best(models, 2)) == ["sft/seed1", "sft/seed0", "sdrrl/seed2", "sdrrl/seed1"]
    assert list(best(models, 1)) == ["sft/seed1", "sdrrl/seed2"]


def test_choosing_needs_validation_data():
    from polydistill import configs

    demo = f"{configs.__path__[0]}/runs/demo.yaml"
    with pytest.raises(UserError, match=r"--top needs validation data"):
        command(demo, top=2)


def test_the_baseline_is_one_of_the_recipes():
    from polydistill import configs

    demo = f"{configs.__path__[0]}/runs/demo.yaml"
    with pytest.raises(UserError, match=r"--baseline cit is none of the compared recipes \(sft, sdrrl\)"):
        command(demo, recipes="sft,sdrrl", baseline="cit")
