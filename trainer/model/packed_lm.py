"""A causal language model over packs, and the check that packing changes nothing."""

import functools
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from polydistill.engine.errors import UserError
from polydistill.trainer.data.batch import Batch
from polydistill.trainer.model import attention
from polydistill.trainer.model.loss import chunked_losses, head_loss, token_losses

CHUNK = 2**26
"""Logits held at once (256 MiB in float32): longer answers times vocabulary are taken piece by piece."""


class PackedLM(nn.Module):
    """A causal language model whose forward pass takes a `Batch` and returns its part of the objective."""

    def __init__(self, model: nn.Module, backend: str, chunk: int = CHUNK, noise: float = 0.0) -> None:
        """Wrap `model`.

        Args:
            backend: packed attention, see `trainer.model.attention`.
            chunk: logits held at once.
            noise: alpha of NEFTune's noise on the embeddings, only while training.
        """
        super().__init__()
        self.model = model
        self.backend = backend
        self.chunk = chunk
        head = model.get_output_embeddings()
        if type(head) is nn.Linear:
            # The loss is computed inside the head's own forward pass: under zero3 its weights are then gathered once.
            head.forward = functools.partial(_head_forward, head)
        self.fused = type(head) is nn.Linear and head.weight.dtype != torch.float16  # which needs its loss scale
        self._bounds: torch.Tensor | None = None
        if noise:
            model.get_input_embeddings().register_forward_hook(functools.partial(self._disturb, noise))

    def forward(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """(sum of weight * CE, connected to the graph even where nothing is learnt; CE by answer token, detached)."""
        self._bounds = batch.ends
        keywords = attention.keywords(self.backend, batch.bounds, batch.ends)
        inputs = {"input_ids": batch.tokens, "position_ids": batch.positions, "use_cache": False, **keywords}
        vocabulary = self.model.config.get_text_config().vocab_size
        if len(batch.labels) * vocabulary <= self.chunk or not _plain_head(self.model):
            logits = self.model(**inputs, logits_to_keep=batch.predict).logits.squeeze(0)
            losses = token_losses(logits, batch.labels)
            return (losses * batch.weights).sum(), losses.detach()
        inner = self.model.get_base_model() if hasattr(self.model, "get_base_model") else self.model
        hidden = inner.base_model(**inputs)[0].squeeze(0)[batch.predict]
        head, rows = inner.get_output_embeddings(), max(1, self.chunk // vocabulary)
        if self.fused:
            total, losses = head(hidden, batch.labels, batch.weights, rows)
            return total, losses
        losses = chunked_losses(head, hidden, batch.labels, rows)
        return (losses * batch.weights).sum(), losses.detach()

    def _disturb(self, alpha: float, module: nn.Module, _: Any, embedded: torch.Tensor) -> torch.Tensor:
        """NEFTune (arXiv 2310.05914): uniform noise of size alpha / sqrt(tokens of the sample * width)."""
        if not self.training or self._bounds is None:
            return embedded
        lengths = self._bounds.diff()
        tokens = torch.repeat_interleave(lengths, lengths, output_size=embedded.shape[1])
        size = alpha / (tokens * embedded.shape[2]).sqrt()
        return embedded + torch.empty_like(embedded).uniform_(-1, 1) * size[:, None].to(embedded.dtype)


def _head_forward(head: nn.Linear, hidden: torch.Tensor, *loss: Any) -> Any:
    """Logits, or with (labels, weights, rows) the loss (`head_loss`)."""
    return head_loss(hidden, head.weight, head.bias, *loss) if loss else F.linear(hidden, head.weight, head.bias)


def _plain_head(model: Any) -> bool:
    """Whether logits are the output embeddings' product and nothing more (no soft-capping, no scale)."""
    config = model.config.get_text_config()
    extras = ("final_logit_softcapping", "logit_scale", "logits_scaling", "lm_head_multiplier")
    return all(getattr(config, name, None) in (None, 1.0) for name in extras)


@dataclass(frozen=True)
class PackingCheck:
    """How far losses of answer tokens move, nats."""

    leak: float  # largest difference of a token's loss when the sample before it in the pack gets other tokens
    apart: float  # mean difference between a pack and its samples alone, through transformers' own attention


LEAK = 1e-5
"""A pack is computed twice with the same shapes and kernels, so what does not leak is equal in every precision."""
APART = {torch.float32: 1e-4, torch.bfloat16: 0.1, torch.float16: 0.02}
"""Two kernels round differently. In bfloat16, neighboring logits are 0.125 apart from 16 on, so the mean is judged."""


def check_packing(
    packed: PackedLM, samples: list[Batch], together: Batch, dtype: torch.dtype = torch.float32
) -> PackingCheck:
    """Compare a pack with itself after a change of its first sample, and with its samples alone.

    Args:
        samples: each sample of the pack as a batch of its own, in order.
        together: the pack.
        dtype: precision of the arithmetic.

    Raises:
        UserError: this model leaks between packed samples, or uses attention that the backend does not have
            (soft-capping, sinks).
    """
    inner = packed.model.get_base_model() if hasattr(packed.model, "get_base_model") else packed.model
    with torch.no_grad():
        ours = packed(together)[1]
        leak = _leak(packed, together, ours)
        implementation = inner.config._attn_implementation
        inner.set_attn_implementation("sdpa" if inner._supports_sdpa else "eager")
        try:
            alone = [
                F.cross_entropy(
                    packed.model(input_ids=b.tokens, use_cache=False).logits[0][b.predict].float(),
                    b.labels,
                    reduction="none",
                )
                for b in samples
            ]
        finally:
            inner.set_attn_implementation(implementation)
    found = PackingCheck(leak, float((ours - torch.cat(alone)).abs().mean()))
    most = APART[dtype] if _mixes_rows(inner) else LEAK
    for what, value, limit in (("beside another sample", found.leak, most), ("alone", found.apart, APART[dtype])):
        if not value <= limit:
            raise UserError(
                f"packed samples do not give the same loss as single ones ({what}: they differ by {value:.2g}, allowed "
                f"{limit:.2g}): this model's attention does not work with train.attention={packed.backend}"
            )
    return found


def _leak(packed: PackedLM, together: Batch, before: torch.Tensor) -> float:
    """Largest change of the other samples' losses when the pack's first sample gets other tokens."""
    first = together.bounds[1]
    others = together.predict >= first
    if not bool(others.any()):
        return 0.0
    tokens = together.tokens.clone()
    tokens[:, :first] = (tokens[:, :first] + 1) % packed.model.get_input_embeddings().num_embeddings
    after = packed(replace(together, tokens=tokens))[1]
    return float((after - before)[others].abs().max())


def _mixes_rows(model: Any) -> bool:
    """Whether a token's rounding depends on the other tokens: experts take kernels for the number of tokens that they
    get, and LLM.int8 takes columns with outliers in any token out of the integers."""
    config = model.config.get_text_config()
    experts = ("num_experts", "num_local_experts", "n_routed_experts")
    return getattr(model, "is_loaded_in_8bit", False) or any(getattr(config, name, None) for name in experts)
