"""The packed encoder computes what transformers computes, whatever the lengths of a batch's texts."""

import pytest
import torch
from transformers import AutoModel, XLMRobertaConfig, XLMRobertaXLConfig

from polydistill.engine.judging.quality.xlmr_cpu import Packed, linear, suits, use_onednn

SHAPE = {"vocab_size": 60, "hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 64}
SHAPE |= {"max_position_embeddings": 40, "type_vocab_size": 1, "pad_token_id": 1}


@pytest.fixture(scope="module")
def model() -> torch.nn.Module:
    torch.manual_seed(0)
    model = AutoModel.from_config(XLMRobertaConfig(**SHAPE), add_pooling_layer=False).eval()
    for weights in model.parameters():  # biases and norms start at 0 and 1, where mistakes would not show
        weights.data += torch.randn_like(weights) * 0.2
    return model


def _batch(lengths: list[int], seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    mask = torch.arange(max(lengths))[None] < torch.tensor(lengths)[:, None]
    ids = torch.randint(3, 60, mask.shape, generator=torch.Generator().manual_seed(seed))
    return ids.masked_fill(~mask, 1), mask


@pytest.mark.parametrize("lengths", [[9], [7, 7, 7], [12, 9, 9, 4, 1], [1, 30, 2, 2, 30], [5, 6] * 8])
def test_every_layer_equals_transformers(model: torch.nn.Module, lengths: list[int]) -> None:
    ids, mask = _batch(lengths)
    with torch.inference_mode():
        theirs = model(input_ids=ids, attention_mask=mask, output_hidden_states=True).hidden_states
        ours, first = Packed(model)(ids, mask), Packed(model)(ids, mask, first=True)
    assert len(ours) == len(first) == len(theirs) == SHAPE["num_hidden_layers"] + 1
    for own, one, expected in zip(ours, first, theirs):
        assert own.shape == expected.shape and one.shape == (len(lengths), 1, SHAPE["hidden_size"])
        torch.testing.assert_close(own[mask], expected[mask], atol=1e-5, rtol=1e-5)
        assert not own[~mask].any()
        torch.testing.assert_close(one[:, 0], expected[:, 0], atol=1e-5, rtol=1e-5)
    assert ours[-1][mask].std() > 0.1  # equal for a reason


def test_a_padding_token_inside_a_text_counts_as_it_does_there(model: torch.nn.Module) -> None:
    ids, mask = _batch([8, 8, 5])
    ids[0, 3] = 1  # someone wrote "<pad>"
    with torch.inference_mode():
        theirs = model(input_ids=ids, attention_mask=mask).last_hidden_state
        torch.testing.assert_close(Packed(model)(ids, mask)[-1][mask], theirs[mask], atol=1e-5, rtol=1e-5)


def test_onednn_changes_no_model(model: torch.nn.Module) -> None:
    torch.manual_seed(1)
    large = AutoModel.from_config(XLMRobertaXLConfig(**SHAPE), add_pooling_layer=False).eval()
    assert suits(model) and not suits(large)
    ids, mask = _batch([6, 5, 5])
    with torch.inference_mode():
        before = large(input_ids=ids, attention_mask=mask).last_hidden_state
        use_onednn(large)
        after = large(input_ids=ids, attention_mask=mask).last_hidden_state
    torch.testing.assert_close(after, before, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("gelu", [False, True])
def test_a_linear_layer_in_any_arithmetic(dtype: torch.dtype, gelu: bool) -> None:
    torch.manual_seed(2)
    layer, states = torch.nn.Linear(48, 20).to(dtype), torch.randn(7, 48, dtype=dtype)
    with torch.inference_mode():
        expected = torch.nn.functional.linear(states, layer.weight, layer.bias)
        expected = torch.nn.functional.gelu(expected) if gelu else expected
        torch.testing.assert_close(linear(states, layer, gelu), expected)
