"""What DeepSpeed mixes up when it loads a universal checkpoint is put right."""

from types import SimpleNamespace

import torch

from polydistill.trainer.distributed.universal import _repair


def test_groups_keep_their_settings_and_steps_are_counted_once() -> None:
    parameters = [torch.nn.Parameter(torch.ones(2)) for _ in range(3)]
    groups = [{"params": parameters[:1], "weight_decay": 0.0}, {"params": parameters[1:], "weight_decay": 0.1}]
    optimizer = torch.optim.AdamW(groups, lr=0.01)
    settings = [{key: value for key, value in g.items() if key != "params"} for g in optimizer.param_groups]
    shared = torch.tensor(7.0)
    for parameter in parameters:
        parameter.grad = torch.ones(2)
        moments = {"exp_avg": torch.zeros(2), "exp_avg_sq": torch.zeros(2)}
        optimizer.state[parameter] = {"step": shared, **moments}
    optimizer.param_groups[1]["weight_decay"] = 0.0  # as DeepSpeed leaves it
    _repair(
        SimpleNamespace(optimizer=SimpleNamespace(param_groups=optimizer.param_groups, optimizer=optimizer)), settings
    )
    assert [group["weight_decay"] for group in optimizer.param_groups] == [0.0, 0.1]
    optimizer.step()
    assert [float(optimizer.state[p]["step"]) for p in parameters] == [8.0] * 3
