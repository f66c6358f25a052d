import pytest

from polydistill import Run, configs
from polydistill.comparison import Arm, arms, best, scores_folder
from polydistill.engine.errors import UserError
from polydistill.engine.storage.record import write_record
from polydistill.engine.storage.shards import Folder
from polydistill.trainer.records import TRAINING, Best, Identity, TrainingRecord

DEMO = f"{configs.__path__[0]}/runs/demo.yaml"


def test_names_say_method_seed_and_rate():
    assert Arm("sdrrl", 1).name == "sdrrl/seed1"
    assert Arm("sdrrl", 0, 5e-5).name == "sdrrl/seed0-lr5e-05"
    assert Arm("recipes/mine.yaml", 0).name == "mine/seed0"
    assert Arm("sft", 2, epochs=1.5).name == "sft/seed2-epochs1.5"


def test_equal_epochs_take_the_place_of_equal_steps():
    (arm,) = arms(Run(DEMO), ["sft"], 1, [1e-4], epochs=3)
    assert arm.changes == {"learning_rate": 1e-4, "steps": None, "epochs": 3}
    assert Arm("sft", 0).changes == {}
    assert (scores_folder(None), scores_folder(3)) == ("eval", "eval-epochs3")


def test_every_recipe_seed_and_rate_is_an_arm_and_the_baseline_comes_first():
    found = arms(Run(DEMO), ["sft", "sdrrl"], 2, [1e-4, 1e-3], baseline="sdrrl")
    assert len(found) == 8 and len(set(found)) == 8
    assert found[0] == Arm("sdrrl", 0, 1e-4)


def training(loss: float | None) -> TrainingRecord:
    """A finished training with this best validation loss."""
    figures = {"fill": 1.0, "answer_tokens_per_step": 1.0, "packed_difference": 0.0, "dropped": {}, "subsets": {}}
    found = {"validation": (), "skipped": (), "best": None if loss is None else Best(1, loss)}
    return TrainingRecord(
        signature="", student="", identity=Identity({}, "token_mean", False, "", "raw", ""), model="model", files={},
        steps=1, steps_per_epoch=1, ranks=1, **figures, **found,
    )  # fmt: skip


def test_the_best_runs_of_each_recipe_are_kept(tmp_path):
    """A training whose validation losses never were numbers comes last."""
    losses = {"sft/seed0": 0.5, "sft/seed1": 0.3, "sdrrl/seed0": None, "sdrrl/seed1": 0.8, "sdrrl/seed2": 0.7}
    models = {}
    for name, loss in losses.items():
        folder = tmp_path / name.replace("/", "-")
        write_record(Folder.of(folder), TRAINING, training(loss))
        models[name] = f"{folder}/model"
    assert list(best(models, 2)) == ["sft/seed1", "sft/seed0", "sdrrl/seed2", "sdrrl/seed1"]
    assert list(best(models, 3))[-1] == "sdrrl/seed0"
    assert list(best(models, 1)) == ["sft/seed1", "sdrrl/seed2"]


def test_choosing_needs_validation_data():
    with pytest.raises(UserError, match="--top needs validation data"):
        arms(Run(DEMO), ["sft"], 1, top=2)


def test_the_baseline_is_one_of_the_recipes():
    with pytest.raises(UserError, match=r"--baseline cit is none of the compared recipes \(sft, sdrrl\)"):
        arms(Run(DEMO), ["sft", "sdrrl"], 1, baseline="cit")


def test_an_unknown_recipe_is_found_before_any_training():
    with pytest.raises(UserError, match="no recipe 'sdrl'; did you mean 'sdrrl'"):
        arms(Run(DEMO), ["sft", "sdrl"], 1)
