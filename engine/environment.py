"""Environment variables that the libraries read, set once where the user has not set them.

    HF_HUB_DISABLE_TELEMETRY, VLLM_NO_USAGE_STATS, RAY_USAGE_STATS_ENABLED   nothing is sent home
    VLLM_LOGGING_LEVEL=WARNING         vLLM's start-up log is some 60 lines
    RAY_idle_worker_killing_time_threshold_ms=60000   a Ray that is started here keeps its idle task workers for a
                                       minute. Those that outnumber the cores it would stop after a second, and the
                                       next unit would wait while a new one imports its libraries (2 s)
    RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO=0   actors without a GPU keep CUDA_VISIBLE_DEVICES as it is (Ray warns otherwise)

and on a machine without an NVIDIA or AMD device:

    DS_ACCELERATOR=cpu                 DeepSpeed does not look for one
    VLLM_CPU_KVCACHE_SPACE=1           GiB of key-value cache; vLLM would take half of the memory
    VLLM_CPU_OMP_THREADS_BIND=nobind   several actors share the cores; binding puts all of them on the same ones
    VLLM_ENABLE_V1_MULTIPROCESSING=0   an evaluation's engine stays in its process: 7 s of start-up instead of half a
                                       minute on 2 cores. On a GPU it has a process, whose end gives all memory back

A variable that is set already is left alone, so each can be overridden from the shell.
"""

import os

_ALWAYS = {
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_idle_worker_killing_time_threshold_ms": "60000",
    "VLLM_LOGGING_LEVEL": "WARNING",
    "VLLM_NO_USAGE_STATS": "1",
}
_WITHOUT_GPU = {
    "DS_ACCELERATOR": "cpu",
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
}


def prepare() -> None:
    """Set the defaults in this process; to be called before torch, ray, vllm or deepspeed is imported."""
    for name, value in defaults().items():
        os.environ.setdefault(name, value)


def defaults() -> dict[str, str]:
    """What `prepare` sets on this machine. Ray's workers on this machine inherit it."""
    return _ALWAYS if has_gpu() else _ALWAYS | _WITHOUT_GPU


def has_gpu() -> bool:
    """Whether this machine has an NVIDIA or AMD device (or WSL2's), without importing torch, which takes seconds."""
    return any(os.path.exists(device) for device in ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg"))
