"""What every vLLM engine of ours is started with; and one in this process, for evaluation and self-translation."""

import functools
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from polydistill.engine import environment
from polydistill.engine.generation.adapters import Adapter

_LLVM = "llvmlite.binding.ffi"


def throughput(gpu: bool, sampled: bool = False) -> dict[str, int | bool]:
    """Engine arguments for many prompts at once.

    On GPUs these are vLLM's own limits for throughput on large ones. An engine that is made for serving, as
    ray.data.llm's is, would have a fraction of them.

    Args:
        gpu: whether the engine runs on one.
        sampled: whether answers are sampled, each with its seed. vLLM 0.32 on a CPU fails where such a prompt is read
            in two parts ("CPU Generator does not use offset"), so there a prompt is read in one.
    """
    limits = {"max_num_seqs": 1024, "max_num_batched_tokens": 16384} if gpu else {"max_num_seqs": 256}
    in_one = {"enable_chunked_prefill": False} if sampled and not gpu else {}
    return {"enable_prefix_caching": True} | limits | in_one


@contextmanager
def out_of_sight() -> Iterator[None]:
    """vLLM cannot be imported inside. For a process that has no engine, but builds the stream around some.

    ray.data.llm imports vLLM for a class of errors that its actors meet, which takes five seconds of a core. It works
    without, as ray/llm/_internal/common/errors.py says. Its actors are other processes, and import all of it.
    """
    if "vllm" in sys.modules:
        yield
        return
    sys.modules["vllm"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules["vllm"]


def offline_engine(**arguments: Any) -> Any:
    """A `vllm.LLM` with these arguments; `model` may be the folder of a LoRA adapter.

    vLLM 0.32 on a CPU looks through all loaded modules for objects that hold a Triton kernel, and fails on llvmlite's
    library object, which answers to every attribute (vllm/triton_utils/dispatcher.py). Numba loads it, so it is out
    of sight while the engine is made.
    """
    environment.prepare()
    from vllm import LLM

    adapter = Adapter.find(arguments["model"])
    hidden = sys.modules.pop(_LLVM, None)
    try:
        llm = LLM(**(arguments | adapter.engine_arguments if adapter else arguments))
        if adapter:
            llm.generate = functools.partial(llm.generate, lora_request=adapter.request())
        return llm
    finally:
        if hidden is not None:
            sys.modules[_LLVM] = hidden
