"""Options that must not change what is trained, and options that must; and all of them resume exactly."""

from pathlib import Path
from typing import Any

import pytest
import torch

from polydistill.trainer.model import packed_lm
from tests.trainer.run.conftest import Training, losses
from tests.trainer.run.test_damage import same

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("options")


@pytest.fixture
def plain(trained: Training, folder: Path) -> Path:
    if not (folder / "plain").exists():
        trained(folder / "plain", packs=3)
    return folder / "plain"


SAME: dict[str, dict[str, Any]] = {
    "several packs at once": {"pass_tokens": 1100},
    "all packs at once": {"pass_tokens": 99999},
    "zero1": {"deepspeed": "zero1"},
    "offloaded, fused": {"deepspeed": "zero1", "offload": "optimizer"},
    "compiled": {"compile": True, "steps": 2},
}


@pytest.mark.parametrize("name", SAME)
def test_the_losses_stay(name: str, trained: Training, plain: Path, tmp_path: Path) -> None:
    trained(tmp_path, **{"packs": 3, **SAME[name]})
    steps = 1 if name == "compiled" else 4  # its schedule is another one
    assert losses(tmp_path)[:steps] == pytest.approx(losses(plain)[:steps], abs=1e-5)


def test_logits_in_pieces(trained: Training, plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed_lm.PackedLM.__init__, "__defaults__", (2000, 0.0))
    trained(tmp_path, packs=3)
    assert losses(tmp_path) == pytest.approx(losses(plain), abs=1e-5)


LORA = {"rank": 4, "alpha": 8}
OTHER: dict[str, dict[str, Any]] = {
    "noise": {"neftune": 5.0},
    "samples": {"batch_samples": 7},
    "LoRA+": {"lora": {**LORA, "plus": 16}},
    "rsLoRA": {"lora": {**LORA, "rslora": True}},
    "bf16, zero1": {"precision": "bf16", "deepspeed": "zero1"},
    "DoRA": {"lora": {**LORA, "dora": True}},
    "LoRA with new tokens": {"lora": LORA, "new_tokens": ["<new>"]},
    "several packs at once": {"pass_tokens": 1100},
    "offloaded, fused": {"deepspeed": "zero1", "offload": "optimizer"},
    "compiled": {"compile": True},
}


@pytest.mark.parametrize("name", OTHER)
def test_resume_is_exact(
    name: str, trained: Training, plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from polydistill.trainer.run.loop import Loop

    settings = {"packs": 3, **OTHER[name]}
    trained(tmp_path / "whole", **settings)
    with monkeypatch.context() as patch:
        patch.setattr(Loop, "_stop_is_asked", lambda loop: loop.progress.step == 2)
        assert trained(tmp_path / "broken", **settings) is None
    trained(tmp_path / "broken", **settings)
    assert same(tmp_path / "broken", tmp_path / "whole")
    if name not in SAME:
        assert losses(tmp_path / "whole") != losses(plain)


def test_lora_plus_trains_b_faster(trained: Training, tmp_path: Path) -> None:
    """B starts at 0, so after one step its size is its learning rate."""
    from safetensors.torch import load_file

    sizes = []
    for plus in (1.0, 16.0):
        out = tmp_path / str(plus)
        trained(out, lora={**LORA, "plus": plus}, steps=1, learning_rate=1e-4)
        tensors = load_file(out / "adapter" / "adapter_model.safetensors")
        sizes.append(torch.cat([t.flatten() for name, t in tensors.items() if "lora_B" in name]).abs().max())
    assert float(sizes[1] / sizes[0]) == pytest.approx(16, rel=0.01)
