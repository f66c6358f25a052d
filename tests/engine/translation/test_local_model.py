"""A model in this process: which prompts it is asked, and how a text ended."""

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from polydistill.engine.config import Translator
from polydistill.engine.errors import UserError
from polydistill.engine.translation import local_model
from polydistill.engine.translation.local_model import LocalModel, Written
from polydistill.engine.translation.translator import TokenCount
from tests.engine.generation.tokenizers_fixture import make_tokenizer


class Engine:
    """In place of vLLM: gives back how each text ended, and remembers what it was asked."""

    model_config = SimpleNamespace(max_model_len=8)
    text, control = "Ja", list[str]()

    def __init__(self, **_: Any) -> None:
        self.asked: list[tuple[list[int], dict[str, Any]]] = []

    def get_tokenizer(self) -> Any:
        tokenizer = make_tokenizer()
        tokenizer.add_special_tokens({"additional_special_tokens": self.control})
        return tokenizer

    def generate(self, prompts: list[dict[str, list[int]]], settings: list[dict[str, Any]], use_tqdm: bool) -> Any:
        ends = [("stop", "`"), ("stop", None), ("length", None)]
        self.asked += [(prompt["prompt_token_ids"], how) for prompt, how in zip(prompts, settings)]
        for _, (reason, stop) in zip(prompts, ends):
            made = SimpleNamespace(text=self.text, finish_reason=reason, stop_reason=stop, token_ids=[1, 2])
            yield SimpleNamespace(outputs=[made])


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> LocalModel:
    monkeypatch.setattr(local_model, "offline_engine", Engine)
    monkeypatch.setitem(sys.modules, "vllm", SimpleNamespace(SamplingParams=dict))
    return LocalModel(Translator(model="m", method="chat"), "cpu")


def test_how_texts_end_and_what_they_cost(model: LocalModel) -> None:
    written = model.write([[5], [5, 6], [5, 6, 7]], 4, ["`"])
    assert [(one.text, one.finish) for one in written] == [("Ja", "stop"), ("Ja", "end"), ("Ja", "length")]
    assert [one.tokens for one in written] == [TokenCount(1, 2), TokenCount(2, 2), TokenCount(3, 2)]


def test_a_prompt_that_is_too_long_is_not_asked_and_the_others_keep_their_room(model: LocalModel) -> None:
    written = model.write([list(range(9)), list(range(6)), list(range(8))], 4)
    refused = [Written("", f"error: prompt of {count} tokens, the model takes 8") for count in (9, 8)]
    assert [written[0], written[2]] == refused and written[1].text == "Ja"
    ((ids, how),) = model._engine.asked
    assert len(ids) == 6 and how["max_tokens"] == 2 and how["stop"] is None
    assert model.write([list(range(9))], 4)[0].finish.startswith("error")


def test_reasoning_between_control_tokens_is_no_part_of_a_translation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Engine, "control", ["[THINK]", "[/THINK]", "[END]"])
    monkeypatch.setattr(Engine, "text", "[THINK]Yes or no?[/THINK]Ja[END]")
    monkeypatch.setattr(local_model, "offline_engine", Engine)
    monkeypatch.setitem(sys.modules, "vllm", SimpleNamespace(SamplingParams=dict))
    model = LocalModel(Translator(model="m", method="chat"), "cpu")
    assert [one.text for one in model.write([[5]], 4)] == ["Ja"]
    ((_, how),) = model._engine.asked
    assert how["skip_special_tokens"] is False  # otherwise the engine's text would be "Yes or no?Ja"


def test_a_gpu_that_is_not_there_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("polydistill.engine.environment.has_gpu", lambda: False)
    with pytest.raises(UserError, match="cuda, but there is no GPU here"):
        LocalModel(Translator(model="m", method="chat"), "cuda")
