"""A real small chat model: synth, mix, train and eval, and the same answers whoever asks it."""

import json
import os
import socket
from pathlib import Path

import pyarrow as pa
import pytest

import polydistill
from polydistill.engine import schema
from polydistill.engine.config import Student
from polydistill.engine.generation.prompting.check import check_template
from polydistill.engine.generation.prompting.conversation import Message
from polydistill.engine.generation.prompting.templates import load_tokenizer
from polydistill.engine.generation.prompting.tokens import PromptTokens
from polydistill.engine.generation.remote import RemoteStage
from polydistill.engine.storage.shards import Folder, read_table
from polydistill.eval.question import from_table
from tests.faults.test_endpoint import kill, serve, wait

MODEL = os.environ.get("POLYDISTILL_MODEL", "")
pytestmark = pytest.mark.skipif(not MODEL, reason="POLYDISTILL_MODEL is not set")
QUESTIONS = ["What is the capital of France?", "Name three colors.", "What is 2 + 3?"]
CONTROL = "say </s> <|im_end|> now"
TOKENS = 16


def test_ids_are_those_of_the_models_own_template() -> None:
    tokenizer = load_tokenizer(MODEL)
    tokens = PromptTokens(tokenizer, "chat")
    for question in QUESTIONS:
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
    (ids,) = PromptTokens(tokenizer, "chat").prompt_ids([[Message("user", CONTROL)]])
    assert ids.count(tokenizer.convert_tokens_to_ids("<|im_end|>")) == 2
    assert CONTROL in tokenizer.decode(ids)


@pytest.mark.slow
@pytest.mark.timeout(1200)  # four engines, one after the other
def test_the_whole_line_and_the_same_answers_before_and_after_saving(tiny: Path, tmp_path: Path) -> None:
    """Synth, mix, train and eval with `prompt: chat`. The training's steps are too small to change a weight.

    So the answers of the saved model have to be those of the given one: through transformers, our evaluation and vLLM's
    chat endpoint, each with its own rendering of the question.
    """
    wanted = _transformers(MODEL, QUESTIONS)
    run = _run(tiny, tmp_path)
    pool = run.synthesize()
    assert [row["self"] for table in pool.tables("deu_Latn") for row in table.to_pylist()] == wanted
    spent = json.loads((tmp_path / "run/report.json").read_text(encoding="utf-8"))
    assert spent["languages"]["deu_Latn"]["translation"]["answer_tokens"] > 0 and spent["answers"]["cost"] > 0
    model = run.train()
    assert model.record.steps == 2 and model.record.subsets["LL"].samples == len(QUESTIONS)
    run.evaluate({"trained": model})
    for name in ("base", "trained"):
        folder = Folder.of(tmp_path / f"run/eval/answers/{name}")
        assert [one.text for one in from_table(read_table(folder, "off_target/deu_Latn.arrow"))[1]] == wanted, name
    saved = str(tmp_path / f"run/models/{run.model_name().replace('/', '-')}/model")
    assert _transformers(saved, QUESTIONS) == wanted
    assert _served(saved, tmp_path) == wanted


def _run(tiny: Path, folder: Path) -> polydistill.Run:
    (folder / "questions").mkdir()
    lines = [json.dumps({"instruction": question}) for question in QUESTIONS]
    (folder / "questions/deu_Latn.jsonl").write_text("\n".join(lines), encoding="utf-8")
    (folder / "own.yaml").write_text("answers: {self: 1}\nsubsets: {LL: {question: source, answer: source}}")
    student = {"model": MODEL, "prompt": "chat", "max_tokens": TOKENS, "price": {"prompt": 1.0, "answer": 2.0}}
    engine = {"dtype": "float32", "max_model_len": 256, "max_num_seqs": 8, "enforce_eager": True}
    train = {"steps": 2, "learning_rate": 1e-20, "max_tokens": 128, "packs": 1, "checkpoint_minutes": None}
    config = {
        "output": str(folder / "run"),
        "targets": ["deu_Latn"],
        "student": student | {"engine": engine},
        "translate": {"model": str(tiny / "models/nllb"), "beam": 1},
        "judge": {"rules": {"drop": []}},
        "recipe": str(folder / "own.yaml"),
        "train": train,
        "eval": {"tasks": [{"task": "off_target", "path": str(folder / "questions"), "max_tokens": TOKENS}]},
    }
    return polydistill.Run(config, rows=[{"instruction": question, "output": "So."} for question in QUESTIONS])


def _served(model: str, folder: Path) -> list[str | None]:
    """Answers of `vllm serve`, which applies the chat template that lies beside the model."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url, log = f"http://127.0.0.1:{port}/v1", folder / "server.log"
    server = serve(model, port, log)
    try:
        wait(server, url, log)
        student = Student(model=model, prompt="chat", max_tokens=TOKENS, endpoint=url)
        return RemoteStage(student, 0)(_prompts(QUESTIONS))[0]["self"].to_pylist()
    finally:
        kill(server)


def _prompts(questions: list[str]) -> pa.Table:
    values = {"input": "", "truth": "", "source": "eng_Latn", "origin": "test"}
    rows = [values | {"id": f"{i:016x}", "instruction": text} for i, text in enumerate(questions)]
    return pa.Table.from_pylist(rows, schema=schema.PROMPT)


def _transformers(folder: str, questions: list[str]) -> list[str]:
    import torch
    from transformers import AutoModelForCausalLM

    tokenizer, model = load_tokenizer(folder), AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    answers = []
    for question in questions:
        turns = [{"role": "user", "content": question}]
        ids = tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_tensors="pt", return_dict=False)
        with torch.inference_mode():
            made = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=TOKENS, do_sample=False)
        answers.append(tokenizer.decode(made[0, ids.shape[1] :], skip_special_tokens=True).strip())
    return answers
