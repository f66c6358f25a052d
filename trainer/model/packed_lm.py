"""A causal language model over packs, and the check that packing changes nothing."""

import functools
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


def check_packing(packed: PackedLM, samples: list[Batch], together: Batch, tolerance: float) -> float:
    """Largest difference between answer-token losses in one pack and alone, through transformers' own attention.

    Raises:
        UserError: it is above `tolerance`: this model leaks between packed samples, or uses attention that the
            backend does not have (soft-capping, sinks).
    """
    inner = packed.model.get_base_model() if hasattr(packed.model, "get_base_model") else packed.model
    with torch.no_grad():
        ours = packed(together)[1]
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
    difference = float((ours - torch.cat(alone)).abs().max())
    if not difference <= tolerance:
        raise UserError(
            f"packed samples do not give the same loss as single ones (they differ by {difference:.2g}, allowed "
            f"{tolerance:.2g}): this model's attention does not work with train.attention={packed.backend}"
        )
    return difference
