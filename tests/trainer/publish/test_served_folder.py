"""A trained folder answers the same through transformers' pipeline, a chat server of vLLM and our evaluation."""

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from polydistill.engine.config import Student
from tests.faults.test_endpoint import kill, serve, wait
from tests.trainer.run.conftest import SMALL

pytestmark = pytest.mark.slow
QUESTIONS = ["what is the sum of 12 and 30", "berapa jumlah dari 7 dan 5", "Name a river."]
TURNS = (
    "{{ bos_token }}{% for m in messages %}{{ '[' + m.role + '] ' + m.content }}"
    "{% if m.role == 'assistant' %}{{ eos_token }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '[assistant] ' }}{% endif %}"
)
TOKENS, TEMPLATES = 24, ("chat", "alpaca", "raw")


def through_a_pipeline(folder: str) -> list[str]:
    from transformers import pipeline

    ask = pipeline("text-generation", folder, max_new_tokens=TOKENS, do_sample=False)
    return [
        ask([{"role": "user", "content": question}])[0]["generated_text"][-1]["content"].strip()
        for question in QUESTIONS
    ]


def through_a_server(folder: str, log: Path) -> list[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url, answers = f"http://127.0.0.1:{port}/v1", []
    server = serve(folder, port, log)
    try:
        wait(server, url, log)
        for question in QUESTIONS:
            body = {"model": "student", "messages": [{"role": "user", "content": question}]}
            reply = httpx.post(
                f"{url}/chat/completions", json=body | {"max_tokens": TOKENS, "temperature": 0}, timeout=60
            )
            answers.append(reply.json()["choices"][0]["message"]["content"].strip())
    finally:
        kill(server)
    return answers


def through_vllm(folder: str, student: Student) -> tuple[list[str], list[str]]:
    """Our evaluation, and chat messages to the same engine, which renders them as its server does."""
    from vllm import SamplingParams

    from polydistill.eval.asking.answerer import Asked
    from polydistill.eval.asking.vllm_answerer import Vllm
    from polydistill.eval.question import Question

    engine = {"dtype": "float32", "max_model_len": 256, "max_num_seqs": 8}
    model = Vllm(folder, student.model_copy(update={"model": folder, "engine": engine}))
    try:
        questions = [Question(str(i), "eng_Latn", text) for i, text in enumerate(QUESTIONS)]
        ours = [answer.text for answer in model(Asked(questions, TOKENS))]
        talks: list[Any] = [[{"role": "user", "content": question}] for question in QUESTIONS]
        how = SamplingParams(temperature=0, max_tokens=TOKENS)
        return ours, [out.outputs[0].text.strip() for out in model.llm.chat(talks, how, use_tqdm=False)]
    finally:
        model.close()


@pytest.fixture(scope="module")
def folders(tiny: Path, mixture: str, run_ranks: Callable[..., None], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small world's student with a chat template, and what it becomes with each template, in 000/model."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    root = tmp_path_factory.mktemp("served")
    tokenizer = AutoTokenizer.from_pretrained(tiny / "models/student")
    tokenizer.chat_template = TURNS
    tokenizer.save_pretrained(root / "student")
    AutoModelForCausalLM.from_pretrained(tiny / "models/student").save_pretrained(root / "student")
    train = {**SMALL, "steps": 8, "learning_rate": 0.002}
    runs = [{"out": str(root / name), "prompt": name, "train": train} for name in TEMPLATES]
    run_ranks(1, "train", {"student": str(root / "student"), "mixture": mixture, "runs": runs})
    return root


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_pipeline_chat_messages_and_our_evaluation_get_one_answer(template: Any, folders: Path) -> None:
    student, folder = Student(model=str(folders / "student"), prompt=template), str(folders / template / "model")
    wanted = through_a_pipeline(folder)
    assert all(wanted) and through_vllm(folder, student) == (wanted, wanted)


def test_a_server_gives_the_same(folders: Path, tmp_path: Path) -> None:
    """One server is enough: its messages are rendered as above. alpaca's template is the longest of ours."""
    folder = str(folders / "alpaca" / "model")
    assert through_a_server(folder, tmp_path / "server.log") == through_a_pipeline(folder)
