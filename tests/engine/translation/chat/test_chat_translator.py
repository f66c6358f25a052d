import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from polydistill.engine.config import Endpoint, Judge, Translate
from polydistill.engine.judging.stage import JudgeStage
from polydistill.engine.translation.chat import chat_translator
from polydistill.engine.translation.chat.chat_translator import ChatTranslator, Written, load_chat_translator
from polydistill.engine.translation.stage import TranslateStage
from tests.engine.generation.tokenizers_fixture import make_tokenizer


def test_layout_and_spans_stay_and_notes_meet(table_of):
    asked = []

    def ask(prompts):
        asked.extend(prompts)
        return [
            Written("Sure! Here is the translation: " + text.rsplit("\n", 1)[1].upper(), "stop") for text in prompts
        ]

    stage = TranslateStage(Translate(model="x", method="chat"), translator=ChatTranslator(ask, "chat"))
    made = stage(table_of("- Use `x`. Now.\n- Go."), ["de"])
    assert made["mt_truth"].to_pylist() == ["- USE `x`. NOW.\n- GO."]
    assert made["notes_truth"].to_pylist() == [["preamble"]]
    assert len(asked) == 4 and all("from English into German" in text for text in asked)


def test_documents_are_given_line_by_line_and_errors_stay_apart(table_of):
    lengths = []

    def ask(prompts):
        lengths.append(len(prompts))
        return [Written("", "error: too long") if "Bad" in text else Written("Gut.", "length") for text in prompts]

    stage = TranslateStage(Translate(model="x", method="chat"), translator=ChatTranslator(ask, "chat", documents=True))
    made = stage(table_of("One. Two. Three.", "Bad."), ["de"])
    assert lengths == [3]  # the two texts, and the instruction that both share
    assert made["mt_truth"].to_pylist() == ["Gut.", None]
    assert made["notes_truth"].to_pylist() == [["truncated"], ["error: too long"]]


@pytest.fixture
def server():
    """A server that speaks OpenAI's interface and shouts."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self._send({"data": [{"id": "shouter"}]})

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            asked.append((self.path, body))
            text = body["messages"][0]["content"].rsplit("\n", 1)[1].upper()
            self._send({"choices": [{"message": {"content": text}, "finish_reason": "stop"}], "usage": {}})

        def _send(self, value):
            data = json.dumps(value).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{running.server_port}/v1", asked
    running.shutdown()


def test_a_server_translates(server, table_of):
    url, asked = server
    config = Translate(model="tower-x", method="chat", family="chat", endpoint=Endpoint(url=url))
    made = TranslateStage(config)(table_of("It rains."), ["de"])
    assert made["mt_truth"].to_pylist() == ["IT RAINS."]
    path, body = asked[0]
    assert path == "/v1/chat/completions" and body["model"] == "shouter" and body["temperature"] == 0
    assert "chat_template_kwargs" not in body
    TranslateStage(config.model_copy(update={"template": {"enable_thinking": False}}))(table_of("It rains."), ["de"])
    assert asked[-1][1]["chat_template_kwargs"] == {"enable_thinking": False}


def test_a_model_in_process_is_asked_with_the_templates_arguments(monkeypatch):
    asked = []

    class Model:
        """In place of vLLM."""

        tokenizer = make_tokenizer(template="qwen")

        def __init__(self, *_):
            pass

        def write(self, prompts, max_tokens, stop=()):
            asked.extend(self.tokenizer.decode(ids) for ids in prompts)
            return [Written("Ja.", "stop") for _ in prompts]

    monkeypatch.setattr(chat_translator, "LocalModel", Model)
    for template in ({}, {"enable_thinking": False}):
        load_chat_translator(Translate(model="m", method="chat", template=template))(["Yes."], ["en"], ["de"])
    assert asked[0].endswith("<|im_start|>assistant\n") and asked[1] == asked[0] + "<think>\n\n</think>\n\n"
    with pytest.raises(ValueError, match=r"(?i)expected method `chat`"):
        Translate(model="x", template={"enable_thinking": False})


def test_only_chat_takes_an_endpoint_and_one_hypothesis():
    with pytest.raises(ValueError, match=r"(?i)expected method `chat`"):
        Translate(model="x", endpoint=Endpoint(url="http://a/v1"))
    with pytest.raises(ValueError, match="one hypothesis"):
        Translate(model="x", method="chat", hypotheses=2)


@pytest.mark.slow
def test_a_small_real_model_is_parsed_and_judged(table_of):
    """SmolLM2 knows little German: what it writes is parsed, and the judge drops what is no German."""
    model = os.environ.get("POLYDISTILL_MODEL")
    if not model:
        pytest.skip("POLYDISTILL_MODEL is not set")
    engine = {"max_model_len": 512, "dtype": "float32", "enforce_eager": True, "max_num_seqs": 16}
    config = Translate(model=model, method="chat", engine=engine, max_output_tokens=48)
    texts = [
        "What is the capital of France?",
        "The dog sleeps in the garden.",
        "Name three colors and say why you like them.",
    ]
    made = TranslateStage(config, translator=load_chat_translator(config))(table_of(*texts), ["deu_Latn"])
    assert all(text is not None for text in made["mt_truth"].to_pylist())
    judged = JudgeStage(Judge())(made)
    reasons = judged["reason_truth"].to_pylist()
    print(list(zip(made["mt_truth"].to_pylist(), made["notes_truth"].to_pylist(), reasons)))
    english = [text.isascii() and " the " in f" {text.lower()} " for text in made["mt_truth"].to_pylist()]
    assert all(reason for reason, left in zip(reasons, english) if left)
