"""One optimizer step over all ranks, and one pass over the validation samples."""

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.distributed as dist

from polydistill.engine.seeds import generator_seed
from polydistill.trainer.data.batch import Batch
from polydistill.trainer.data.feed import Feed, nothing
from polydistill.trainer.data.step_plan import Plan
from polydistill.trainer.distributed import ranks
from polydistill.trainer.distributed.engine import Engine


@dataclass
class Figures:
    """What a step gave. `sums` and `counts` are this rank's part."""

    sums: torch.Tensor  # objective, then CE by subset: float64 of shape (1 + subsets,)
    counts: np.ndarray  # answer tokens by subset: float64 of shape (subsets,)
    grad_norm: float  # before clipping
    tokens: int  # of all ranks
    answer_tokens: int
    packs: int
    skipped: list[str]  # row ids of passes left out because their loss was not finite


def train_step(engine: Engine, feed: Feed, step: int, rate: float) -> Figures:
    """Take optimizer step `step` at learning rate `rate`.

    Raises:
        AgreedError: a loss or the gradient is not finite and `train.nonfinite` is stop.
    """
    plan, device = feed.plan, engine.device
    for group in engine.optimizer.param_groups:
        group["lr"] = rate * group.get("rate_scale", 1.0)
    sums = torch.zeros(1 + plan.subsets, dtype=torch.float64, device=device)
    counts = np.zeros(plan.subsets)
    skipped: list[str] = []
    norm = 0.0
    for part in feed.step(step):
        batch = part.batch.to(device)
        loss, losses = _forward(engine, batch, plan.train.seed, step, part.slot)
        counted = not part.empty
        if plan.train.nonfinite == "skip":
            bad = not bool(torch.isfinite(loss))
            if ranks.any_rank(bad, device):
                # All ranks go again, so that their collectives stay in step.
                skipped += _row_ids(plan, part.numbers) if bad else []
                batch = plan.batch(*nothing(plan.step(step))).to(device) if bad else batch
                loss, losses = _forward(engine, batch, plan.train.seed, step, part.slot)
                if bad:
                    loss, counted = 0.0 * torch.nan_to_num(loss), False
        # DeepSpeed divides by the accumulation and averages over ranks; the weights are global already.
        engine.backward(loss * (feed.ranks * feed.rounds))
        if counted:
            sums[0] += loss.detach().double()
            sums[1:].index_add_(0, batch.subsets, losses.double())
            counts += plan.answer_tokens_by_subset(part.numbers)
        if part.last:
            _refuse_nonfinite(plan, sums, step, device)
            norm = _norm_of_gradients(engine)
        engine.step()
    norm = float(engine.get_global_grad_norm() or norm)
    if not math.isfinite(norm) and not plan.train.precision == "fp16":
        raise ranks.AgreedError(
            f"step {step + 1}: the gradient is not finite. {_ADVICE}. The newest checkpoint is from before it"
        )
    everything = np.concatenate([numbers for numbers, _ in plan.step(step)])
    return Figures(sums, counts, norm, *plan.size(everything), len(plan.step(step)), skipped)


def validate(engine: Engine, plan: Plan, device: torch.device) -> float:
    """The objective over all of `plan`'s samples, the same on every rank."""
    size = dist.get_world_size()
    packs = plan.everything()
    total = torch.zeros(1, dtype=torch.float64, device=device)
    engine.eval()
    with torch.no_grad():
        for first in range(0, len(packs), size):
            slot = first + dist.get_rank()
            numbers, weights = packs[slot] if slot < len(packs) else nothing(packs)
            total += engine(plan.batch(numbers, weights).to(device))[0].double()
    engine.train()
    dist.all_reduce(total)
    return float(total)


def _forward(engine: Engine, batch: Batch, seed: int, step: int, slot: int) -> tuple[torch.Tensor, torch.Tensor]:
    # Dropout is a function of (seed, step, pack), whichever rank has the pack and however often it is taken.
    torch.manual_seed(generator_seed(seed, "dropout", step, slot))
    return engine(batch)


_ADVICE = "Lower train.learning_rate, lengthen train.warmup, or look at these rows"


def _refuse_nonfinite(plan: Plan, sums: torch.Tensor, step: int, device: torch.device) -> None:
    """Stop before the update where a loss is not finite."""
    if plan.train.nonfinite != "stop" or not ranks.any_rank(not bool(torch.isfinite(sums[0])), device):
        return
    rows = ", ".join(_row_ids(plan, np.concatenate([numbers for numbers, _ in plan.step(step)]))[:5])
    raise ranks.AgreedError(
        f"step {step + 1}: the loss is not finite (rows {rows}, ...). {_ADVICE}. "
        "With train.nonfinite=skip such packs are left out and counted"
    )


def _row_ids(plan: Plan, numbers: np.ndarray) -> list[str]:
    return [plan.samples.row_id(int(number)) for number in numbers]


def _norm_of_gradients(engine: Engine) -> float:
    """The gradient's norm where DeepSpeed does not measure it (without ZeRO in full precision)."""
    if hasattr(engine.optimizer, "_global_grad_norm"):
        return 0.0
    gradients = [p.grad for p in engine.module.parameters() if p.grad is not None]
    return float(torch.nn.utils.get_total_norm(gradients))
