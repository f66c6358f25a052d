"""Adapters as peft writes them become arguments of an engine."""

import json
from pathlib import Path
from typing import Any

import pytest

from polydistill.engine.errors import DamagedError, UserError
from polydistill.engine.generation.adapters import Adapter


@pytest.fixture
def written(tmp_path: Path) -> str:
    """The adapter of a tiny model, by peft itself."""
    from peft import LoraConfig, get_peft_model
    from transformers import LlamaConfig, LlamaForCausalLM

    shape: dict[str, Any] = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1}
    model = LlamaForCausalLM(LlamaConfig(vocab_size=8, num_attention_heads=2, **shape))
    model.name_or_path = "base/model"
    get_peft_model(model, LoraConfig(r=20, task_type="CAUSAL_LM", target_modules=["q_proj"])).save_pretrained(tmp_path)
    return str(tmp_path)


def test_an_adapter_is_found(written: str, tmp_path: Path) -> None:
    adapter = Adapter.find(written)
    assert adapter == Adapter(written, "base/model", 20)
    assert adapter is not None and adapter.engine_arguments == {
        "model": "base/model", "tokenizer": written, "enable_lora": True, "max_lora_rank": 32,
    }  # fmt: skip
    assert adapter.request().lora_path == written
    assert Adapter.find(str(tmp_path / "elsewhere")) is None


@pytest.mark.parametrize("change", [{"modules_to_save": ["lm_head"]}, {"use_dora": True}, {"r": 600}])
def test_what_vllm_cannot_apply_is_refused(change: dict[str, Any], written: str) -> None:
    path = Path(written, "adapter_config.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(UserError, match=r"lora\.merge: true"):
        Adapter.find(written)


@pytest.mark.parametrize("text", ["", "[]", '{"r": 4}', '{"r": "x", "base_model_name_or_path": "b"}'])
def test_a_damaged_adapter_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text(text)
    with pytest.raises(DamagedError, match=r"adapter_config\.json: damaged"):
        Adapter.find(str(tmp_path))
