"""Attention inside each sample of a pack, through transformers' AttentionInterface.

A pack is one flattened row (1, tokens); `bounds` (the samples' first tokens and the end) travels as a keyword
argument through the model to the functions here. No mask is built: attention never leaves a sample.

    pack:      a a a b b c        a attends to a only,
    position:  0 1 2 0 1 0        causally, and so on
"""

import functools
import itertools
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F

from polydistill.engine.errors import UserError

NAMES = {"sdpa": "packed_sdpa", "varlen": "packed_varlen", "flex": "packed_flex"}


def choose(wanted: str, device: torch.device, dtype: torch.dtype) -> str:
    """The backend for this machine: `wanted`, or the best one that is there.

    Raises:
        UserError: `wanted` cannot train on this device, or in this precision.
    """
    if device.type != "cuda" and wanted not in ("auto", "sdpa"):
        raise UserError(f"train.attention={wanted} needs a GPU. On a CPU use sdpa (or auto)")
    if dtype == torch.float32 and wanted in ("varlen", "flash_attention_2", "flash_attention_3"):
        raise UserError(f"train.attention={wanted} knows half precision only. In fp32 use sdpa or flex")
    if wanted != "auto":
        return wanted
    if device.type != "cuda" or dtype == torch.float32:
        return "sdpa"
    from transformers.utils import is_flash_attn_2_available, is_flash_attn_3_available

    generation = torch.cuda.get_device_capability(device)[0]
    if generation == 9 and is_flash_attn_3_available():  # its kernels are made for Hopper
        return "flash_attention_3"
    if is_flash_attn_2_available():
        return "flash_attention_2"
    return "varlen" if generation >= 8 else "flex"


def keywords(backend: str, bounds: list[int], ends: torch.Tensor) -> dict[str, object]:
    """What a forward pass over one pack needs besides tokens and positions.

    Args:
        bounds: first token of each sample, and the number of tokens; lengths are descending.
        ends: the same, int32 on the device.
    """
    if backend == "sdpa":
        return {"runs": _runs(bounds)}
    if backend == "flex":
        return {"block_masks": functools.cache(functools.partial(_block_mask, bounds[-1], ends))}
    longest = max(b - a for a, b in itertools.pairwise(bounds))
    # Given explicitly, these spare a device synchronization in every layer.
    return {"cu_seq_lens_q": ends, "cu_seq_lens_k": ends, "max_length_q": longest, "max_length_k": longest}


def register() -> None:
    """Make the packed functions known to transformers."""
    from transformers import AttentionInterface

    # Compiled layers (train.compile) leave them out: the samples' lengths differ in every pack.
    for name, function in (("sdpa", packed_sdpa), ("varlen", packed_varlen), ("flex", packed_flex)):
        AttentionInterface.register(NAMES[name], torch.compiler.disable(function))


def packed_sdpa(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: Any,
    runs: list[tuple[int, int]],
    dropout: float = 0.0,
    scaling: float | None = None,
    sliding_window: int | None = None,
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """Scaled dot-product attention for each run of equally long samples, as one batch of them.

    Args:
        query: (1, heads, tokens, size); key and value may have fewer heads (grouped queries).
        runs: (samples, tokens of each), see `_runs`.

    Returns:
        (1, tokens, heads, size), None.
    """
    # Split once: backwards that is one concatenation, where every slice (or [0]) fills a gradient of the whole pack.
    sizes = [samples * length for samples, length in runs]
    pieces = zip(*(states.squeeze(0).split(sizes, dim=1) for states in (query, key, value)))
    parts = []
    for (samples, length), states in zip(runs, pieces):
        # (heads, samples * length, size) -> (samples, heads, length, size), without copying
        q, k, v = (piece.unflatten(1, (samples, length)).transpose(0, 1) for piece in states)
        mask = _band(length, sliding_window, q.device) if sliding_window and length > sliding_window else None
        out = F.scaled_dot_product_attention(
            q, k, v, mask, dropout, is_causal=mask is None, scale=scaling, enable_gqa=q.shape[1] != k.shape[1]
        )
        parts.append(out.transpose(1, 2).reshape(samples * length, *q.shape[1::2]))
    return torch.cat(parts).unsqueeze(0), None


def packed_varlen(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: Any,
    cu_seq_lens_q: torch.Tensor,
    max_length_q: int,
    dropout: float = 0.0,
    scaling: float | None = None,
    sliding_window: int | None = None,
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """torch's variable-length FlashAttention kernel (CUDA, half precision). Shapes as in `packed_sdpa`.

    Raises:
        UserError: the model drops attention weights out, which the kernel cannot.
    """
    from torch.nn.attention.varlen import varlen_attn

    _without(dropout, "varlen")
    q, k, v = (states.squeeze(0).transpose(0, 1).contiguous() for states in (query, key, value))
    window = (sliding_window - 1, 0) if sliding_window else (-1, 0)
    out = varlen_attn(
        q,
        k,
        v,
        cu_seq_lens_q,
        cu_seq_lens_q,
        max_length_q,
        max_length_q,
        scale=scaling,
        window_size=window,
        enable_gqa=q.shape[1] != k.shape[1],
    )
    return out.unsqueeze(0), None


def packed_flex(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: Any,
    block_masks: Callable[[int | None], Any],
    dropout: float = 0.0,
    scaling: float | None = None,
    sliding_window: int | None = None,
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """FlexAttention over a block mask that keeps samples apart (compiled on a GPU). Shapes as in `packed_sdpa`.

    Args:
        block_masks: the pack's mask for a sliding window (None: all tokens before); layers may differ in theirs.

    Raises:
        UserError: the model drops attention weights out, which FlexAttention cannot.
    """
    _without(dropout, "flex")
    mask = block_masks(sliding_window)
    out = _flex(query.device.type)(
        query, key, value, block_mask=mask, scale=scaling, enable_gqa=query.shape[1] != key.shape[1]
    )
    return out.transpose(1, 2).contiguous(), None


def _runs(bounds: list[int]) -> list[tuple[int, int]]:
    """Neighbouring samples of one length, as (samples, tokens of each)."""
    lengths = (stop - start for start, stop in itertools.pairwise(bounds))
    return [(len(list(run)), length) for length, run in itertools.groupby(lengths)]


def _band(length: int, window: int, device: torch.device) -> torch.Tensor:
    """A causal mask that sees the last `window` tokens."""
    distance = torch.arange(length, device=device)[:, None] - torch.arange(length, device=device)[None]
    return (distance >= 0) & (distance < window)


def _without(dropout: float, backend: str) -> None:
    if dropout:
        raise UserError(
            f"train.attention={backend} has no dropout of attention weights, this model asks for {dropout}: use sdpa, "
            "or set attention_dropout to 0 in the model's config.json"
        )


def _block_mask(total: int, ends: torch.Tensor, window: int | None) -> Any:
    from torch.nn.attention.flex_attention import create_block_mask

    device = ends.device
    # The number of elements is given, so that the CPU does not wait for the device to count them.
    samples = torch.arange(len(ends) - 1, device=device)
    sample = torch.repeat_interleave(samples, ends.diff(), output_size=total)

    def within(_batch: Any, _head: Any, q: torch.Tensor, k: torch.Tensor) -> torch.Tensor:
        seen = (q >= k) & (sample[q] == sample[k])
        return seen & (q - k < window) if window else seen

    return create_block_mask(within, None, None, total, total, device=str(device))


_COMPILED: dict[str, object] = {}


def _flex(device: str) -> Any:
    from torch.nn.attention.flex_attention import flex_attention

    if device not in _COMPILED:
        _COMPILED[device] = torch.compile(flex_attention, dynamic=True) if device == "cuda" else flex_attention
    return _COMPILED[device]
