"""Settings that contradict each other, and the settings of trainings before."""

from typing import Any

import pytest
from pydantic import ValidationError

from polydistill.trainer.config import Train


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"compile": True, "deepspeed": "zero3"}, "use zero1 or zero2"),
        ({"optimizer": "adamw_8bit", "offload": "optimizer"}, "runs on GPUs"),
        ({"pass_tokens": 100}, r"must hold a pack \(max_tokens, 2048\)"),
        ({"before": [{"mixture": "m", "train": {"patience": 2}}]}, "patience needs validation"),
        ({"before": [{"mixture": "m", "train": {"epoch": 2}}]}, "Extra inputs are not permitted"),
    ],
)
def test_contradictions_are_found_at_once(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Train(**settings)


def test_a_training_before_has_the_runs_settings_but_its_own() -> None:
    train = Train(
        epochs=3, packs=8, hub="me/mine", lora={"merge": False}, before=[{"mixture": "m", "train": {"epochs": 1}}]
    )
    stage = train.stage(0)
    assert (stage.epochs, stage.packs, stage.hub, stage.before) == (1, 8, None, [])
    assert stage.lora is not None and stage.lora.merge  # the next one begins with a whole model
