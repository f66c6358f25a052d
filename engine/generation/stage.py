"""Self-generation: the student answers every prompt once (SDRRL, section "self-generation"; METHODS A2).

The engine is vLLM, run by ray.data.llm. What is ours is around it: prompts become token ids here (so that text
that looks like a control token stays text), and every row comes back, with an answer or with the reason why not.
"""

from typing import Any

import numpy as np
import pyarrow as pa

from polydistill.engine import schema, seeds
from polydistill.engine.config import Stage, Student
from polydistill.engine.generation.conversation import conversation
from polydistill.engine.generation.templates import load_tokenizer
from polydistill.engine.generation.tokens import PromptTokens
from polydistill.engine.generation.vllm_engine import throughput

# Which unit a row belongs to, while it is on its way.
UNIT = pa.field("unit", pa.int64())


class PromptStage:
    """Adds what the engine needs to PROMPT rows: token ids and sampling parameters (as the two columns below)."""

    reads = ("id", "instruction", "input")
    writes = ("tokenized_prompt", "seed")

    def __init__(self, student: Student, seed: int) -> None:
        self.seed = seed
        tokenizer = load_tokenizer(student.model, student.trust_remote_code)
        self.tokens = PromptTokens(tokenizer, student.prompt, student.template)

    def __call__(self, table: pa.Table) -> pa.Table:
        """PROMPT rows in, the same rows with `tokenized_prompt` (list of token ids) and `seed` out."""
        rows = zip(table["instruction"].to_pylist(), table["input"].to_pylist())
        tokens = self.tokens.prompt_ids([conversation(*row) for row in rows])
        draws = (seeds.uniform(self.seed, table["id"].to_pylist(), "generate") * 2**31).astype(np.int64)
        table = table.select([*schema.PROMPT.names, UNIT.name])
        table = table.append_column("tokenized_prompt", pa.array(tokens, pa.list_(pa.int32())))
        return table.append_column("seed", pa.array(draws))


def end_tokens(student: Student) -> frozenset[int]:
    """Ids of the tokens that end an answer: the template's end of turn, and the tokenizer's end of text."""
    tokenizer = load_tokenizer(student.model, student.trust_remote_code)
    return PromptTokens(tokenizer, student.prompt, student.template).end_ids


def request(row: dict[str, Any], student: Student) -> dict[str, Any]:
    """ray.data.llm's per-row sampling parameters. Sampling is seeded per row, so that a re-run draws the same."""
    sampling: dict[str, Any] = {"max_tokens": student.max_tokens, "temperature": student.temperature}
    if student.temperature > 0:
        sampling |= {"top_p": student.top_p, "seed": int(row["seed"])}
    return {"sampling_params": sampling}


def processor_settings(student: Student, stage: Stage, rows: int) -> dict[str, Any]:
    """Arguments of `vLLMEngineProcessorConfig`.

    A batch is a unit (`rows` prompts), so that blocks stay units on their way through the engine. Enough batches
    are in flight to fill the scheduler twice.
    """
    gpus = stage.gpus or 0
    engine = {"trust_remote_code": student.trust_remote_code} | throughput(bool(gpus)) | student.engine
    workers = int(engine.get("tensor_parallel_size", 1)) * int(engine.get("pipeline_parallel_size", 1))
    if workers == 1:
        engine.setdefault("distributed_executor_backend", "uni")
    if 0 < gpus < 1:  # the other models on this card need the rest of its memory
        engine.setdefault("gpu_memory_utilization", round(0.9 * gpus, 3))
    # Ray's executor of an engine over several GPUs asks for a whole CPU in each bundle.
    bundle = {"CPU": max(stage.cpus or 1.0, 1.0 if workers > 1 else 0.0)} | ({"GPU": gpus} if gpus else {})
    in_flight = max(2, -(-2 * int(engine["max_num_seqs"]) // rows))
    return {
        "model_source": student.model,
        "engine_kwargs": engine,
        "batch_size": rows,
        "concurrency": stage.actors or 1,
        "max_concurrent_batches": in_flight,
        "max_tasks_in_flight_per_actor": in_flight,
        "should_continue_on_error": True,
        "log_engine_metrics": False,
        "placement_group_config": {"bundles": [bundle] * workers},
        "chat_template_stage": {"enabled": False},
        "tokenize_stage": {"enabled": False},
        "detokenize_stage": {"enabled": False},
    }


def answered(table: pa.Table, student: Student, end_tokens: frozenset[int]) -> pa.Table:
    """GENERATED rows (with `unit`) from the engine's output rows.

    A row that the engine refused (a prompt longer than its context, say) has a null answer and its message; an
    answer cut at `max_tokens` is kept and marked "length".
    """
    errors = [error or None for error in table["__inference_error__"].to_pylist()]
    counts = table["num_generated_tokens"].to_pylist()
    texts, tokens = table["generated_text"].to_pylist(), table["generated_tokens"].to_pylist()
    answers: list[str | None] = []
    marks: list[str | None] = []
    for text, count, ids, error in zip(texts, counts, tokens, errors):
        cut = error is None and count >= student.max_tokens and int(ids[-1]) not in end_tokens
        answers.append(None if error else text.strip())
        marks.append(f"error: {error}" if error else "length" if cut else None)
    # A column that is null throughout comes back from the engine without its type.
    columns = {field.name: table[field.name].cast(field.type) for field in schema.PROMPT}
    columns["self"] = pa.array(answers, pa.string())
    columns["self_tokens"] = pa.array([None if error else count for count, error in zip(counts, errors)], pa.int32())
    columns["self_error"] = pa.array(marks, pa.string())
    return pa.table(columns, schema=schema.GENERATED).append_column(UNIT, table["unit"].cast(pa.int64()))


def unanswered(table: pa.Table) -> pa.Table:
    """GENERATED rows for a run without self-generation: every `self` is null."""
    for field in ("self", "self_tokens", "self_error"):
        kind = schema.GENERATED.field(field).type
        table = table.append_column(schema.GENERATED.field(field), pa.nulls(table.num_rows, kind))
    return table
