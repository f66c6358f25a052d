"""The client against a small real server on loopback: order, retries, limits, keys, refusals."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from polydistill.engine.config import Endpoint
from polydistill.engine.errors import UserError
from polydistill.engine.generation import endpoint as client
from polydistill.engine.generation.endpoint import EndpointClient
from tests.engine.generation.server_fixture import Server, completion


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(client, "_PAUSE", (0.01, 0.05))
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    made = Server()
    yield made
    made.http.shutdown()


def ask(server: Server, *texts: str, **settings: Any) -> list[client.Reply]:
    found = EndpointClient(Endpoint(url=server.url, **settings))
    return found.ask("completions", [{"prompt": text} for text in texts])


def test_answers_come_in_the_order_of_the_requests(server: Server) -> None:
    texts = [f"text {i}" for i in range(40)]
    replies = ask(server, *texts, concurrency=4)
    assert [one.text for one in replies] == [text.upper() for text in texts]
    assert 1 < server.most <= 4 and all(one.prompt_tokens == 7 and one.tokens == 3 for one in replies)


def test_a_busy_server_is_asked_again(server: Server) -> None:
    seen: set[str] = set()

    def answer(body: dict[str, Any]) -> tuple[int, Any]:
        if body["prompt"] not in seen:
            seen.add(body["prompt"])
            return (429, {}) if len(seen) % 2 else (503, {"error": {"message": "loading"}})
        return 200, completion(body["prompt"])

    server.answer = answer
    assert [one.text for one in ask(server, *"abcdef")] == list("abcdef")
    assert len(server.bodies) == 12


def test_a_refused_request_is_its_own_error(server: Server) -> None:
    server.answer = lambda body: (
        (400, {"error": {"message": "too\nlong"}})
        if body["prompt"] == "b"
        else (
            200,
            completion("x"),
        )
    )
    assert [one.finish for one in ask(server, "a", "b", "c")] == ["stop", "error: 400 too long", "stop"]


@pytest.mark.parametrize("status", [401, 404])
def test_a_wrong_key_or_model_ends_the_run(server: Server, status: int) -> None:
    server.answer = lambda body: (status, {"error": {"message": "no"}})
    with pytest.raises(UserError, match=server.url):
        ask(server, "a")


def test_patience_ends(server: Server) -> None:
    server.answer = lambda body: (500, {})
    with pytest.raises(UserError, match=r"no answer for 0.2 s .*Run again to go on"):
        ask(server, "a", patience=0.2)
    with pytest.raises(UserError, match="no answer for 0 s"):
        EndpointClient(Endpoint(url="http://127.0.0.1:9/v1", patience=0)).ask("completions", [{"prompt": "a"}])


@pytest.mark.parametrize("owner", ["vllm", "sglang"])
def test_what_a_server_would_take_from_the_model_is_said(server: Server, owner: str) -> None:
    """vLLM answered "greedily" with the repetition penalty of Qwen2.5's generation_config.json."""
    server.models = 200, {"data": [{"id": "served", "owned_by": owner}]}
    EndpointClient(Endpoint(url=server.url)).ask("completions", [{"prompt": "a", "top_k": 40}])
    said = {"top_p": 1.0, "top_k": 40, "min_p": 0.0, "repetition_penalty": 1.0}
    assert server.bodies == [{"prompt": "a"} | said]


@pytest.mark.parametrize(
    "models",
    [(200, {"data": [{"id": "m", "owned_by": "openai"}]}), (200, {"data": []}), (200, []), (404, {}), (401, {})],
)
def test_other_servers_are_sent_nothing_that_they_may_not_know(server: Server, models: tuple[int, Any]) -> None:
    server.models = models
    assert [one.text for one in ask(server, "a", "b")] == ["A", "B"]
    assert server.bodies[0].keys() == {"prompt"}


def test_requests_keep_to_the_rate(server: Server) -> None:
    started = time.monotonic()
    ask(server, *"abcde", requests_per_minute=1200)
    assert time.monotonic() - started >= 4 * 60 / 1200


def test_the_key_comes_from_the_environment_only(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(server, "a")
    monkeypatch.setenv("MY_KEY", "secret")
    ask(server, "a", key="MY_KEY")
    assert server.keys == [None, "Bearer secret"]
    for url in ("http://user:pass@host/v1", "host/v1", "file:///x"):
        with pytest.raises(ValueError, match=r"(?i)(keys|credentials) belong in the environment"):
            Endpoint(url=url)
