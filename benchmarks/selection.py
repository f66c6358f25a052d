"""Rows with a verified answer, one sample against four: `POLYDISTILL_MODEL=... python -m benchmarks.selection FILE`.

FILE is GSM8K's train.jsonl(.gz). The first 32 questions are answered by the model with `prompt: chat`, and
`select: matches_truth` looks for an answer with the right number. One sample is greedy, four are drawn.
"""

import gzip
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from polydistill.engine.config import Student
from polydistill.engine.environment import has_gpu
from polydistill.engine.generation.prompting.conversation import Message
from polydistill.engine.generation.prompting.templates import load_tokenizer
from polydistill.engine.generation.prompting.tokens import PromptTokens
from polydistill.engine.generation.selection import choose, score
from polydistill.engine.generation.stage import candidate, sample_seeds, sampling
from polydistill.engine.generation.vllm_engine import offline_engine, throughput

ROWS, TOKENS = 32, 160


def measure(model: str, file: Path) -> Iterator[dict[str, Any]]:
    """For one and for four samples: share of rows with a verified answer, seconds, processor seconds, tokens."""
    data = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    rows = [json.loads(line) for line in data.splitlines()[:ROWS]]
    limits = throughput(has_gpu(), sampled=True) | {"max_num_seqs": 64}
    engine = offline_engine(
        model=model, dtype="bfloat16", max_model_len=512, enforce_eager=True, disable_log_stats=True, **limits
    )
    for samples in (1, 4):
        settings: dict[str, Any] = {"temperature": 0.7, "top_p": 0.95} if samples > 1 else {}
        student = Student(model=model, prompt="chat", max_tokens=TOKENS, samples=samples, **settings)
        yield _verified(engine, student, rows)


def _verified(engine: Any, student: Student, rows: list[dict[str, str]]) -> dict[str, Any]:
    from vllm import SamplingParams

    tokens = PromptTokens(load_tokenizer(student.model), "chat")
    ids = tokens.prompt_ids([[Message("user", row["question"])] for row in rows])
    draws = sample_seeds(student, 0, [f"{number:016x}" for number in range(len(rows))])
    ends = sorted(tokens.end_ids)
    how = [SamplingParams(**sampling(student, int(s)), stop_token_ids=ends) for some in draws for s in some]
    prompts = [{"prompt_token_ids": prompt} for prompt in ids for _ in range(student.samples)]
    started, worked = time.monotonic(), time.process_time()
    outputs = [one.outputs[0] for one in engine.generate(prompts, how, use_tqdm=False)]
    seconds, worked = time.monotonic() - started, time.process_time() - worked
    made = [candidate(o.text, o.finish_reason, len(o.token_ids), student) for o in outputs]
    groups = [made[start : start + student.samples] for start in range(0, len(made), student.samples)]
    right = [
        choose(score(group, "matches_truth", row["answer"], "eng_Latn")) is not None for group, row in zip(groups, rows)
    ]
    generated = sum(one.tokens for one in made)
    share = sum(right) / len(rows)
    cost = {"seconds": seconds, "processor_seconds": worked, "tokens": generated}
    return {"samples": student.samples, "rows": len(rows), "verified": share, **cost}


if __name__ == "__main__":
    for result in measure(os.environ["POLYDISTILL_MODEL"], Path(sys.argv[1])):
        print(json.dumps(result), flush=True)
