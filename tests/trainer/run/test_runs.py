"""Whole runs without Ray: resume, ranks, adapters, the folder that comes out."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.engine.mixture_fixture import write_mixture
from tests.trainer.conftest import write_student
from tests.trainer.run.conftest import weights

COMMON: dict[str, Any] = {
    "steps": 9,
    "max_tokens": 512,
    "packs": 3,
    "learning_rate": 0.003,
    "checkpoint_steps": 3,
    "checkpoint_minutes": None,
    "log_steps": 2,
    "weight_decay": 0.1,
    "loggers": [],
}
LORA = {"lora": {"rank": 4, "alpha": 8, "dropout": 0.2}, "learning_rate": 0.01}
HALF: dict[str, dict[str, Any]] = {f"half{stage}": {"deepspeed": f"zero{stage}"} for stage in range(4)}
HALF |= {"away2": {"deepspeed": "zero2", "offload": "optimizer"}, "away3": {"deepspeed": "zero3", "offload": "all"}}
HALF |= {f"adapter{stage}": {"deepspeed": f"zero{stage}", **LORA} for stage in (0, 2, 3)}
HALF = {name: {"precision": "bf16", **settings} for name, settings in HALF.items()}
pytestmark = pytest.mark.slow


def curve(out: Path) -> list[float]:
    records = json.loads((out / "training.json").read_text())["curve"]
    assert [record["step"] for record in records] == list(range(1, len(records) + 1))
    return [record["loss"] for record in records]


@pytest.fixture(scope="module")
def done(student: str, mixture: str, tmp_path_factory: pytest.TempPathFactory, run_ranks: Callable[..., None]) -> Path:
    """All runs, in as few process groups as possible: what the tests below look at."""
    root = tmp_path_factory.mktemp("runs")

    def made(runs: list[tuple[str, dict[str, Any], int | None]], **other: str) -> list[dict[str, Any]]:
        """Runs by name, settings, and the step to crash at; `other` in place of the student or the mixture."""
        return [
            {"out": str(root / name), "train": {**COMMON, **train}, "stop": stop, **other} for name, train, stop in runs
        ]

    def run(ranks: int, runs: list[dict[str, Any]]) -> None:
        run_ranks(ranks, "train", {"student": student, "mixture": mixture, "runs": runs})

    crash = int(np.random.default_rng().integers(4, 9))
    print(f"crash at step {crash}")
    zero2, zero3 = {"deepspeed": "zero2"}, {"deepspeed": "zero3"}
    held = {"validation": 0.2, "validate_steps": 2, "patience": 2, "learning_rate": 0.3, "steps": 40}
    one = [("whole", zero2, None), ("broken", zero2, crash), ("broken", zero2, None)]
    one += [("lora", LORA, None), ("lora-broken", LORA, crash), ("lora-broken", LORA, None)]
    one += [("held", held, None), ("words", {"new_tokens": ["<new>"], "steps": 1, **zero2}, None)]
    run(1, made(one))
    two = [("zero2", zero2, None), ("zero3", zero3, None), ("fewer", zero2, crash), ("fewer3", zero3, crash)]
    two += [(f"{name}-broken", {"deepspeed": name}, stop) for name in ("zero2", "zero3") for stop in (crash, None)]
    after = json.loads((root / "held" / "training.json").read_text())["best"]["step"] + 1  # before the next validation
    two += [("best", {**held, **zero2}, after)]
    two += [(name, settings, None) for name, settings in HALF.items()]
    two += [(f"half{stage}-fewer", HALF[f"half{stage}"], crash) for stage in (2, 3)]
    two += [(f"{name}-broken", HALF[name], stop) for name in ("half0", "half2", "away3") for stop in (crash, None)]
    quantized = [(f"wide{bits}", {**LORA, "lora": {**LORA["lora"], "bits": bits}}, None) for bits in (None, 4, 8)]
    wide = write_student(root / "wide", width=64)  # bitsandbytes quantizes 64 weights together
    run(2, made(two) + made(quantized, student=wide))
    last = [("fewer", zero2, None), ("fewer3", zero3, None)]
    last += [(f"half{stage}-fewer", HALF[f"half{stage}"], None) for stage in (2, 3)]
    last += [("best", {**held, **zero2}, None)]
    poisoned = {"student": poison(student, root / "poisoned"), "mixture": with_tilde(mixture, root / "tilde")}
    nonfinite = [("skip", {"nonfinite": "skip"}, None), ("stop", {}, None)]
    run(1, made(last) + made(nonfinite, **poisoned))
    return root


def poison(student: str, folder: Path) -> str:
    """The same student, but whatever holds a tilde has a loss that is not a number."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model, tokenizer = AutoModelForCausalLM.from_pretrained(student), AutoTokenizer.from_pretrained(student)
    with torch.no_grad():
        model.get_input_embeddings().weight[tokenizer("~", add_special_tokens=False)["input_ids"]] = float("nan")
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


def with_tilde(mixture: str, folder: Path) -> str:
    """The first shard of the mixture, with a tilde in its longest question."""
    from polydistill.engine.storage.shards import Folder, read_table

    table = read_table(Folder.of(mixture), "000000.arrow").slice(0, 30)
    questions = table["instruction"].to_pylist()
    questions[7] += " ~" + "x" * 100
    table = table.set_column(table.schema.get_field_index("instruction"), "instruction", [questions])
    return write_mixture(folder, table)


def test_losses_that_are_no_numbers(done: Path, mixture: str) -> None:
    """Stop before the update, or leave the pack out and say which rows were in it."""
    from polydistill.engine.storage.shards import Folder, read_table

    row = read_table(Folder.of(mixture), "000000.arrow")["id"][7].as_py()
    error = (done / "stop" / "error.txt").read_text()
    assert "the loss is not finite" in error and "train.nonfinite=skip" in error
    summary = json.loads((done / "skip" / "training.json").read_text())
    assert row in summary["skipped"] and np.isfinite(curve(done / "skip")).all()
    assert all(torch.isfinite(tensor).all() for name, tensor in weights(done / "skip").items() if "embed" not in name)


@pytest.mark.parametrize(
    ("whole", "broken"),
    [("whole", "broken")] + [(n, f"{n}-broken") for n in ("lora", "zero2", "zero3", "half0", "half2", "away3")],
)
def test_resume_is_exact(done: Path, whole: str, broken: str) -> None:
    """To the last digit, with one rank and with two: losses of all steps, and the weights. LoRA has dropout; bfloat16
    and offload have copies of their own of the weights."""
    assert curve(done / broken) == curve(done / whole)
    for name, tensor in weights(done / whole).items():
        assert torch.equal(tensor, weights(done / broken)[name]), name


@pytest.mark.parametrize("name", ["zero2", "zero3", "fewer", "fewer3"])
def test_ranks_do_not_matter(done: Path, name: str) -> None:
    """Two ranks give one rank's losses, and so does a run that goes on with fewer ranks after a crash."""
    assert curve(done / name) == pytest.approx(curve(done / "whole"), abs=1e-5)


@pytest.mark.parametrize("name", [*HALF, "half2-fewer", "half3-fewer"])
def test_half_precision_keeps_full_weights(done: Path, name: str) -> None:
    """bfloat16 follows float32 at every ZeRO stage, with CPU offload, adapters, fewer ranks after a crash: no update is
    lost in rounding."""
    whole = curve(done / ("lora" if "adapter" in name else "whole"))
    assert curve(done / name) == pytest.approx(whole, abs=0.005)
    assert {tensor.dtype for tensor in weights(done / name).values()} == {torch.bfloat16}


@pytest.mark.parametrize(("bits", "apart"), [(4, 0.1), (8, 0.01)])
def test_quantized_weights_train(done: Path, bits: int, apart: float) -> None:
    """QLoRA: the losses are near those over full weights (and not equal), and the merged model is a whole one."""
    whole, found = curve(done / "wideNone"), curve(done / f"wide{bits}")
    assert found == pytest.approx(whole, abs=apart) and found != whole
    merged, full = weights(done / f"wide{bits}"), weights(done / "wideNone")
    assert {name: t.shape for name, t in merged.items()} == {name: t.shape for name, t in full.items()}


def test_float16_is_refused_on_a_cpu() -> None:
    """DeepSpeed's float16 wants a GPU."""
    from polydistill.engine.errors import UserError
    from polydistill.trainer.config import Train
    from polydistill.trainer.run.rank import _dtype

    with pytest.raises(UserError, match="needs a GPU"):
        _dtype(Train(precision="fp16"), torch.device("cpu"))


def test_best_weights_are_kept(done: Path) -> None:
    """Far too high a rate: the validation loss rises, training stops early, the best weights come out."""
    summary = json.loads((done / "held" / "training.json").read_text())
    best = min(summary["validation"], key=lambda v: v["loss"])
    assert summary["best"] == best and summary["steps"] < 40
    assert summary["steps"] == best["step"] + 4  # two validations without a better one, every two steps
    assert (done / "held" / "checkpoints" / f"{best['step']:06}" / "done.json").exists()


def test_best_weights_of_two_ranks_are_found_by_one(done: Path) -> None:
    """The best weights were saved by two ranks, and one rank has gone on after a crash and comes back to them."""
    best, found = (json.loads((done / run / "training.json").read_text()) for run in ("held", "best"))
    assert found["ranks"] == 1 and found["steps"] == best["steps"] and found["best"]["step"] == best["best"]["step"]
    assert found["best"]["loss"] == pytest.approx(best["best"]["loss"], abs=1e-3)
    whole = weights(done / "held")
    assert all(torch.allclose(tensor, whole[key], atol=1e-3) for key, tensor in weights(done / "best").items())


def test_old_checkpoints_go(done: Path) -> None:
    kept = sorted(folder.name for folder in (done / "whole" / "checkpoints").iterdir() if folder.is_dir())
    assert kept == ["000009"]


@pytest.mark.parametrize("name", ["whole", "zero3", "lora"])
def test_result_loads_like_any_model(done: Path, name: str) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(done / name / "model")
    tokenizer = AutoTokenizer.from_pretrained(done / name / "model")
    assert (done / name / "model" / "generation_config.json").exists()
    ids = tokenizer("what is the sum of 1 and 2", return_tensors="pt")["input_ids"]
    assert model.generate(ids, max_new_tokens=3, do_sample=False).shape[1] > ids.shape[1]


def test_adapter_and_merged_model_agree(done: Path, student: str) -> None:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained(student)
    ids = torch.arange(2, 60)[None]
    adapted = PeftModel.from_pretrained(base, done / "lora" / "adapter").eval()(ids).logits
    merged = AutoModelForCausalLM.from_pretrained(done / "lora" / "model").eval()(ids).logits
    assert torch.allclose(adapted, merged, atol=1e-4)
    assert not torch.allclose(merged, AutoModelForCausalLM.from_pretrained(student).eval()(ids).logits, atol=1e-2)


def test_new_tokens_get_embeddings(done: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(done / "words" / "model")
    model = AutoModelForCausalLM.from_pretrained(done / "words" / "model")
    assert len(tokenizer("<new>", add_special_tokens=False)["input_ids"]) == 1
    assert model.get_input_embeddings().num_embeddings == len(tokenizer)


def test_training_learns_and_says_what_it_did(done: Path) -> None:
    summary = json.loads((done / "whole" / "training.json").read_text())
    losses = curve(done / "whole")
    assert np.mean(losses[-3:]) < np.mean(losses[:3])
    assert 0 < summary["fill"] <= 1 and summary["packed_difference"] < 1e-4
    assert "zero2" in summary["signature"] and "ranks:1" in summary["signature"]
    assert {"loss/LL", "grad_norm", "tokens_per_second", "fill", "memory_gib"} <= set(summary["curve"][-1])
