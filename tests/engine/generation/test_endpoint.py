"""The client against a small real server on loopback: order, retries, limits, keys, refusals."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pyarrow as pa
import pytest

from polydistill.engine.config import Endpoint, Student
from polydistill.engine.errors import UserError
from polydistill.engine.generation import endpoint as client
from polydistill.engine.generation.endpoint import EndpointClient
from polydistill.engine.generation.remote import RemoteStage
from tests.engine.generation.test_stage import prompts

Answer = Callable[[dict[str, Any]], tuple[int, Any]]


class Server:
    """Answers with what `answer` makes of each request's body."""

    def __init__(self) -> None:
        self.answer: Answer = lambda body: (200, completion(body["prompt"].upper()))
        self.bodies: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.most = self.now = 0
        outer, lock = self, threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send(200, {"data": [{"id": "served"}]})

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with lock:
                    outer.bodies.append(body)
                    outer.keys.append(self.headers.get("Authorization"))
                    outer.now += 1
                    outer.most = max(outer.most, outer.now)
                    status, value = outer.answer(body)
                time.sleep(0.01)
                with lock:
                    outer.now -= 1
                self.send(status, value)

            def send(self, status: int, value: Any) -> None:
                data = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/v1"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()


def completion(text: str, finish: str = "stop", tokens: int = 3) -> dict[str, Any]:
    usage = {"prompt_tokens": 7, "completion_tokens": tokens}
    return {"choices": [{"text": text, "message": {"content": text}, "finish_reason": finish}], "usage": usage}


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
    with pytest.raises(UserError, match=r"no answer for 0.2 s .*run again to go on"):
        ask(server, "a", patience=0.2)
    with pytest.raises(UserError, match="no answer for 0 s"):
        EndpointClient(Endpoint(url="http://127.0.0.1:9/v1", patience=0)).ask("completions", [{"prompt": "a"}])


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
        with pytest.raises(ValueError, match="keys belong in the environment"):
            Endpoint(url=url)


def test_a_unit_is_answered(server: Server) -> None:
    student = Student(model="m", prompt="raw", max_tokens=5, endpoint=server.url, stop=[])
    finishes = {"Q0?\n": ("stop", 2), "Q1?\n": ("length", 5), "Q2?\n": ("length", 4)}

    def answer(body: dict[str, Any]) -> tuple[int, Any]:
        assert body["model"] == "served" and body["max_tokens"] == 5 and body["temperature"] == 0
        finish, tokens = finishes[body["prompt"]]
        return 200, completion(f"<think>hm</think> {body['prompt']}", finish, tokens)

    server.answer = answer
    table = prompts(3).set_column(3, "instruction", pa.array([f"Q{i}?" for i in range(3)]))
    rows, figures = RemoteStage(student, 0)(table)
    assert rows["self"].to_pylist() == ["Q0?", "Q1?", "Q2?"]
    assert rows["self_error"].to_pylist() == [None, "length", "context"]
    assert rows["self_reasoning"].to_pylist() == ["hm"] * 3
    assert (figures.prompt_tokens, figures.answer_tokens, figures.reasoned) == (21, 11, 3)


def test_chats_are_sent_as_messages_with_the_templates_arguments(server: Server) -> None:
    settings = {"template": {"enable_thinking": False}, "temperature": 1.0, "samples": 2, "seed": 3}
    server.answer = lambda body: (200, completion(str(body["seed"])))
    student = Student(model="m", prompt="chat", endpoint={"url": server.url, "model": "teacher"}, **settings)
    rows, _ = RemoteStage(student, 0)(prompts(1))
    assert {body["model"] for body in server.bodies} == {"teacher"}
    assert server.bodies[0]["messages"] == [{"role": "user", "content": "Q?"}]
    assert server.bodies[0]["chat_template_kwargs"] == {"enable_thinking": False}
    assert len({c["text"] for c in rows["self_candidates"].to_pylist()[0]}) == 2
