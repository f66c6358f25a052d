"""A written folder: usable by transformers' own tools, stops where training stopped, readable by others."""

import os
from pathlib import Path
from typing import Any

import pytest
import torch

from polydistill.engine.config import Student
from polydistill.engine.generation.prompting.conversation import conversation
from polydistill.engine.generation.prompting.tokens import PromptTokens
from polydistill.trainer.distributed.export import _write


@pytest.mark.parametrize("template", ["alpaca", "raw", "chat"])
def test_a_pipeline_asks_the_prompt_of_training(template: Any, student: str, tmp_path: Path) -> None:
    """Transformers' pipeline on chat messages answers what the model answers to the training prompt."""
    from transformers import AutoModelForCausalLM, AutoTokenizer, pipeline

    tokenizer, model = AutoTokenizer.from_pretrained(student), AutoModelForCausalLM.from_pretrained(student)
    model.generation_config.eos_token_id = 77  # the base model's settings stop elsewhere
    folder, chosen = str(tmp_path / "model"), Student(model=student, prompt=template)
    before = tokenizer.chat_template
    _write(folder, model.save_pretrained, tokenizer, chosen)
    assert tokenizer.chat_template == before
    mask = os.umask(0)
    os.umask(mask)
    assert {path.stat().st_mode & 0o777 for path in Path(folder).iterdir()} == {0o666 & ~mask}
    written = AutoModelForCausalLM.from_pretrained(folder)
    assert written.generation_config.eos_token_id == [tokenizer.eos_token_id]
    question = "what is the sum of 1 and 2"
    ids = torch.tensor(PromptTokens(tokenizer, template).prompt_ids([conversation(question)]))
    answer = written.generate(ids, max_new_tokens=12, do_sample=False)[0, ids.shape[1] :]
    ask = pipeline("text-generation", folder, max_new_tokens=12, do_sample=False)
    found = ask([{"role": "user", "content": question}])[0]["generated_text"][-1]["content"]
    assert found == tokenizer.decode(answer, skip_special_tokens=True)
