"""AdamW over a model's trained parameters, in groups."""

import re

import torch
from torch import nn

from polydistill.engine.errors import UserError
from polydistill.trainer.config import Train


def make_optimizer(model: nn.Module, train: Train) -> torch.optim.Optimizer:
    """The optimizer, at learning rate 0: `train_step` sets each group's rate, times the group's `rate_scale`.

    Raises:
        UserError: the optimizer does not run on this machine.
    """
    groups = parameter_groups(model, train)
    if train.optimizer == "adamw":
        # The fused one is ten times as fast on a CPU as well, where the optimizer may be offloaded to.
        return torch.optim.AdamW(groups, lr=0.0, betas=train.betas, fused=True)
    if not torch.cuda.is_available():
        raise UserError(f"train.optimizer={train.optimizer} needs a GPU: use adamw")
    import bitsandbytes

    kind = {"adamw_8bit": bitsandbytes.optim.AdamW8bit, "paged_adamw_8bit": bitsandbytes.optim.PagedAdamW8bit}
    return kind[train.optimizer](groups, lr=0.0, betas=train.betas)


def parameter_groups(model: nn.Module, train: Train) -> list[dict[str, object]]:
    """Trained parameters by weight decay and learning rate. Vectors (norms, biases) are not decayed."""
    ratio = train.lora.plus if train.lora else 1.0
    groups: dict[tuple[bool, float], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            # Under zero3 a parameter's own shape is empty: ask DeepSpeed's.
            vector = len(getattr(parameter, "ds_shape", parameter.shape)) <= 1
            scale = ratio if re.search(r"lora_(B|embedding_B)\b", name) else 1.0
            groups.setdefault((vector, scale), []).append(parameter)
    return [
        {"params": groups[vector, scale], "weight_decay": 0.0 if vector else train.weight_decay, "rate_scale": scale}
        for vector, scale in sorted(groups)
    ]
