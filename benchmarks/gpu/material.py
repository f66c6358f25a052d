"""What the checks work on: the small world that comes along, and a random student that GPU kernels accept."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch

from polydistill.engine.schema import MIXTURE


def device() -> torch.device:
    """The first GPU, else the CPU."""
    return torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")


def world(folder: Path) -> Path:
    """The small world with its models (`polydistill.tinyworld`)."""
    from polydistill.tinyworld.build import build

    return build(folder / "world")


def sentences(world: Path, count: int) -> list[str]:
    """Distinct English sentences of the world."""
    rows = json.loads((world / "instructions.json").read_text(encoding="utf-8"))
    return sorted({row["instruction"] for row in rows})[:count]


def student(folder: Path) -> str:
    """A random Llama of 4 layers whose heads have 64 dimensions, as GPU kernels want it, and its folder."""
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    tokenizer = AutoTokenizer.from_pretrained(world(folder) / "models/student")
    place = folder / "student"
    tokenizer.save_pretrained(place)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=256,
        intermediate_size=512,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        tie_word_embeddings=False,
    )
    LlamaForCausalLM(config).save_pretrained(place)
    return str(place)


def mixture(folder: Path, count: int = 420) -> str:
    """A mixture of sums in two subsets, as mixing writes it, and its folder."""
    from polydistill.engine.mixing.mixture import Mixture, MixtureRecord, Origin, SubsetRecord
    from polydistill.engine.mixing.recipe import Recipe, Subset
    from polydistill.engine.storage.shards import Folder, write_table

    place = Folder.of(folder / "mixture")
    table = _sums(count)
    names = table["subset"].to_pylist()
    subsets = {name: names.count(name) for name in sorted(set(names))}
    recipe = Recipe(
        name="sums",
        objective="subset_mean",
        subsets={name: Subset(question="source", answer="source", weight=1.0) for name in subsets},
    )
    record = MixtureRecord(
        recipe=recipe,
        seed=0,
        rows=count,
        subsets=tuple(SubsetRecord(name, 1.0, rows, {"ind_Latn": rows}, {}) for name, rows in subsets.items()),
        dropped={},
        code_switch=(),
        dictionaries=(),
        parallel=(),
        runs=(),
        sources=("eng_Latn",),
        targets=("ind_Latn",),
        missing_units=0,
        origin=Origin("", 0, (), (), {}, None, {}, None, None, None),
        fingerprint="0" * 16,
        shards=(write_table(place, "000000.arrow", table),),
    )
    Mixture(place, record).write()
    return str(folder / "mixture")


def _sums(count: int) -> pa.Table:
    draw = np.random.default_rng(0)
    pairs = [(int(a), int(b)) for a, b in draw.integers(0, 1000, (count, 2))]
    languages = ["ind_Latn" if index % 3 == 0 else "eng_Latn" for index in range(count)]
    questions = [
        f"berapa jumlah dari {a} dan {b}" if language == "ind_Latn" else f"what is the sum of {a} and {b}"
        for (a, b), language in zip(pairs, languages)
    ]
    values = {
        "id": [f"{index:016x}" for index in range(count)],
        "subset": ["TT" if language == "ind_Latn" else "LL" for language in languages],
        "source": ["eng_Latn"] * count,
        "target": ["ind_Latn"] * count,
        "question_language": languages,
        "answer_language": languages,
        "instruction": questions,
        "input": [""] * count,
        "response": [str(a + b) for a, b in pairs],
        "answer": ["truth"] * count,
        "switched": [0] * count,
        "switchable": [0] * count,
        "weight": [1.0] * count,
        "system": [None] * count,
        "history": [None] * count,
    }
    return pa.table({field.name: pa.array(values[field.name], field.type) for field in MIXTURE}, schema=MIXTURE)
