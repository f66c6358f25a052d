"""Packed attention never leaves a sample, and is refused where a machine has none."""

import itertools
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from polydistill.engine.errors import UserError
from polydistill.trainer.model.attention import NAMES, choose, keywords, packed_sdpa

CPU, GPU = torch.device("cpu"), torch.device("cuda")


def dense(query: Any, key: Any, value: Any, bounds: list[int], window: int | None) -> torch.Tensor:
    """The same by one mask over the whole pack."""
    place = torch.arange(bounds[-1])
    sample = torch.bucketize(place, torch.tensor(bounds[1:]), right=True)
    back = place[:, None] - place
    mask = (back >= 0) & (sample[:, None] == sample)
    if window:
        mask &= back < window
    return F.scaled_dot_product_attention(query, key, value, mask, enable_gqa=True).transpose(1, 2)


@settings(max_examples=25)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=6), st.sampled_from([1, 2, 4]), st.sampled_from([None, 1, 3]))
def test_packed_sdpa_is_attention_under_one_mask(lengths: list[int], kv_heads: int, window: int | None) -> None:
    torch.manual_seed(0)
    bounds = [0, *itertools.accumulate(sorted(lengths, reverse=True))]
    query = torch.randn(1, 4, bounds[-1], 8)
    key, value = (torch.randn(1, kv_heads, bounds[-1], 8) for _ in range(2))
    given_ = keywords("sdpa", bounds, torch.tensor(bounds))
    found, _ = packed_sdpa(None, query, key, value, None, **given_, sliding_window=window)
    assert torch.allclose(found, dense(query, key, value, bounds, window), atol=1e-5)


def test_what_each_backend_is_told_of_a_pack() -> None:
    bounds, ends = [0, 5, 8, 11], torch.tensor([0, 5, 8, 11], dtype=torch.int32)
    assert keywords("sdpa", bounds, ends) == {"runs": [(1, 5), (2, 3)]}
    varlen = keywords("varlen", bounds, ends)
    assert varlen["max_length_q"] == varlen["max_length_k"] == 5 and varlen["cu_seq_lens_q"] is ends
    masks = keywords("flex", bounds, ends)["block_masks"]
    assert masks(None) is masks(None) and masks(None) is not masks(4)  # one for all layers of a kind


def test_auto_on_a_cpu_and_in_full_precision() -> None:
    assert choose("auto", CPU, torch.bfloat16) == choose("auto", GPU, torch.float32) == "sdpa"
    assert choose("flex", GPU, torch.float32) == "flex"


@pytest.mark.parametrize(
    ("capability", "installed", "wanted"),
    [
        (9, {2, 3}, "flash_attention_3"),
        (9, {2}, "flash_attention_2"),
        (10, {3}, "varlen"),
        (8, {2, 3}, "flash_attention_2"),
        (8, set(), "varlen"),
        (7, set(), "flex"),
    ],
)
def test_auto_on_a_gpu(capability: int, installed: set[int], wanted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is a name that transformers knows, and takes the bounds that `keywords` gives."""
    import transformers.utils
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (capability, 0))
    for version in (2, 3):
        there = version in installed
        monkeypatch.setattr(transformers.utils, f"is_flash_attn_{version}_available", lambda there=there: there)
    assert choose("auto", GPU, torch.bfloat16) == wanted
    assert NAMES.get(wanted, wanted) in ALL_ATTENTION_FUNCTIONS.valid_keys() or wanted in NAMES
    assert ("cu_seq_lens_q" in keywords(wanted, [0, 2], torch.tensor([0, 2]))) == (wanted != "flex")


@pytest.mark.parametrize(
    ("wanted", "device", "dtype", "message"),
    [
        ("varlen", CPU, torch.bfloat16, "needs a GPU"),
        ("flex", CPU, torch.float32, "needs a GPU"),
        ("varlen", GPU, torch.float32, "half precision only"),
        ("flash_attention_2", GPU, torch.float32, "half precision only"),
    ],
)
def test_what_cannot_train_here_is_refused(wanted: str, device: torch.device, dtype: torch.dtype, message: str) -> None:
    with pytest.raises(UserError, match=rf"train\.attention={wanted} .*{message}"):
        choose(wanted, device, dtype)
