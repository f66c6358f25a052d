"""Parameter groups: what is decayed, what learns faster, and what is frozen."""

import pytest
import torch
from torch import nn

from polydistill.engine.errors import UserError
from polydistill.trainer.config import Lora, Train
from polydistill.trainer.distributed.optimizer import make_optimizer, parameter_groups


class Adapted(nn.Module):
    """The parameters of a small adapted model, by the names that peft gives them."""

    def __init__(self) -> None:
        super().__init__()
        self.frozen = nn.Linear(3, 3)
        self.frozen.requires_grad_(False)
        self.norm = nn.LayerNorm(3)
        self.lora_A = nn.Linear(3, 2, bias=False)
        self.lora_B = nn.Linear(2, 3, bias=False)
        self.lora_embedding_B = nn.Parameter(torch.zeros(3, 2))


def test_vectors_are_not_decayed_and_b_learns_faster() -> None:
    model = Adapted()
    train = Train(weight_decay=0.1, lora=Lora(plus=16))
    groups = parameter_groups(model, train)
    by_kind = {(group["weight_decay"], group["rate_scale"]): group["params"] for group in groups}
    assert by_kind.keys() == {(0.1, 1.0), (0.1, 16.0), (0.0, 1.0)}
    assert by_kind[0.0, 1.0] == [model.norm.weight, model.norm.bias]
    assert [id(p) for p in by_kind[0.1, 1.0]] == [id(model.lora_A.weight)]
    assert {id(p) for p in by_kind[0.1, 16.0]} == {id(model.lora_B.weight), id(model.lora_embedding_B)}


def test_a_parameter_that_zero3_has_split_is_judged_by_its_whole_shape() -> None:
    model = nn.Linear(3, 3)
    model.weight.ds_shape = torch.Size([3, 3])  # type: ignore[assignment]
    model.weight.data = torch.empty(0)
    decayed = {id(p) for group in parameter_groups(model, Train(weight_decay=0.1)) if group["weight_decay"]
               for p in group["params"]}  # fmt: skip
    assert decayed == {id(model.weight)}


def test_nothing_moves_before_a_rate_is_set() -> None:
    model = nn.Linear(3, 3)
    before = model.weight.detach().clone()
    optimizer = make_optimizer(model, Train(betas=(0.8, 0.9)))
    model(torch.ones(3)).sum().backward()
    optimizer.step()
    assert torch.equal(model.weight, before) and optimizer.defaults["betas"] == (0.8, 0.9)
    assert optimizer.defaults["fused"]  # where it is offloaded to the CPU as well: ten times as fast


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_moments_in_8_bits_need_a_gpu() -> None:
    with pytest.raises(UserError, match=r"train\.optimizer=paged_adamw_8bit needs a GPU: use adamw"):
        make_optimizer(nn.Linear(3, 3), Train(optimizer="paged_adamw_8bit"))
