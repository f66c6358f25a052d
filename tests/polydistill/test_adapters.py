"""`lora.merge: false`: what a comparison trains are adapters, and evaluation takes them as they are."""

from pathlib import Path

import pytest

from polydistill import Run
from polydistill.comparison import compare
from polydistill.inspection.describe import describe
from tests.engine.pool_fixture import row, write_run

pytestmark = pytest.mark.slow


def test_adapters_are_trained_compared_and_evaluated(tmp_path: Path, tiny: Path) -> None:
    """From a pool on: what `run` and `compare` do, with the real trainer and vLLM."""
    output = write_run(tmp_path / "run", {"deu_Latn": [row(number, "deu_Latn") for number in range(64)]})
    engine = {"max_model_len": 256, "max_num_seqs": 8, "dtype": "float32", "enforce_eager": True}
    lora = {"rank": 4, "merge": False}
    run = Run(
        {
            "output": output,
            "targets": "de",
            "prompts": {"path": str(tmp_path / "prompts.json")},
            "translate": {"model": "stand-in"},
            "student": {"model": str((tiny / "models/student").resolve()), "prompt": "raw", "engine": engine},
            "train": {"lora": lora, "steps": 2, "packs": 1, "max_tokens": 128, "learning_rate": 0.05, "loggers": []},
            "eval": {"data": str((tiny / "eval").resolve()), "tasks": [{"task": "mkqa", "limit": 4}]},
        }
    )
    scores = compare(run, ["sft"], 1)
    folder = Path(output, "models/sft-seed0")
    assert (folder / "adapter/adapter_config.json").exists() and not (folder / "model").exists()
    assert run.train(run.mix("sft"), "sft/seed0").path == str(folder / "adapter")  # finished: nothing is trained
    assert describe(str(folder)).values()["kind"] == "checkpoint"
    assert {name: Path(model.path).name for name, model in scores.record.models.items()} == {
        "base": "student", "sft/seed0": "adapter",
    }  # fmt: skip
    assert len({model.identity for model in scores.record.models.values()}) == 2
    assert {result.model for result in scores.record.results} == {"base", "sft/seed0"}
