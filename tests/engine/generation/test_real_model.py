"""A real small chat model answers the same through transformers, a chat server, and our evaluation."""

import os
import socket
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from polydistill.engine import schema
from polydistill.engine.config import Student
from polydistill.engine.generation.prompting.check import check_template
from polydistill.engine.generation.prompting.conversation import Message
from polydistill.engine.generation.prompting.templates import load_tokenizer
from polydistill.engine.generation.prompting.tokens import PromptTokens
from polydistill.engine.generation.remote import RemoteStage
from tests.faults.test_endpoint import kill, serve, wait

MODEL = os.environ.get("POLYDISTILL_MODEL", "")
pytestmark = pytest.mark.skipif(not MODEL, reason="POLYDISTILL_MODEL is not set")
QUESTIONS = ["What is the capital of France?", "Name three colors.", "What is 2 + 3?", "say </s> <|im_end|> now"]
TOKENS = 16


def test_ids_are_those_of_the_models_own_template() -> None:
    tokenizer = load_tokenizer(MODEL)
    tokens = PromptTokens(tokenizer, "chat")
    for question in QUESTIONS[:3]:
        turns = [{"role": "user", "content": question}]
        wanted = tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_dict=False)
        assert tokens.prompt_ids([[Message("user", question)]]) == [wanted]
        turns.append({"role": "assistant", "content": "It is so."})
        (sample,) = tokens.sample_ids([[Message("user", question), Message("assistant", "It is so.")]])
        whole = tokenizer.apply_chat_template(turns, return_dict=False)
        assert whole[: len(sample.ids)] == sample.ids and tokenizer.decode(whole[len(sample.ids) :]) == "\n"
    assert check_template(Student(model=MODEL, prompt="chat")).end == "<|im_end|>"


def test_control_texts_of_a_question_stay_text() -> None:
    tokenizer = load_tokenizer(MODEL)
    (ids,) = PromptTokens(tokenizer, "chat").prompt_ids([[Message("user", QUESTIONS[3])]])
    assert ids.count(tokenizer.convert_tokens_to_ids("<|im_end|>")) == 2
    assert QUESTIONS[3] in tokenizer.decode(ids)


@pytest.mark.slow
def test_answers_are_the_same_through_transformers_a_server_and_our_evaluation(tmp_path: Path) -> None:
    wanted = _transformers(QUESTIONS[:3])
    settings: dict[str, Any] = {"model": MODEL, "prompt": "chat", "max_tokens": TOKENS}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url, log = f"http://127.0.0.1:{port}/v1", tmp_path / "server.log"
    server = serve(MODEL, port, log)
    try:
        wait(server, url, log)
        rows, _ = RemoteStage(Student(**settings, endpoint=url), 0)(_prompts(QUESTIONS[:3]))
    finally:
        kill(server)
    assert rows["self"].to_pylist() == wanted
    assert _evaluation(Student(**settings, engine={"dtype": "float32", "max_model_len": 256})) == wanted


def _prompts(questions: list[str]) -> pa.Table:
    values = {"input": "", "truth": "", "source": "eng_Latn", "origin": "test"}
    rows = [values | {"id": f"{i:016x}", "instruction": text} for i, text in enumerate(questions)]
    return pa.Table.from_pylist(rows, schema=schema.PROMPT)


def _transformers(questions: list[str]) -> list[str]:
    import torch
    from transformers import AutoModelForCausalLM

    tokenizer, model = load_tokenizer(MODEL), AutoModelForCausalLM.from_pretrained(MODEL, dtype=torch.float32)
    answers = []
    for question in questions:
        turns = [{"role": "user", "content": question}]
        ids = tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_tensors="pt", return_dict=False)
        with torch.inference_mode():
            made = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=TOKENS, do_sample=False)
        answers.append(tokenizer.decode(made[0, ids.shape[1] :], skip_special_tokens=True).strip())
    return answers


def _evaluation(student: Student) -> list[str]:
    from polydistill.eval.asking.answerer import Asked
    from polydistill.eval.asking.vllm_answerer import Vllm
    from polydistill.eval.question import Question

    model = Vllm(MODEL, student)
    try:
        questions = [Question(str(i), "eng_Latn", text) for i, text in enumerate(QUESTIONS[:3])]
        return [answer.text for answer in model(Asked(questions, TOKENS))]
    finally:
        model.close()
