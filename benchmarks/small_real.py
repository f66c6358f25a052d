"""Methods on a real small model and real German: `python -m benchmarks.small_real DATA MODEL OUT`.

DATA is the folder that configs/runs/small_real.yaml names `data`. The run is that file's, with fewer rows and steps, as
a laptop's processors allow, and with the same rows in one file. Printed for each model: the loss on held-out German
answers, the off-target rate and XQuAD's F1. Every step resumes.
"""

import gzip
import json
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from polydistill import Run, configs
from polydistill.comparison import compare
from polydistill.engine.generation.prompting.conversation import Message
from polydistill.engine.generation.prompting.templates import load_tokenizer
from polydistill.engine.generation.prompting.tokens import PromptTokens, Sample
from polydistill.run_config import read_run_file

FILE = Path(configs.__file__ or "").parent / "runs" / "small_real.yaml"
ALPACA = "alpaca_de/alpaca_12k_en_de_openai.jsonl.gz"
TRAINED = 11_500
"""Rows of the file that may be trained on. Those behind it are held out."""


def held_out(data: Path) -> list[dict[str, str]]:
    """The German half of the rows that no training sees."""
    with gzip.open(data / ALPACA, "rt", encoding="utf-8") as lines:
        return [json.loads(line)["de"] for line in islice(lines, TRAINED, None)]


def run(data: Path, model: str, out: Path, rows: int, steps: int, questions: int) -> Run:
    """The run of small_real.yaml on this data, with `rows` prompts and `steps` optimizer steps."""
    asked = out / "held_out"
    asked.mkdir(parents=True, exist_ok=True)
    (asked / "de.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in held_out(data)))
    config: dict[str, Any] = read_run_file(FILE)
    config |= {"output": str(out / "run"), "translate": None}  # NLLB is too large for a laptop's processors
    config["prompts"] = {"path": str(data / ALPACA), "key": "en", "translations": {"de": {"key": "de"}}, "limit": rows}
    config["student"] |= {"model": model, "max_tokens": 96, "engine": {"max_model_len": 1024, "enforce_eager": True}}
    config["dictionaries"] = {"path": str(data / "muse")}
    config["parallel"] = {"path": str(data / "parallel" / "alma"), "rows": rows}
    config["train"] |= {"steps": steps, "packs": 1, "cpus": 1, "checkpoint_minutes": None}
    config["eval"] = {
        "data": str(data),
        "tasks": [
            {"task": "xquad", "limit": questions, "max_tokens": 32},
            {"task": "off_target", "path": str(asked), "languages": ["de"], "limit": questions, "max_tokens": 64},
        ],
    }
    return Run(config)


def loss(model: str, rows: Sequence[dict[str, str]], longest: int = 512) -> tuple[float, int]:
    """Mean cross-entropy of the answer tokens in nats, and how many there are. Longer samples are left out."""
    import torch
    from transformers import AutoModelForCausalLM

    tokens = PromptTokens(load_tokenizer(model), "chat")
    asked = [f"{row['instruction']}\n\n{row['input']}" if row["input"] else row["instruction"] for row in rows]
    turns = [[Message("user", q), Message("assistant", row["output"])] for q, row in zip(asked, rows)]
    network = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32).eval()
    total, count = 0.0, 0
    for sample in tokens.sample_ids(turns):
        if len(sample.ids) <= longest:
            total += _surprise(network, sample)
            count += sum(sample.learned)
    return total / count, count


def _surprise(network: "torch.nn.Module", sample: Sample) -> float:  # type: ignore[name-defined]  # noqa: F821
    import torch

    ids, learned = torch.tensor(sample.ids), torch.tensor(sample.learned[1:])
    with torch.inference_mode():
        logits = network(ids[None]).logits[0, :-1]
    return float(torch.nn.functional.cross_entropy(logits[learned], ids[1:][learned], reduction="sum"))


def main(
    data: Path,
    model: str,
    out: Path,
    rows: Annotated[int, typer.Option(help="Prompts")] = 300,
    steps: Annotated[int, typer.Option(help="Optimizer steps of every method, of up to 1,024 tokens")] = 60,
    questions: Annotated[int, typer.Option(help="Questions of each benchmark, and held-out answers")] = 60,
    recipes: Annotated[str, typer.Option(help="Comma-separated")] = "t_sft,sdrrl",
) -> None:
    """Synthesize, mix, train and evaluate, then print each model's loss on held-out German answers."""
    whole = run(data, model, out, rows, steps, questions)
    whole.synthesize()
    scores = compare(whole, recipes.split(","), seeds=1)
    german = held_out(data)[:questions]
    for name, record in scores.record.models.items():
        found, count = loss(record.path, german)
        print(f"{name}: loss {found:.3f} on {count:,} tokens of {len(german)} held-out German answers")
    print(f"scores: {scores.folder.root}/report.md")


if __name__ == "__main__":
    typer.run(main)
