"""vLLM in this process, for answers that need no stream: evaluation, self-translation."""

import sys
from typing import Any

from engine import environment

_LLVM = "llvmlite.binding.ffi"


def offline_engine(**arguments: Any) -> Any:
    """A `vllm.LLM` with these arguments.

    vLLM 0.32 on a CPU looks through all loaded modules for objects that hold a Triton kernel, and fails on llvmlite's
    library object, which answers to every attribute (vllm/triton_utils/dispatcher.py). Numba loads it, so it is out
    of sight while the engine is made.
    """
    environment.prepare()
    from vllm import LLM

    hidden = sys.modules.pop(_LLVM, None)
    try:
        return LLM(**arguments)
    finally:
        if hidden is not None:
            sys.modules[_LLVM] = hidden
