"""Adapters as peft writes them become arguments of an engine."""

import json
from pathlib import Path
from typing import Any

import pytest

from polydistill.engine.config import Stage, Student
from polydistill.engine.errors import DamagedError, UserError
from polydistill.engine.generation import stage
from polydistill.engine.generation.adapters import Adapter
from polydistill.engine.generation.prompting.tokens import Reading
from tests.faults.conftest import make


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


def test_a_student_may_be_an_adapter(written: str) -> None:
    """Ray's engine gets the base model, and every request names the adapter."""
    student = Student(model=written, prompt="raw")
    settings = stage.processor_settings(student, Stage(actors=1, cpus=1.0), rows=8)
    assert settings["model_source"] == "base/model" and "model" not in settings["engine_kwargs"]
    assert settings["engine_kwargs"]["enable_lora"] and settings["engine_kwargs"]["tokenizer"] == written
    assert stage.request({"seed": 1}, student, Reading(frozenset()), adapted=True)["model"] == written
    assert "model" not in stage.request({"seed": 1}, student, Reading(frozenset()))


ENGINE = {"max_model_len": 256, "max_num_seqs": 8, "enforce_eager": True, "dtype": "float32"}
PROMPTS, TOKENS = [f"Count to {i}." for i in range(16)], 12


def greedy(model: Any, tokenizer: Any) -> list[str]:
    """What transformers answers to PROMPTS in the raw template."""
    answers = []
    for prompt in PROMPTS:
        ids = tokenizer(f"{prompt}\n", return_tensors="pt")["input_ids"]
        made = model.generate(input_ids=ids, max_new_tokens=TOKENS, do_sample=False, pad_token_id=0)
        answers.append(tokenizer.decode(made[0, ids.shape[1] :], skip_special_tokens=True).strip())
    return answers


@pytest.mark.slow
def test_an_adapter_answers_as_with_peft_alone_and_in_a_run(tiny: Path, tmp_path: Path) -> None:
    """Evaluation's engine and self-generation apply the adapter; its base model answers otherwise."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from polydistill.eval.asking.answerer import Asked
    from polydistill.eval.asking.vllm_answerer import Vllm
    from polydistill.eval.question import Question

    base, folder = str((tiny / "models/student").resolve()), str(tmp_path / "adapter")
    tokenizer, model = AutoTokenizer.from_pretrained(base), AutoModelForCausalLM.from_pretrained(base)
    plain = greedy(model, tokenizer)
    torch.manual_seed(0)
    config = LoraConfig(r=12, lora_alpha=24, task_type="CAUSAL_LM", target_modules="all-linear")
    adapted = get_peft_model(model, config).eval()
    for name, parameter in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.05)
    adapted.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    wanted = greedy(adapted, tokenizer)
    assert sum(a != b for a, b in zip(plain, wanted)) > 8

    engine = Vllm(folder, Student(model=folder, prompt="raw", engine=ENGINE))
    questions = [Question(str(i), "eng_Latn", prompt) for i, prompt in enumerate(PROMPTS)]
    answers = engine(Asked(questions, TOKENS))
    engine.close()
    assert [answer.text for answer in answers] == wanted

    run = make(tmp_path / "run", prompts=16)
    run.config["student"] = {"model": folder, "prompt": "raw", "max_tokens": TOKENS, "engine": ENGINE}
    run.finish()
    found = {row["instruction"]: row["self"] for row in run.rows()["deu_Latn"]}
    assert [found[prompt] for prompt in PROMPTS] == wanted
