"""A small real server on loopback with OpenAI's interface."""

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = Callable[[dict[str, Any]], tuple[int, Any]]


class Server:
    """Answers with what `answer` makes of each request's body."""

    def __init__(self) -> None:
        self.answer: Answer = lambda body: (200, completion(body["prompt"].upper()))
        self.bodies: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.most = self.now = 0
        self.models: tuple[int, Any] = (200, {"data": [{"id": "served"}]})
        outer, lock = self, threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send(*outer.models)

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
