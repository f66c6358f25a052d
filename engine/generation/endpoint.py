"""A client of an OpenAI-compatible server: `vllm serve`, or a hosted one.

Many requests run at once. A request is tried again while the server is busy, failing or away, with growing pauses, for
`patience` seconds. What the server refuses because of the request itself is that request's error. A wrong key, model
or address ends the run. The key comes from an environment variable, is sent to this server only and is never written.

Where a request leaves them open, vLLM and SGLang take sampling parameters from the model's generation_config.json, for
example a repetition penalty of 1.05 for greedy answers. An engine in this process does not, so they are always sent.
"""

import asyncio
import os
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import httpx

from polydistill.engine.config import Endpoint
from polydistill.engine.errors import UserError

Kind = Literal["chat/completions", "completions"]
Read = TypeVar("Read")
_PAUSE = (0.5, 30.0)  # seconds before the second try, and at most
_TIMEOUT = httpx.Timeout(600, connect=10)
_BUSY = {408, 409, 425, 429, 500, 502, 503, 504}
_OPEN: dict[str, object] = {"top_p": 1.0, "top_k": -1, "min_p": 0.0, "repetition_penalty": 1.0}
_FILLING = {"vllm", "sglang"}  # as such servers name the owner of a model; others may refuse what they do not know
_FATAL = {401: "refuses the key", 403: "refuses the key", 404: "does not know this address or model"}


@dataclass(frozen=True)
class Reply:
    """What the server answered to one request."""

    text: str = ""
    finish: str = "error: "  # "stop", "length", as the server says it; "error: ..." where it answered nothing
    prompt_tokens: int = 0
    tokens: int = 0  # generated
    reasoning: str | None = None  # where the server cut it off itself
    logprob: float | None = None  # mean log-probability of the generated tokens, nats, where asked for


class EndpointClient:
    """Sends requests to one server."""

    def __init__(self, endpoint: Endpoint) -> None:
        """Prepare; nothing is sent yet."""
        self.endpoint = endpoint
        key = os.environ.get(endpoint.key)
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._neutral: dict[str, object] | None = None  # what every request says; None until the server was asked

    def model(self) -> str:
        """Name under which the server knows the model.

        Raises:
            UserError: the server is not there, refuses the key, or serves several models and none is named.
        """
        if self.endpoint.model:
            return self.endpoint.model
        try:
            found = httpx.get(f"{self.endpoint.url}/models", headers=self._headers, timeout=_TIMEOUT)
        except httpx.HTTPError as error:
            raise UserError(f"{self.endpoint.url}: no server answers ({type(error).__name__}: {error})") from error
        if found.status_code != 200:
            raise UserError(f"{self.endpoint.url}: {_FATAL.get(found.status_code, f'answers {found.status_code}')}")
        names = [entry["id"] for entry in found.json()["data"]]
        if len(names) != 1:
            raise UserError(
                f"{self.endpoint.url} serves {', '.join(names) or 'no model'}: name one as `endpoint.model`"
            )
        return names[0]

    def ask(self, kind: Kind, bodies: Sequence[Mapping[str, object]]) -> list[Reply]:
        """Send requests, as many at once as `endpoint.concurrency` says; their answers in the same order.

        Args:
            kind: "chat/completions" for bodies with `messages`, "completions" for bodies with `prompt`.
            bodies: The requests' JSON.

        Raises:
            UserError: the server refuses the key or the model, or is away for longer than `endpoint.patience`.
        """
        return asyncio.run(self._all(kind, bodies))

    async def _all(self, kind: Kind, bodies: Sequence[Mapping[str, object]]) -> list[Reply]:
        places = asyncio.Semaphore(self.endpoint.concurrency)
        pace = _Pace(self.endpoint.requests_per_minute)
        limits = httpx.Limits(max_connections=self.endpoint.concurrency)
        async with httpx.AsyncClient(headers=self._headers, timeout=_TIMEOUT, limits=limits) as client:
            if self._neutral is None:
                self._neutral = _OPEN if await self._owner(client) in _FILLING else {}
            neutral = self._neutral

            async def one(body: Mapping[str, object]) -> Reply:
                async with places:
                    return await self._one(client, pace, f"{self.endpoint.url}/{kind}", {**neutral, **body})

            tasks = [asyncio.create_task(one(body)) for body in bodies]
            try:
                return await asyncio.gather(*tasks)
            finally:
                for task in tasks:
                    task.cancel()

    async def _owner(self, client: httpx.AsyncClient) -> str:
        """Who owns the served models, as the server lists them; "" for one that does not say."""

        async def listed() -> httpx.Response:
            return await client.get(f"{self.endpoint.url}/models")

        found = await self._answered(listed, _owner_of, fatal=False)
        return found if isinstance(found, str) else ""

    async def _one(self, client: httpx.AsyncClient, pace: "_Pace", url: str, body: Mapping[str, object]) -> Reply:
        async def post() -> httpx.Response:
            await pace.wait()
            return await client.post(url, json=body)

        found = await self._answered(post, reply)
        return found if isinstance(found, Reply) else Reply(finish=f"error: {found.problem}")

    async def _answered(
        self, send: Callable[[], Awaitable[httpx.Response]], read: Callable[[Any], Read], fatal: bool = True
    ) -> "Read | _Refused":
        """The server's answer as `read` reads it; asked again while the server is busy or away."""
        until, pause = time.monotonic() + self.endpoint.patience, _PAUSE[0]
        while True:
            try:
                response = await send()
                if response.status_code == 200:
                    return read(response.json())
                problem, wait = _problem(response), float(response.headers.get("retry-after") or 0)
                if fatal and response.status_code in _FATAL:
                    raise UserError(f"{self.endpoint.url} {_FATAL[response.status_code]} ({problem})")
                if response.status_code not in _BUSY:
                    return _Refused(problem)
            except (httpx.TransportError, ValueError) as error:
                if isinstance(error, UserError):
                    raise
                problem, wait = f"{type(error).__name__} {error}".strip(), 0.0
            wait = max(wait, pause * random.uniform(0.5, 1))
            if time.monotonic() + wait > until:
                raise UserError(
                    f"{self.endpoint.url}: no answer for {self.endpoint.patience:g} s ({problem}). "
                    "What is done stays. Run again to go on."
                )
            await asyncio.sleep(wait)
            pause = min(2 * pause, _PAUSE[1])


@dataclass(frozen=True)
class _Refused:
    """A request that the server does not answer, whatever is tried."""

    problem: str


class _Pace:
    """Lets requests through at a steady rate."""

    def __init__(self, per_minute: float | None) -> None:
        self._gap, self._next = 60 / per_minute if per_minute else 0.0, 0.0

    async def wait(self) -> None:
        now = time.monotonic()
        self._next = max(self._next, now) + self._gap
        await asyncio.sleep(max(0.0, self._next - self._gap - now))


def _owner_of(answer: Any) -> str:
    try:
        return str(answer["data"][0]["owned_by"])
    except (LookupError, TypeError):
        return ""


def reply(answer: Any) -> Reply:
    """A server's answer, of either kind.

    Raises:
        ValueError: it is not of the form that OpenAI's interface has.
    """
    try:
        choice, usage = answer["choices"][0], answer.get("usage") or {}
        message = choice.get("message") or {"content": choice.get("text")}
        return Reply(
            text=message.get("content") or "",
            finish=choice.get("finish_reason") or "stop",
            prompt_tokens=usage.get("prompt_tokens", 0),
            tokens=usage.get("completion_tokens", 0),
            reasoning=message.get("reasoning_content") or message.get("reasoning"),
            logprob=_mean(choice.get("logprobs")),
        )
    except (LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"an answer of another form ({error!r})") from error


def _mean(logprobs: Any) -> float | None:
    if not logprobs:
        return None
    values = logprobs.get("token_logprobs") or [entry["logprob"] for entry in logprobs.get("content") or []]
    return sum(values) / len(values) if values else None


def _problem(response: httpx.Response) -> str:
    """The server's own message, in one line."""
    try:
        found = response.json()
        message = found.get("message") or found["error"]["message"]
    except (ValueError, LookupError, TypeError, AttributeError):
        message = response.text
    return f"{response.status_code} {' '.join(str(message).split())[:300]}"
