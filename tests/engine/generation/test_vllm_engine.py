"""What an engine is started with, and what is out of its sight meanwhile."""

import importlib
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from polydistill.engine.generation import vllm_engine
from polydistill.engine.generation.adapters import Adapter
from polydistill.engine.generation.vllm_engine import offline_engine, throughput


class Engine:
    """In place of `vllm.LLM`, which needs a model."""

    def __init__(self, **arguments: Any) -> None:
        if arguments["model"] == "broken":
            raise ValueError("no such model")
        self.arguments, self.seen = arguments, set(sys.modules)

    def generate(self, prompts: list[str], lora_request: object = None) -> object:
        return lora_request


@pytest.fixture(autouse=True)
def library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vllm", SimpleNamespace(LLM=Engine))
    monkeypatch.setitem(sys.modules, vllm_engine._LLVM, SimpleNamespace())
    monkeypatch.setattr(Adapter, "request", lambda adapter: f"request of {adapter.folder}")


def test_llvmlite_is_hidden_while_an_engine_is_made() -> None:
    engine = offline_engine(model="some/model", seed=3)
    assert engine.arguments == {"model": "some/model", "seed": 3} and vllm_engine._LLVM not in engine.seen
    assert vllm_engine._LLVM in sys.modules
    with pytest.raises(ValueError, match="no such model"):
        offline_engine(model="broken")
    assert vllm_engine._LLVM in sys.modules


def test_an_adapter_goes_with_every_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Adapter, "find", lambda model: Adapter(model, "base/model", 20))
    engine = offline_engine(model="out/adapter", seed=3)
    assert engine.arguments["model"] == "base/model" and engine.arguments["max_lora_rank"] == 32
    assert engine.generate(["?"]) == "request of out/adapter"


def test_prefixes_are_shared_everywhere_and_large_cards_take_more() -> None:
    cpu, gpu = throughput(False), throughput(True)
    assert cpu["enable_prefix_caching"] and gpu["enable_prefix_caching"]
    assert gpu["max_num_seqs"] > cpu["max_num_seqs"]
    assert throughput(False, sampled=True)["enable_chunked_prefill"] is False  # see `throughput`
    assert throughput(True, sampled=True) == gpu


def test_vllm_is_out_of_sight_for_a_while_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "vllm", raising=False)
    with vllm_engine.out_of_sight(), pytest.raises(ImportError):
        importlib.import_module("vllm")
    assert "vllm" not in sys.modules
    here = SimpleNamespace()
    monkeypatch.setitem(sys.modules, "vllm", here)  # imported before: nothing is saved, and nothing is hidden
    with vllm_engine.out_of_sight():
        assert sys.modules["vllm"] is here
