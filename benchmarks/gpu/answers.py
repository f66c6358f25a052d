"""Evaluation's vLLM engine: likelihoods of choices, and engines one after the other."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.gpu import material
from benchmarks.gpu.check import Figure


def likelihood(folder: Path) -> list[Figure]:
    """Choices of six tokens behind prompts of 200, which the prefix cache holds, beside transformers' own sums."""
    from transformers import AutoModelForCausalLM

    from polydistill.eval.asking.likelihood import Candidates, choose

    model, draw = material.student(folder), np.random.default_rng(0)
    items = [
        Candidates(draw.integers(2, 200, 200).tolist(), [draw.integers(2, 200, 6).tolist() for _ in range(4)])
        for _ in range(8)
    ]
    answerer = _engine(model, dtype="float32", max_num_seqs=16)
    found = choose(answerer.llm, items, 512)
    answerer.close()
    network = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32).to(material.device()).eval()
    apart = []
    for item, scores in zip(items, found):
        for choice, score in zip(item.choices, scores or []):
            apart.append(abs(score - _likelihood(network, item.prompt, choice)))
    return [
        Figure("choices scored", len(apart), at_least=32),
        Figure("largest difference", max(apart, default=float("nan")), "nats", at_most=0.05),
    ]


@torch.no_grad()
def _likelihood(network: Any, prompt: list[int], choice: list[int]) -> float:
    tokens = torch.tensor([prompt + choice], device=network.device)
    rows = network(tokens).logits[0].float().log_softmax(-1)
    return sum(float(rows[len(prompt) - 1 + k, token]) for k, token in enumerate(choice))


def engines(folder: Path) -> list[Figure]:
    """Three engines in one process: each answers everything, and its memory comes back when it is closed."""
    from polydistill.eval.asking.answerer import Asked
    from polydistill.eval.question import Question

    model, held, answered = material.student(folder), [], []
    questions = [Question(str(i), "eng_Latn", f"what is the sum of {i} and 2", gold=("3",)) for i in range(64)]
    for _ in range(3):
        answerer = _engine(model)
        answers = answerer(Asked(questions, 16))
        answered.append(sum(answer.tokens > 0 for answer in answers))
        answerer.close()
        held.append(_held())
    return [
        Figure("questions answered", min(answered), at_least=64),
        Figure("memory that did not come back", max(held) - min(held), "GiB", at_most=1.0),
    ]


def _engine(model: str, **arguments: Any) -> Any:
    from polydistill.engine.config import Student
    from polydistill.eval.asking.vllm_answerer import Vllm

    usual = {"max_model_len": 512, "enforce_eager": True} | arguments
    if torch.cuda.is_available():
        usual["gpu_memory_utilization"] = 0.3
    return Vllm(model, Student(model=model, prompt="raw", engine=usual))


def _held() -> float:
    """Memory in use on the GPU, else by this process, GiB."""
    if torch.cuda.is_available():
        free, total = torch.cuda.mem_get_info()
        return (total - free) / 2**30
    import psutil

    return psutil.Process().memory_info().rss / 2**30
