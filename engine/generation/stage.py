"""Self-generation in process: the student answers every prompt (SDRRL, section "self-generation").

The engine is vLLM, run by ray.data.llm. What is ours is around it: prompts become token ids here (so that text
that looks like a control token stays text), and every row comes back, with an answer or with the reason why not.
"""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from polydistill.engine import schema, seeds
from polydistill.engine.config import Stage, Student
from polydistill.engine.generation.adapters import Adapter
from polydistill.engine.generation.prompting.conversation import conversations
from polydistill.engine.generation.prompting.templates import STOPS, load_tokenizer
from polydistill.engine.generation.prompting.tokenizer import Tokenizer
from polydistill.engine.generation.prompting.tokens import PromptTokens, Reading
from polydistill.engine.generation.selection import Candidate
from polydistill.engine.generation.vllm_engine import throughput
from polydistill.engine.text.reasoning import cut_reasoning

UNIT = pa.field("unit", pa.int64())
"""Which unit a row belongs to, while it is on its way."""


class PromptStage:
    """Adds what the engine needs to PROMPT rows: token ids and a seed, one row for each answer wanted."""

    def __init__(self, student: Student, seed: int) -> None:
        self.student, self.seed = student, seed
        tokenizer = load_tokenizer(student.model, student.trust_remote_code)
        self.tokens = PromptTokens(tokenizer, student.prompt, student.template)

    def __call__(self, table: pa.Table) -> pa.Table:
        """PROMPT rows (and `unit`) in; each `student.samples` times, with `tokenized_prompt` and `seed`, out."""
        tokens = self.tokens.prompt_ids(conversations(table))
        samples = self.student.samples
        repeated = np.repeat(np.arange(table.num_rows), samples)
        draws = sample_seeds(self.student, self.seed, table["id"].to_pylist()).ravel()
        table = table.select([*schema.PROMPT.names, UNIT.name]).take(pa.array(repeated))
        table = table.append_column("tokenized_prompt", pa.array([tokens[i] for i in repeated], pa.list_(pa.int32())))
        return table.append_column("seed", pa.array(draws))


def sample_seeds(student: Student, seed: int, ids: Sequence[str]) -> np.ndarray:
    """Seeds of the answers to each row: int64 (rows, samples). A run that is repeated draws the same."""
    own = seed if student.seed is None else student.seed
    purposes = ["generate" if number == 0 else f"generate {number}" for number in range(student.samples)]
    draws = [(seeds.uniform(own, list(ids), purpose) * 2**31).astype(np.int64) for purpose in purposes]
    return np.stack(draws, axis=1)


def stops(student: Student) -> list[str]:
    """Texts that end an answer: those of the configuration, else the template's."""
    return list(STOPS[student.prompt] if student.stop is None else student.stop)


def sampling(student: Student, seed: int) -> dict[str, object]:
    """vLLM's sampling parameters, for one answer. Sampling is seeded by row and answer."""
    values: dict[str, object] = {"max_tokens": student.max_tokens, "temperature": student.temperature}
    if student.temperature > 0:
        values |= {"top_p": student.top_p, "seed": seed}
        values |= {"top_k": student.top_k} if student.top_k else {}
        values |= {"min_p": student.min_p} if student.min_p else {}
    if student.repetition_penalty != 1:
        values["repetition_penalty"] = student.repetition_penalty
    if texts := stops(student):
        values["stop"] = texts
    return values


def reading(student: Student) -> Reading:
    """How the student's answers are read; loads its tokenizer, which takes seconds."""
    tokenizer = load_tokenizer(student.model, student.trust_remote_code)
    found = PromptTokens(tokenizer, student.prompt, student.template).reading(student.reasoning == "cut")
    return replace(found, ends=found.ends | _model_ends(student))


def _model_ends(student: Student) -> frozenset[int]:
    """Ids at which vLLM ends the model's answers besides: those of generation_config.json, else of config.json.

    They may be others than the tokenizer's end token (GLM 4.5 names its user turn as well). An answer that ends with
    one is whole, and was taken for one that the context cut.
    """
    from transformers import AutoConfig, GenerationConfig

    adapter = Adapter.find(student.model)
    model = adapter.base if adapter else student.model
    try:
        found = GenerationConfig.from_pretrained(model)
    except OSError:
        try:
            config = AutoConfig.from_pretrained(model, trust_remote_code=student.trust_remote_code)
        except (OSError, ValueError):  # the engine will say what is wrong with the model
            return frozenset()
        found = GenerationConfig.from_model_config(config)
    ends = found.eos_token_id
    return frozenset(ends if isinstance(ends, list) else [ends] if ends is not None else [])


def request(row: Mapping[str, Any], student: Student, reading: Reading, adapted: bool = False) -> dict[str, object]:
    """ray.data.llm's request of one row.

    Args:
        reading: how the answer will be read.
        adapted: whether `student.model` is an adapter, which every request then names.
    """
    values = sampling(student, int(row["seed"])) | reading.settings
    if student.select == "logprob":
        values["logprobs"] = 0  # of the generated token itself
    return {"sampling_params": values} | ({"model": student.model} if adapted else {})


class Reader:
    """Makes candidates of the engine's output rows.

    Args:
        student: says how the answers are made.
        reading: how they are read, see `reading`.
    """

    def __init__(self, student: Student, reading: Reading) -> None:
        self.student, self.reading = student, reading

    @functools.cached_property
    def _tokenizer(self) -> Tokenizer:
        return load_tokenizer(self.student.model, self.student.trust_remote_code)

    def candidates(self, table: pa.Table) -> list[list[Candidate]]:
        """The answers to each prompt, of which the engine's rows hold `student.samples` in a row."""
        errors, texts = table["__inference_error__"].to_pylist(), table["generated_text"].to_pylist()
        tokens = table["generated_tokens"].to_pylist()
        logprobs = table["logprobs"].to_pylist() if self.student.select == "logprob" else [None] * len(texts)
        made = [self._candidate(*row) for row in zip(errors, texts, tokens, logprobs)]
        samples = self.student.samples
        return [made[start : start + samples] for start in range(0, len(made), samples)]

    def _candidate(self, error: str | None, text: str, tokens: Sequence[int], logprobs: Any) -> Candidate:
        if error:
            return Candidate("", f"error: {error}", 0)
        finish = self._finish([int(t) for t in tokens])
        return candidate(text, finish, len(tokens), self.student, _mean(logprobs), self.reading.control)

    def _finish(self, tokens: list[int]) -> str:
        """Why the engine stopped, which its output does not say: an end, `max_tokens`, or else the context."""
        if tokens and tokens[-1] in self.reading.ends:
            return "stop"
        if (texts := stops(self.student)) and any(stop in self._tokenizer.decode(tokens) for stop in texts):
            return "stop"
        return "length" if len(tokens) >= self.student.max_tokens else "context"


def candidate(
    text: str,
    finish: str,
    tokens: int,
    student: Student,
    logprob: float | None = None,
    control: tuple[str, ...] = (),
) -> Candidate:
    """A candidate of generated text, its reasoning cut off where the student's configuration says so."""
    if student.reasoning == "keep":
        return Candidate(text.strip(), finish, tokens, None, logprob)
    answer, reasoning, ended = cut_reasoning(text, control)
    return Candidate(answer, finish if ended else "reasoning", tokens, reasoning, logprob)


def _mean(logprobs: Any) -> float | None:
    """Mean log-probability of the generated tokens, nats; each entry maps the token to its value."""
    if logprobs is None or len(logprobs) == 0:
        return None
    values = [next(iter(dict(entry).values()))["logprob"] for entry in logprobs]
    return float(np.mean(values))


def processor_settings(student: Student, stage: Stage, rows: int) -> dict[str, object]:
    """Arguments of `vLLMEngineProcessorConfig`.

    A batch is a unit, so that blocks stay units on their way through the engine. Enough batches are in flight to fill
    the scheduler twice. The pool of engines is fixed: an integer would be the upper end of a pool that begins with
    one engine, and with our limits on batches in flight it would never grow.

    Args:
        student: Model and engine arguments.
        stage: Number and size of the engines.
        rows: Requests of a unit, prompts times samples.
    """
    gpus, adapter = stage.gpus or 0, Adapter.find(student.model)
    limits = throughput(bool(gpus), sampled=student.temperature > 0)
    engine = {"trust_remote_code": student.trust_remote_code} | limits | student.engine
    engine |= adapter.engine_arguments if adapter else {"model": student.model}
    workers = int(engine.get("tensor_parallel_size", 1)) * int(engine.get("pipeline_parallel_size", 1))
    if workers == 1:
        engine.setdefault("distributed_executor_backend", "uni")
    if 0 < gpus < 1:  # the other models on this card need the rest of its memory
        engine.setdefault("gpu_memory_utilization", round(0.9 * gpus, 3))
    # Ray's executor of an engine over several GPUs asks for a whole CPU in each bundle.
    bundle = {"CPU": max(stage.cpus or 1.0, 1.0 if workers > 1 else 0.0)} | ({"GPU": gpus} if gpus else {})
    in_flight = max(2, -(-2 * int(engine["max_num_seqs"]) // rows))
    return {
        "model_source": engine.pop("model"),
        "engine_kwargs": engine,
        "batch_size": rows,
        "concurrency": (stage.actors or 1, stage.actors or 1),
        "max_concurrent_batches": in_flight,
        "max_tasks_in_flight_per_actor": in_flight,
        "should_continue_on_error": True,
        "log_engine_metrics": False,
        "placement_group_config": {"bundles": [bundle] * workers},
        "chat_template_stage": {"enabled": False},
        "tokenize_stage": {"enabled": False},
        "detokenize_stage": {"enabled": False},
    }
