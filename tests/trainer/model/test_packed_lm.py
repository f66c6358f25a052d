"""A model over packs: its losses are those of the samples alone. Whole steps: tests/trainer/run/test_exact.py."""

from typing import Any

import numpy as np
import pytest
import torch
from transformers import AttentionInterface, LlamaConfig, LlamaForCausalLM

from polydistill.engine.errors import UserError
from polydistill.trainer.data.batch import Batch, batch
from polydistill.trainer.model.attention import NAMES, packed_sdpa, register
from polydistill.trainer.model.packed_lm import APART, PackedLM, check_packing

SAMPLES = [np.arange(2, 11), np.arange(20, 26), np.arange(5, 8)]


def laid_out(*samples: np.ndarray) -> Batch:
    count = len(samples)
    return batch(list(samples), np.full(count, 2), np.zeros(count, np.int64), np.ones(count))


def llama(**changes: Any) -> LlamaForCausalLM:
    register()
    torch.manual_seed(0)
    shape = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = LlamaConfig(vocab_size=40, attn_implementation=NAMES["sdpa"], **shape, **changes)
    return LlamaForCausalLM(config).eval()


@pytest.fixture(scope="module")
def model() -> LlamaForCausalLM:
    return llama()


def test_a_pack_gives_the_losses_of_its_samples(model: LlamaForCausalLM) -> None:
    alone = [laid_out(sample) for sample in SAMPLES]
    found = check_packing(PackedLM(model, "sdpa"), alone, laid_out(*SAMPLES))
    assert found.leak == 0 and found.apart < 1e-6
    assert model.config._attn_implementation == NAMES["sdpa"]  # as it was before the check


def test_weights_of_samples_and_turns_that_are_not_learned_count_as_alone(model: LlamaForCausalLM) -> None:
    """Samples of different weights, one of them with a turn of the user behind its first answer."""
    weights, gaps = np.array([0.5, 2.0, 0.1]), [(0, 4, 6)]

    def made(*numbers: int) -> Batch:
        chosen, count = [SAMPLES[i] for i in numbers], len(numbers)
        mine = [(numbers.index(sample), a, b) for sample, a, b in gaps if sample in numbers]
        return batch(chosen, np.full(count, 2), np.zeros(count, np.int64), weights[list(numbers)], mine)

    gradients = []
    for packs in ([made(0, 1, 2)], [made(0), made(1), made(2)]):
        model.zero_grad()
        sum((PackedLM(model, "sdpa")(pack)[0] for pack in packs), torch.tensor(0.0)).backward()
        gradients.append([p.grad.clone() for p in model.parameters() if p.grad is not None])
    assert len(made(0).labels) == 9 - 2 - 2
    assert all(torch.allclose(ours, theirs, atol=1e-5) for ours, theirs in zip(*gradients))


def test_attention_that_leaks_is_refused(model: LlamaForCausalLM) -> None:
    def leaking(module: Any, query: Any, key: Any, value: Any, mask: Any, runs: Any, **rest: Any) -> Any:
        return packed_sdpa(module, query, key, value, mask, runs=[(1, query.shape[2])], **rest)

    AttentionInterface.register(NAMES["sdpa"], leaking)
    try:
        with pytest.raises(UserError, match=r"do not give the same loss .* train\.attention=sdpa"):
            check_packing(PackedLM(model, "sdpa"), [laid_out(s) for s in SAMPLES], laid_out(*SAMPLES))
    finally:
        register()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_in_half_precision_a_leak_is_still_told_from_rounding(dtype: torch.dtype) -> None:
    model = llama().to(dtype)
    found = check_packing(PackedLM(model, "sdpa"), [laid_out(s) for s in SAMPLES], laid_out(*SAMPLES), dtype)
    assert found.leak == 0 and found.apart < APART[dtype] / 5


def test_a_convolution_over_samples_is_refused(model: LlamaForCausalLM) -> None:
    """Recurrent layers and convolutions see the end of the sample before, in every backend alike."""

    def shifted(module: Any, inputs: Any, output: torch.Tensor) -> torch.Tensor:
        return output + 0.01 * output.roll(1, dims=1)

    hook = model.get_input_embeddings().register_forward_hook(shifted)
    try:
        with pytest.raises(UserError, match="beside another sample: they differ by"):
            check_packing(PackedLM(model, "sdpa"), [laid_out(s) for s in SAMPLES], laid_out(*SAMPLES), torch.bfloat16)
    finally:
        hook.remove()


def test_experts_round_but_do_not_leak() -> None:
    from transformers import Qwen3MoeConfig, Qwen3MoeForCausalLM

    register()
    torch.manual_seed(0)
    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 2}
    experts = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16, "head_dim": 16}
    config = Qwen3MoeConfig(vocab_size=40, attn_implementation=NAMES["sdpa"], **shape, **experts)
    model = Qwen3MoeForCausalLM(config).eval().to(torch.bfloat16)
    alone, pack = [laid_out(s) for s in SAMPLES], laid_out(*SAMPLES)
    assert check_packing(PackedLM(model, "sdpa"), alone, pack, torch.bfloat16).leak < APART[torch.bfloat16]


@pytest.mark.parametrize("changes", [{}, {"logit_scale": 3.0}], ids=["plain head", "scaled head"])
def test_pieces_of_any_size_give_the_same_loss(changes: dict[str, float]) -> None:
    pack, found = laid_out(*SAMPLES), []
    for chunk in (2**26, 40 * 5, 1):
        torch.manual_seed(0)
        total, losses = PackedLM(llama(**changes), "sdpa", chunk)(pack)
        assert not losses.requires_grad and float(total.detach()) == pytest.approx(float(losses.sum()), rel=1e-5)
        found.append(losses)
    assert torch.allclose(found[0], found[1], atol=1e-5) and torch.allclose(found[0], found[2], atol=1e-5)


def test_noise_is_added_while_training_only_and_less_to_longer_samples() -> None:
    packed, pack = PackedLM(llama(), "sdpa", noise=5.0), laid_out(*SAMPLES)
    with torch.no_grad():
        still = packed.eval()(pack)[1]
        assert torch.equal(packed(pack)[1], still)
        assert not torch.allclose(packed.train()(pack)[1], still, atol=1e-4)
        noise = packed.model.get_input_embeddings()(pack.tokens) - packed.eval().model.get_input_embeddings()(
            pack.tokens
        )
    for start, stop in ((0, 9), (9, 15), (15, 18)):
        limit = 5.0 / np.sqrt((stop - start) * 16)
        assert 0.7 * limit < float(noise[0, start:stop].abs().max()) <= limit + 1e-6
