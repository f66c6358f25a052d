"""Packed gradients equal those of one sample after the other, whatever is split and how."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from polydistill.engine.mixing.mixture import Mixture
from polydistill.engine.storage.record import read_record
from polydistill.engine.storage.shards import Folder
from polydistill.trainer.config import Train
from polydistill.trainer.data.batch import Batch
from polydistill.trainer.data.objective import Weighing
from polydistill.trainer.data.samples import Samples, write_manifest, write_part
from polydistill.trainer.data.step_plan import Plan
from polydistill.trainer.data.tokenization import Tokenization
from polydistill.trainer.model.attention import NAMES, register
from polydistill.trainer.model.packed_lm import PackedLM, check_packing
from polydistill.trainer.records import TokensRecord

OBJECTIVES = [
    {"objective": "subset_mean", "mean_over": "token"},
    {"objective": "subset_mean"},
    {"objective": "subset_mean", "mean_over": "token", "denominator": "step"},
    {"objective": "subset_mean", "denominator": "step"},
    {"objective": "token_mean"},
    {"objective": "sample_mean"},
]
COMMON = {"max_tokens": 512, "attention": "sdpa", "clip": 1e9}
pytestmark = pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")


@pytest.fixture(scope="module")
def tokens(student: str, mixture: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    from transformers import AutoTokenizer

    place = Folder.of(tmp_path_factory.mktemp("tokens"))
    tokenizer = AutoTokenizer.from_pretrained(student)
    how = Tokenization("raw", 512, "drop", 0.0, 0)
    source = Mixture.open(mixture)
    write_part(source, place, tokenizer, how, 0, 1, "k")
    write_manifest(source, place, "k")
    return place.root


def open_plan(tokens: str, **settings: Any) -> Plan:
    place = Folder.of(tokens)
    samples = Samples.open(place, read_record(place, "manifest.json", TokensRecord))
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
    places. ZeRO 1 and recomputed activations once each, FlexAttention for one objective."""
    stages = ["zero0", "zero2", "zero3"]
    cases = [
        {**COMMON, **objective, "packs": packs, "deepspeed": stage}
        for objective, stage, packs in itertools.product(OBJECTIVES, stages, [count, 3])
    ]
    cases += [{**COMMON, **OBJECTIVES[0], "packs": 4, "deepspeed": "zero1"}]
    cases += [{**COMMON, **OBJECTIVES[0], "packs": 3, "deepspeed": stage, "activation_checkpointing": True}
              for stage in stages]  # fmt: skip
    cases += [{**COMMON, **OBJECTIVES[0], "attention": "flex", "packs": packs, "deepspeed": stage}
              for stage, packs in itertools.product(stages, [count, 3])]  # fmt: skip
    run_ranks(count, "gradients", {"student": student, "tokens": tokens, "out": str(tmp_path), "cases": cases}, 500)
    for number, case in enumerate(cases):
        found = torch.load(tmp_path / f"{number}.pt", weights_only=True)
        plan = open_plan(tokens, **{key: value for key, value in case.items() if key not in COMMON})
        wanted = by_hand(student, plan)
        assert largest_difference(found, wanted) < 1e-5, case
        norm = torch.sqrt(sum((p.double() ** 2).sum() for name, p in wanted.items() if name != "loss"))
        assert float(found["norm"]) == pytest.approx(float(norm), rel=1e-4), case


@pytest.fixture(scope="module")
def windowed(student: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A student whose tokens see the last 24 only."""
    from transformers import AutoTokenizer, MistralConfig, MistralForCausalLM

    folder = tmp_path_factory.mktemp("windowed")
    tokenizer = AutoTokenizer.from_pretrained(student)
    torch.manual_seed(0)
    shape = {"hidden_size": 64, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    config = MistralConfig(vocab_size=len(tokenizer), num_key_value_heads=2, sliding_window=24, **shape)
    MistralForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


@pytest.fixture
def gpu_backends_on_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """FlexAttention with the dense gradient that torch has for it but refuses on CPUs; in place of the varlen kernel,
    which is CUDA's alone, its documented arithmetic."""
    from torch.nn.attention import flex_attention, varlen

    def documented(
        q: Any, k: Any, v: Any, ends_q: Any, ends_k: Any, longest_q: int, longest_k: int, *,
        scale: float, window_size: tuple[int, int], enable_gqa: bool,
    ) -> torch.Tensor:  # fmt: skip
        parts, (left, right) = [], window_size
        assert torch.equal(ends_q, ends_k) and int(ends_q.diff().max()) == longest_q == longest_k and right == 0
        for start, stop in itertools.pairwise(ends_q.tolist()):
            one = [states[start:stop].transpose(0, 1) for states in (q, k, v)]
            back = torch.arange(stop - start)[:, None] - torch.arange(stop - start)
            mask = (back >= 0) & ((back <= left) if left >= 0 else True)
            parts.append(F.scaled_dot_product_attention(*one, mask, scale=scale, enable_gqa=enable_gqa).transpose(0, 1))
        return torch.cat(parts)

    monkeypatch.setattr(flex_attention, "_validate_device", lambda *_: None)
    monkeypatch.setattr(varlen, "varlen_attn", documented)


def packed_gradients(model: str, backend: str, plan: Plan, chunk: int = 2**26) -> dict[str, torch.Tensor]:
    """The first step's loss and gradients, pack by pack."""
    from transformers import AutoModelForCausalLM

    register()
    loaded = AutoModelForCausalLM.from_pretrained(model, attn_implementation=NAMES[backend], dtype=torch.float32)
    packed, total = PackedLM(loaded, backend, chunk), torch.zeros(())
    for numbers, weights in plan.step(0):
        loss, _ = packed(plan.batch(numbers, weights))
        loss.backward()
        total += loss.detach()
    return {"loss": total, **{name: p.grad for name, p in loaded.named_parameters()}}


@pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda o: "-".join(o.values()))
@pytest.mark.parametrize(("backend", "chunk"), [("sdpa", 2**26), ("sdpa", 4_000), ("flex", 2**26), ("varlen", 2**26)])
def test_packs_equal_sample_by_sample(
    backend: str, chunk: int, objective: dict[str, str], student: str, tokens: str, gpu_backends_on_cpu: None
) -> None:
    plan = open_plan(tokens, packs=2, **objective)
    found = packed_gradients(student, backend, plan, chunk)
    assert largest_difference(found, by_hand(student, plan)) < 1e-5


@pytest.mark.parametrize("backend", ["sdpa", "flex", "varlen"])
def test_sliding_windows(backend: str, windowed: str, tokens: str, gpu_backends_on_cpu: None) -> None:
    plan = open_plan(tokens, packs=2, objective="subset_mean")
    assert largest_difference(packed_gradients(windowed, backend, plan), by_hand(windowed, plan)) < 1e-5


@pytest.mark.parametrize("backend", ["flex", "varlen"])
def test_dropout_is_refused_where_the_kernel_has_none(
    backend: str, windowed: str, tokens: str, gpu_backends_on_cpu: None
) -> None:
    from transformers import AutoModelForCausalLM

    from polydistill.engine.errors import UserError

    register()
    model = AutoModelForCausalLM.from_pretrained(windowed, attn_implementation=NAMES[backend], attention_dropout=0.1)
    packed, batch = PackedLM(model, backend), plan_batch(tokens)
    packed.eval()(batch)
    with pytest.raises(UserError, match="attention_dropout"):
        packed.train()(batch)


def plan_batch(tokens: str) -> Batch:
    plan = open_plan(tokens, packs=1, objective="token_mean")
    return plan.batch(*plan.step(0)[0])


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("backend", ["varlen", "flex", "flash_attention_2"])
@pytest.mark.parametrize("window", [False, True])
def test_gpu_backends_equal_sdpa(backend: str, window: bool, windowed: str, tokens: str, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM

    from tests.trainer.conftest import write_student

    if backend == "flash_attention_2":
        pytest.importorskip("flash_attn")
    register()
    folder = windowed if window else write_student(tmp_path, width=64)  # FlexAttention needs heads of 16
    plan, device, results = open_plan(tokens, packs=2, objective="subset_mean"), torch.device("cuda"), []
    for name in ("sdpa", backend):
        model = AutoModelForCausalLM.from_pretrained(
            folder, attn_implementation=NAMES.get(name, name), dtype=torch.bfloat16
        ).to(device)
        loss, losses = PackedLM(model, name)(plan.batch(*plan.step(0)[0]).to(device))
        loss.backward()
        results.append((losses, [p.grad.float() for p in model.parameters()]))
    assert torch.allclose(results[0][0], results[1][0], atol=0.1)
    for ours, theirs in zip(results[0][1], results[1][1]):
        assert float((ours - theirs).norm()) <= 0.05 * float(theirs.norm()) + 1e-4


def test_check_finds_attention_that_leaks(student: str, tokens: str) -> None:
    """A backend that lets samples see each other is refused at the start."""
    from transformers import AttentionInterface, AutoModelForCausalLM

    from polydistill.engine.errors import UserError
    from polydistill.trainer.model.attention import packed_sdpa

    def leaking(module: Any, query: Any, key: Any, value: Any, mask: Any, runs: Any, **rest: Any) -> Any:
        return packed_sdpa(module, query, key, value, mask, runs=[(1, query.shape[2])], **rest)

    register()
    model = AutoModelForCausalLM.from_pretrained(student, attn_implementation="packed_sdpa", dtype=torch.float32)
    plan = open_plan(tokens, packs=1, objective="token_mean")
    few = np.array([3, 0, 8])
    alone = [plan.batch(few[i : i + 1], np.ones(1)) for i in range(3)]
    together = plan.batch(few, np.ones(3))
    assert check_packing(PackedLM(model, "sdpa"), alone, together).leak == 0
    AttentionInterface.register("packed_sdpa", leaking)
    try:
        with pytest.raises(UserError, match="packed samples do not give the same loss"):
            check_packing(PackedLM(model, "sdpa"), alone, together)
    finally:
        register()
