"""A tiny Llama with its tokenizer, and a mixture of three subsets made of sums."""

import hashlib
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from polydistill.engine.schema import MIXTURE
from tests.engine.mixture_fixture import write_mixture


def write_student(folder: Path, layers: int = 2, width: int = 32, heads: int = 4, kv_heads: int = 2) -> str:
    """A random Llama (untrained) and a word-level BPE tokenizer with a chat template."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    names = ["<s>", "</s>", *letters]
    backend = Tokenizer(models.BPE(vocab={name: i for i, name in enumerate(names)}, merges=[]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    backend.add_special_tokens(["<s>", "</s>"])
    backend.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, bos_token="<s>", eos_token="</s>")
    turns = "{% for m in messages %}{{ m['role'] + ': ' + m['content'] + '</s>' }}{% endfor %}"
    tokenizer.chat_template = "<s>" + turns + "{% if add_generation_prompt %}{{ 'assistant: ' }}{% endif %}"
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=kv_heads,
        max_position_embeddings=512,
        bos_token_id=0,
        eos_token_id=1,
        tie_word_embeddings=False,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return str(folder)


def mixture_rows(*rows: tuple[str, str, str], subset: str = "LL") -> pa.Table:
    """(instruction, input, response) as MIXTURE rows."""
    count = len(rows)
    values: dict[str, list[Any]] = {
        "id": [f"{i:016x}" for i in range(count)],
        "subset": [subset] * count,
        "instruction": [row[0] for row in rows],
        "input": [row[1] for row in rows],
        "response": [row[2] for row in rows],
        "switched": [0] * count,
        "switchable": [0] * count,
        "weight": [1.0] * count,
    }
    values |= {"system": [None] * count, "history": [None] * count}
    return pa.table(
        {f.name: pa.array(values.get(f.name, ["eng_Latn"] * count), f.type) for f in MIXTURE}, schema=MIXTURE
    )


def rows(count: int, seed: int = 0) -> pa.Table:
    """Sums as MIXTURE rows: LL (English), TT (Indonesian), mt (a translation), in the ratio 4 : 2 : 1."""
    draw = np.random.default_rng(seed)
    made = []
    for index in range(count):
        a, b = (int(n) for n in draw.integers(0, 10 ** draw.integers(1, 6), 2))
        english, indonesian = f"what is the sum of {a} and {b}", f"berapa jumlah dari {a} dan {b}"
        subset = ("LL", "TT", "LL", "mt", "LL", "TT", "LL")[index % 7]
        question = {"LL": english, "TT": indonesian, "mt": f"Translate: {english}"}[subset]
        response = {"LL": f"{a + b}", "TT": f"jumlahnya {a + b}", "mt": indonesian}[subset]
        made.append((subset, question, response))
    values = {
        "id": [hashlib.sha256(f"{seed}:{i}".encode()).hexdigest()[:16] for i in range(count)],
        "subset": [m[0] for m in made],
        "source": ["eng_Latn"] * count,
        "target": ["ind_Latn"] * count,
        "question_language": ["ind_Latn" if m[0] == "TT" else "eng_Latn" for m in made],
        "answer_language": ["eng_Latn" if m[0] == "LL" else "ind_Latn" for m in made],
        "instruction": [m[1] for m in made],
        "input": [""] * count,
        "response": [m[2] for m in made],
        "answer": ["truth"] * count,
        "switched": [0] * count,
        "switchable": [0] * count,
        "weight": [1.0] * count,
    }
    none = {"system": [None] * count, "history": [None] * count}
    return pa.table({f.name: pa.array((none | values)[f.name], f.type) for f in MIXTURE}, schema=MIXTURE)


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Several threads on tiny tensors only wait for each other."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def student(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_student(tmp_path_factory.mktemp("student"))


@pytest.fixture(scope="session")
def mixture(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_mixture(tmp_path_factory.mktemp("mixture"), rows(140, 0), rows(70, 1))


def ranks(count: int, task: str, job: dict[str, object], timeout: float = 300) -> None:
    """Run tests/trainer/worker.py as `count` ranks; fails with their output."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    script = Path(__file__).with_name("worker.py")
    everywhere = {"DS_ACCELERATOR": "cpu", "OMP_NUM_THREADS": "1", "WORLD_SIZE": str(count)}
    everywhere |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    with ExitStack() as stack:
        started = []
        for rank in range(count):
            variables = {**os.environ, **everywhere, "RANK": str(rank), "LOCAL_RANK": str(rank)}
            command = [sys.executable, str(script), task, json.dumps(job), str(timeout)]
            # A file, not a pipe: a rank would stop at a full pipe that nobody reads yet, and the others with it.
            output = stack.enter_context(tempfile.TemporaryFile("w+"))
            process = subprocess.Popen(command, env=variables, stdout=output, stderr=subprocess.STDOUT)
            stack.callback(process.kill)
            started.append((process, output))
        for process, output in started:
            code = process.wait(timeout + 60)
            output.seek(0)
            assert code == 0, output.read()[-4000:]


@pytest.fixture(scope="session")
def run_ranks() -> Callable[..., None]:
    return ranks
