"""`student:` the model that answers, and is trained."""

import re
from typing import Any, Literal

from pydantic import (
    Field,
    field_validator,
    model_validator,
)

from polydistill.engine.config.base import Config, hidden
from polydistill.engine.credentials import refuse_in_settings
from polydistill.engine.errors import UserError


class Endpoint(Config):
    """An OpenAI-compatible server: `vllm serve`, or a hosted one."""

    url: str = Field(description="Address up to the version, e.g. http://host:8000/v1")
    model: str | None = Field(None, description="Name under which the server knows the model. `null`: its only one")
    key: str = Field("OPENAI_API_KEY", description="Environment variable with the API key. Unset: no key is sent")
    concurrency: int = Field(64, ge=1, description="Maximum number of concurrent requests")
    requests_per_minute: float | None = Field(None, gt=0, description="Rate limit. `null`: none")
    patience: float = Field(
        600, ge=0, description="Seconds during which a request is retried while the server is busy or unreachable"
    )

    @field_validator("key")
    @classmethod
    def _name(cls, value: str) -> str:
        if not re.fullmatch(r"[A-Z_][A-Z0-9_]*", value):
            problem = "Expected the name of an environment variable, in capitals. The key itself belongs there"
            raise hidden(UserError(problem))
        return value

    @field_validator("url")
    @classmethod
    def _plain(cls, value: str) -> str:
        if not re.match(r"https?://[^/@\s]+(/[^@\s]*)?$", value):
            raise ValueError("expected http(s)://host[:port]/v1 without a user name. Keys belong in the environment")
        return value.rstrip("/")


class Price(Config):
    """What tokens cost, in any currency."""

    prompt: float = Field(0.0, ge=0, description="For a million prompt tokens")
    answer: float = Field(0.0, ge=0, description="For a million generated tokens")


class Reward(Config):
    """A reward model, which says how good an answer to a question is."""

    model: str = Field(
        description="Path or hub id of a reward model: a Hugging Face sequence classifier with one output"
    )
    gpus: float = Field(0.0, ge=0, description="GPUs that it takes, 0.5 for half of one. 0: it runs on the processors")
    batch_tokens: int = Field(8192, ge=64, description="Tokens (padding included) in one batch. Halved on OOM")
    dtype: Literal["float32", "bfloat16", "float16"] = Field("float32", description="Arithmetic of the model")


class Student(Config):
    """The model to be trained. It answers every prompt once, before training."""

    model: str = Field(description="Path or hub id of a causal language model (a Hugging Face folder)")
    prompt: Literal["alpaca", "chat", "raw"] = Field(
        "alpaca",
        description="How a question becomes a prompt: Alpaca's text, the tokenizer's chat template, or as is",
    )
    template: dict[str, Any] = Field(
        default_factory=dict,
        description="Arguments of the chat template, e.g. {enable_thinking: false}. Generation, training and "
        "evaluation use the same ones",
    )
    max_tokens: int = Field(512, ge=1, description="Maximum length of an answer including its reasoning, tokens")
    temperature: float = Field(0.0, ge=0, description="0 is greedy decoding")
    top_p: float = Field(1.0, gt=0, le=1, description="Nucleus sampling, only with temperature > 0")
    top_k: int = Field(0, ge=0, description="Sample from this many tokens, only with temperature > 0. 0: from all")
    min_p: float = Field(
        0.0, ge=0, le=1, description="Least probability relative to the likeliest token, only with temperature > 0"
    )
    repetition_penalty: float = Field(1.0, gt=0, description="Above 1 makes repeated tokens less likely")
    seed: int | None = Field(None, ge=0, description="Seed of sampling. `null`: the run's `seed`")
    stop: list[str] | None = Field(
        None,
        description="Texts that end an answer. `null`: with `prompt: alpaca`, the beginning of the next instruction, "
        "else none. The template's end of turn always ends an answer",
    )
    reasoning: Literal["cut", "keep"] = Field(
        "cut", description="A reasoning trace (<think>...</think>) before the answer: its own column, or kept as text"
    )
    samples: int = Field(1, ge=1, description="Answers to each prompt, of which one is chosen. Above 1 needs sampling")
    select: Literal["first", "logprob", "agreement", "matches_truth", "quality"] = Field(
        "first",
        description="The answer to choose: the first complete one, the likeliest per token, the result that most "
        "answers share, the first that agrees with `truth` (if none agrees, the row has no own answer), or the one "
        "that `reward` rates highest",
    )
    reward: Reward | None = Field(None, description="For `select: quality`: a reward model, a path or a section")
    endpoint: Endpoint | None = Field(
        None, description="An OpenAI-compatible server that answers instead, a URL or a section. It may serve a teacher"
    )
    price: Price | None = Field(None, description="What tokens cost, for the report. `null`: no costs")
    trust_remote_code: bool = Field(False, description="Run Python code that comes with the model")
    engine: dict[str, Any] = Field(
        default_factory=dict,
        description="Further vLLM engine arguments, e.g. {max_num_seqs: 1024, max_num_batched_tokens: 16384}",
    )

    @field_validator("engine")
    @classmethod
    def _no_secrets(cls, value: dict[str, Any]) -> dict[str, Any]:
        try:
            refuse_in_settings(value, "engine")
        except UserError as error:
            raise hidden(error) from error
        return value

    @field_validator("endpoint", mode="before")
    @classmethod
    def _url(cls, value: Any) -> Any:
        return {"url": value} if isinstance(value, str) else value

    @field_validator("reward", mode="before")
    @classmethod
    def _path(cls, value: Any) -> Any:
        return {"model": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _sampling(self) -> "Student":
        if self.samples > 1 and self.temperature == 0:
            raise ValueError("`samples` above 1 needs `temperature` above 0: greedy decoding repeats one answer")
        if (self.select == "quality") != (self.reward is not None):
            raise ValueError("`select: quality` and `reward` need each other: expected both or neither")
        if self.select in ("logprob", "agreement", "quality") and self.samples == 1:
            raise ValueError(f"`select: {self.select}` needs `samples` above 1")
        return self
