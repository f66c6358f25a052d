import os
import subprocess
import sys

from polydistill.engine import environment


def test_what_is_set_stays(monkeypatch):
    monkeypatch.setenv("VLLM_LOGGING_LEVEL", "DEBUG")
    monkeypatch.delenv("VLLM_NO_USAGE_STATS", raising=False)
    environment.prepare()
    assert os.environ["VLLM_LOGGING_LEVEL"] == "DEBUG" and os.environ["VLLM_NO_USAGE_STATS"] == "1"


def test_machines_without_a_gpu_get_more(monkeypatch):
    monkeypatch.setattr(environment, "has_gpu", lambda: True)
    with_gpu = environment.defaults()
    monkeypatch.setattr(environment, "has_gpu", lambda: False)
    assert environment.defaults().items() > with_gpu.items()
    assert {"DS_ACCELERATOR", "VLLM_ENABLE_V1_MULTIPROCESSING"} <= environment.defaults().keys() - with_gpu.keys()


def test_starting_the_command_imports_nothing_heavy():
    heavy = ["torch", "ray", "vllm", "transformers", "comet", "deepspeed", "datasets"]
    modules = "polydistill.engine.config, polydistill.engine.environment, polydistill.engine.storage.shards"
    code = f"import sys, {modules}; print([m for m in {heavy} if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
