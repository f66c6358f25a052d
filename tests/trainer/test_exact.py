"""Packed gradients equal those of one sample after the other, whatever is split and how."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from engine.shards import Place
from trainer import data
from trainer.attention import NAMES, register
from trainer.config import Train
from trainer.model import PackedLM, batch, check_packing
from trainer.objective import Weighing
from trainer.plan import Plan

OBJECTIVES = [
    {"objective": "subset_mean"},
    {"objective": "subset_mean", "mean_over": "sample"},
    {"objective": "subset_mean", "denominator": "step"},
    {"objective": "subset_mean", "denominator": "step", "mean_over": "sample"},
    {"objective": "token_mean"},
    {"objective": "sample_mean"},
]
COMMON = {"max_tokens": 512, "attention": "sdpa", "clip": 1e9}


@pytest.fixture(scope="module")
def tokens(student: str, mixture: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    from transformers import AutoTokenizer

    place = Place.of(tmp_path_factory.mktemp("tokens"))
    tokenizer = AutoTokenizer.from_pretrained(student)
    how = data.Recipe("raw", 512, "drop", 0.0, 0)
    source = Place.of(mixture)
    subsets = data.subsets_of(source.read_json("manifest.json"), source)
    data.write_part(source, place, tokenizer, list(subsets), how, 0, 1, "k")
    data.write_manifest(source, place, subsets, "k")
    return place.root


def open_plan(tokens: str, **settings: Any) -> Plan:
    place = Place.of(tokens)
    samples = data.Samples.open(place, place.read_json("manifest.json"))
    train = Train(**COMMON, **settings)
    weighing = Weighing(train.objective, train.mean_over, train.denominator, np.ones(3))
    return Plan(samples, np.arange(len(samples.length)), train, weighing)


def by_hand(student: str, plan: Plan) -> dict[str, torch.Tensor]:
    """The first step's loss and gradients, one sample after the other, straight from the objective's formula."""
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(student, attn_implementation="eager", dtype=torch.float32)
    samples, train = plan.samples, plan.train
    step = np.concatenate([numbers for numbers, _ in plan.step(0)])
    total = torch.zeros((), dtype=torch.float64)
    for number in step:
        ids = torch.from_numpy(samples.tokens(number).astype(np.int64))[None]
        start = int(samples.prompt[number])
        logits = model(input_ids=ids).logits[0, start - 1 : -1]
        losses = F.cross_entropy(logits, ids[0, start:], reduction="none")
        whole = np.arange(len(samples.length))
        if train.objective == "token_mean":
            loss = losses.sum() / samples.answer[step].sum()
        elif train.objective == "sample_mean":
            loss = losses.mean() / len(step)
        else:
            among, scale = (whole, plan.steps_per_epoch) if train.denominator == "epoch" else (step, 1)
            same = among[samples.subset[among] == samples.subset[number]]
            size = len(same) if train.mean_over == "sample" else samples.answer[same].sum()
            loss = (losses.mean() if train.mean_over == "sample" else losses.sum()) * scale / size / 3
        loss.backward()
        total += loss.detach()
    return {"loss": total, **{name: p.grad for name, p in model.named_parameters()}}


def largest_difference(found: dict[str, torch.Tensor], wanted: dict[str, torch.Tensor]) -> float:
    assert set(wanted) <= set(found)
    return max(float((found[name].double() - wanted[name].double()).abs().max()) for name in wanted)


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 2])
def test_gradients_equal_sample_by_sample(
    count: int, student: str, tokens: str, tmp_path: Path, run_ranks: Callable[..., None]
) -> None:
    """Every objective under ZeRO 0, 2, 3, without accumulation and with it; two ranks then have three packs for four
    places. ZeRO 1 and recomputed activations once each."""
    stages = ["zero0", "zero2", "zero3"]
    cases = [
        {**COMMON, **objective, "packs": packs, "deepspeed": stage}
        for objective, stage, packs in itertools.product(OBJECTIVES, stages, [count, 3])
    ]
    cases += [{**COMMON, **OBJECTIVES[0], "packs": 4, "deepspeed": "zero1"}]
    cases += [{**COMMON, **OBJECTIVES[0], "packs": 3, "deepspeed": stage, "activation_checkpointing": True}
              for stage in stages]  # fmt: skip
    run_ranks(count, "gradients", {"student": student, "tokens": tokens, "out": str(tmp_path), "cases": cases}, 500)
    for number, case in enumerate(cases):
        found = torch.load(tmp_path / f"{number}.pt", weights_only=True)
        plan = open_plan(tokens, **{key: value for key, value in case.items() if key not in COMMON})
        wanted = by_hand(student, plan)
        assert largest_difference(found, wanted) < 1e-5, case
        norm = torch.sqrt(sum((p.double() ** 2).sum() for name, p in wanted.items() if name != "loss"))
        assert float(found["norm"]) == pytest.approx(float(norm), rel=1e-4), case


@pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda o: "-".join(o.values()))
@pytest.mark.parametrize("chunk", [2**26, 4_000])
def test_packs_equal_sample_by_sample(objective: dict[str, str], chunk: int, student: str, tokens: str) -> None:
    from transformers import AutoModelForCausalLM

    register()
    model = AutoModelForCausalLM.from_pretrained(student, attn_implementation="packed_sdpa", dtype=torch.float32)
    packed, plan = PackedLM(model, "sdpa", chunk), open_plan(tokens, packs=2, **objective)
    total = torch.zeros(())
    for numbers, weights in plan.step(0):
        loss, _ = packed(plan.batch(numbers, weights))
        loss.backward()
        total += loss.detach()
    found = {"loss": total, **{name: p.grad for name, p in model.named_parameters()}}
    assert largest_difference(found, by_hand(student, plan)) < 1e-5


def test_flex_equals_sdpa(student: str, tokens: str) -> None:
    """The losses only: FlexAttention has no backward pass on a CPU."""
    from transformers import AutoModelForCausalLM

    register()
    plan = open_plan(tokens, packs=2, objective="subset_mean")
    losses = []
    for name in ("sdpa", "flex"):
        model = AutoModelForCausalLM.from_pretrained(student, attn_implementation=NAMES[name], dtype=torch.float32)
        with torch.no_grad():
            losses.append(PackedLM(model, name)(plan.batch(*plan.step(0)[0]))[1])
    assert torch.allclose(losses[0], losses[1], atol=1e-5)


def test_gpu_attention_is_refused_on_a_cpu() -> None:
    from engine.errors import UserError
    from trainer.attention import choose

    assert choose("auto", torch.device("cpu")) == "sdpa"
    with pytest.raises(UserError, match="needs a GPU"):
        choose("varlen", torch.device("cpu"))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("backend", ["varlen", "flex", "flash_attention_2"])
def test_gpu_backends_equal_sdpa(backend: str, student: str, tokens: str) -> None:
    from transformers import AutoModelForCausalLM

    if backend == "flash_attention_2":
        pytest.importorskip("flash_attn")
    register()
    plan, device, results = open_plan(tokens, packs=2, objective="subset_mean"), torch.device("cuda"), []
    for name in ("sdpa", backend):
        model = AutoModelForCausalLM.from_pretrained(
            student, attn_implementation=NAMES.get(name, name), dtype=torch.bfloat16
        ).to(device)
        loss, losses = PackedLM(model, name)(plan.batch(*plan.step(0)[0]).to(device))
        loss.backward()
        results.append((losses, [p.grad.float() for p in model.parameters()]))
    assert torch.allclose(results[0][0], results[1][0], atol=0.1)
    for ours, theirs in zip(results[0][1], results[1][1]):
        assert float((ours - theirs).norm()) <= 0.05 * float(theirs.norm()) + 1e-4


def test_batch_learns_answers_only() -> None:
    first, second = np.array([5, 6, 7, 8, 1]), np.array([9, 1])
    one = batch([first, second], np.array([3, 1]), np.array([2, 0]), np.array([0.5, 0.25]))
    assert one.tokens.tolist() == [[5, 6, 7, 8, 1, 9, 1]]
    assert one.positions.tolist() == [[0, 1, 2, 3, 4, 0, 1]]
    assert one.bounds == [0, 5, 7]
    assert one.predict.tolist() == [2, 3, 5] and one.labels.tolist() == [8, 1, 1]
    assert one.weights.tolist() == [0.5, 0.5, 0.25] and one.subsets.tolist() == [2, 2, 0]


def test_check_finds_attention_that_leaks(student: str, tokens: str) -> None:
    """A backend that lets samples see each other is refused at the start."""
    from transformers import AttentionInterface, AutoModelForCausalLM

    from engine.errors import UserError
    from trainer.attention import packed_sdpa

    def leaking(module: Any, query: Any, key: Any, value: Any, mask: Any, runs: Any, **rest: Any) -> Any:
        return packed_sdpa(module, query, key, value, mask, runs=[(1, query.shape[2])], **rest)

    register()
    model = AutoModelForCausalLM.from_pretrained(student, attn_implementation="packed_sdpa", dtype=torch.float32)
    plan = open_plan(tokens, packs=1, objective="token_mean")
    few = np.array([3, 0, 8])
    alone = [plan.batch(few[i : i + 1], np.ones(1)) for i in range(3)]
    together = plan.batch(few, np.ones(3))
    assert check_packing(PackedLM(model, "sdpa"), alone, together, 1e-4) < 1e-4
    AttentionInterface.register("packed_sdpa", leaking)
    try:
        with pytest.raises(UserError, match="packed samples do not give the same loss"):
            check_packing(PackedLM(model, "sdpa"), alone, together, 1e-4)
    finally:
        register()
