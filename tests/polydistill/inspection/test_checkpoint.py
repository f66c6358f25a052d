import json

import numpy as np
from safetensors.numpy import save_file

from polydistill.inspection.describe import describe


def test_a_checkpoint(tmp_path):
    model = tmp_path / "model"
    model.mkdir()
    (model / "config.json").write_text(
        json.dumps({"model_type": "llama", "architectures": ["LlamaForCausalLM"], "vocab_size": 9})
    )
    save_file({"a": np.zeros((3, 4), np.float32), "b": np.zeros(5, np.float16)}, model / "model.safetensors")
    found = describe(model)
    assert (found.parameters, found.dtypes, found.vocabulary) == (17, ("F16", "F32"), 9)
    assert (
        found.training is None and "training" not in found.values()
    )  # with training.json: tests/trainer/run/test_damage.py
    assert "LlamaForCausalLM, 0.00M parameters (F16, F32), vocabulary 9" in found.text()


def test_an_adapter(tmp_path):
    (tmp_path / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA"}))
    save_file({"a": np.zeros((2, 2), np.float32)}, tmp_path / "adapter_model.safetensors")
    found = describe(tmp_path)
    assert (found.architecture, found.parameters, found.vocabulary) == ("LORA", 4, None)
    assert "vocabulary" not in found.text()
