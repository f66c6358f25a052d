"""Units answered by a server."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest

from polydistill.engine.config import Student
from polydistill.engine.generation.remote import RemoteStage
from tests.engine.generation.server_fixture import Server, completion
from tests.engine.generation.test_stage import prompts


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.http.shutdown()


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
