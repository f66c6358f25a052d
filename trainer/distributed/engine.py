"""What training uses of a DeepSpeed engine."""

from typing import Any, Protocol

import torch
from torch import nn


class Engine(Protocol):
    """The used part of `deepspeed.DeepSpeedEngine`: a model with its optimizer, spread over the ranks."""

    module: nn.Module
    optimizer: Any  # torch's or DeepSpeed's own, as the ZeRO stage wants
    device: torch.device
    _config: Any  # `deepspeed.runtime.config.DeepSpeedConfig`

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        """The model's forward pass."""

    def backward(self, loss: torch.Tensor) -> object:
        """Add a pass's gradients to those of the step."""

    def step(self) -> object:
        """End a pass; the last one of a step changes the weights."""

    def train(self, mode: bool = True) -> object:
        """Dropout on."""

    def eval(self) -> object:
        """Dropout off."""

    def get_global_grad_norm(self) -> float | None:
        """Norm of all gradients before clipping, None before the first step."""

    def zero_optimization_stage(self) -> int:
        """0 to 3."""

    def _zero3_consolidated_16bit_state_dict(self) -> dict[str, torch.Tensor] | None:
        """All parameters of ZeRO stage 3, on rank 0."""

    def save_checkpoint(self, save_dir: str, **options: Any) -> object:
        """Write this rank's part of a checkpoint."""

    def load_checkpoint(self, load_dir: str, **options: Any) -> Any:
        """Read this rank's part of a checkpoint."""
