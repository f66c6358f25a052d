"""One optimizer step over all ranks, and one pass over the validation samples."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.distributed as dist

from polydistill.engine.seeds import generator_seed
from polydistill.trainer.data.batch import Batch
from polydistill.trainer.data.step_plan import Pack, Plan
from polydistill.trainer.distributed import deepspeed_engine, ranks


@dataclass
class Figures:
    """What a step gave. `sums` is this rank's part: objective, then CE by subset, then answer tokens by subset."""

    sums: torch.Tensor  # float64 of shape (1 + 2 * subsets,)
    grad_norm: float  # before clipping
    tokens: int  # of all ranks
    answer_tokens: int
    packs: int
    skipped: list[str]  # row ids of packs left out because their loss was not finite


def train_step(engine: Any, plan: Plan, step: int, rate: float, device: torch.device) -> Figures:
    """Take optimizer step `step` at learning rate `rate`.

    Raises:
        AgreedError: a loss or the gradient is not finite and `train.nonfinite` is stop.
    """
    packs = plan.step(step)
    rounds = deepspeed_engine.accumulation(plan.train, dist.get_world_size())
    for group in engine.optimizer.param_groups:
        group["lr"] = rate
    sums = torch.zeros(1 + 2 * plan.subsets, dtype=torch.float64, device=device)
    skipped: list[str] = []
    norm = 0.0
    for round_ in range(rounds):
        slot = round_ * dist.get_world_size() + dist.get_rank()
        numbers, weights = packs[slot] if slot < len(packs) else _nothing(packs)
        batch = plan.batch(numbers, weights).to(device)
        loss, losses = _forward(engine, batch, plan.train.seed, step, slot)
        if plan.train.nonfinite == "skip":
            bad = not bool(torch.isfinite(loss))
            if ranks.any_rank(bad, device):
                # All ranks go again, so that their collectives stay in step.
                skipped += _row_ids(plan, numbers) if bad else []
                batch = plan.batch(*_nothing(packs)).to(device) if bad else batch
                loss, losses = _forward(engine, batch, plan.train.seed, step, slot)
                if bad:
                    loss, losses, batch = 0.0 * torch.nan_to_num(loss), losses[:0], _without_answers(batch)
        # DeepSpeed divides by the accumulation and averages over ranks; the weights are global already.
        engine.backward(loss * (dist.get_world_size() * rounds))
        if slot < len(packs):
            _count(sums, loss, losses, batch, plan.subsets)
        if round_ + 1 == rounds:
            _refuse_nonfinite(plan, sums, step, packs, device)
            norm = _norm_of_gradients(engine)
        engine.step()
    norm = float(engine.get_global_grad_norm() or norm)
    if not math.isfinite(norm) and not plan.train.precision == "fp16":
        raise ranks.AgreedError(
            f"step {step + 1}: the gradient is not finite; {_ADVICE}; the newest checkpoint is from before it"
        )
    everything = np.concatenate([numbers for numbers, _ in packs])
    return Figures(sums, norm, *plan.size(everything), len(packs), skipped)


def validate(engine: Any, plan: Plan, device: torch.device) -> float:
    """The objective over all of `plan`'s samples, the same on every rank."""
    size = dist.get_world_size()
    packs = plan.everything()
    total = torch.zeros(1, dtype=torch.float64, device=device)
    engine.eval()
    with torch.no_grad():
        for first in range(0, len(packs), size):
            slot = first + dist.get_rank()
            numbers, weights = packs[slot] if slot < len(packs) else _nothing(packs)
            total += engine(plan.batch(numbers, weights).to(device))[0].double()
    engine.train()
    dist.all_reduce(total)
    return float(total)


def _forward(engine: Any, batch: Batch, seed: int, step: int, slot: int) -> tuple[torch.Tensor, torch.Tensor]:
    # Dropout is a function of (seed, step, pack), whichever rank has the pack and however often it is taken.
    torch.manual_seed(generator_seed(seed, "dropout", step, slot))
    return engine(batch)


def _nothing(packs: list[Pack]) -> Pack:
    """The step's shortest first sample without any weight, for a rank that has no pack in this round."""
    return packs[0][0][-1:], np.zeros(1)


def _without_answers(batch: Batch) -> Batch:
    return Batch(**{**vars(batch), "subsets": batch.subsets[:0]})


def _count(sums: torch.Tensor, loss: torch.Tensor, losses: torch.Tensor, batch: Batch, subsets: int) -> None:
    sums[0] += loss.detach().double()
    sums[1 : 1 + subsets].index_add_(0, batch.subsets, losses.double())
    sums[1 + subsets :] += torch.bincount(batch.subsets, minlength=subsets)


_ADVICE = "lower train.learning_rate, lengthen train.warmup, or look at these rows"


def _refuse_nonfinite(plan: Plan, sums: torch.Tensor, step: int, packs: list[Pack], device: torch.device) -> None:
    """Stop before the update where a loss is not finite."""
    if plan.train.nonfinite != "stop" or not ranks.any_rank(not bool(torch.isfinite(sums[0])), device):
        return
    rows = ", ".join(_row_ids(plan, np.concatenate([numbers for numbers, _ in packs]))[:5])
    raise ranks.AgreedError(
        f"step {step + 1}: the loss is not finite (rows {rows}, ...); {_ADVICE}; "
        "train.nonfinite=skip leaves such packs out and counts them"
    )


def _row_ids(plan: Plan, numbers: np.ndarray) -> list[str]:
    return [plan.samples.row_id(int(number)) for number in numbers]


def _norm_of_gradients(engine: Any) -> float:
    """The gradient's norm where DeepSpeed does not measure it (without ZeRO in full precision)."""
    if hasattr(engine.optimizer, "_global_grad_norm"):
        return 0.0
    gradients = [p.grad for p in engine.module.parameters() if p.grad is not None]
    return float(torch.nn.utils.get_total_norm(gradients))
