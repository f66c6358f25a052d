"""DeepSpeed: its configuration from ours, and its start."""

from typing import Any

import torch
from torch import nn

from polydistill.trainer.config import Train


def settings(train: Train, ranks: int, dtype: torch.dtype) -> dict[str, Any]:
    """DeepSpeed's configuration. Accumulation covers `train.packs` packs in rounds of one pack for each rank."""
    stage = int(train.deepspeed.removeprefix("zero"))
    zero: dict[str, Any] = {"stage": stage}
    if stage == 3:
        zero["stage3_gather_16bit_weights_on_model_save"] = True
    if train.offload != "none":
        zero["offload_optimizer"] = {"device": "cpu", "pin_memory": torch.cuda.is_available()}
    if train.offload == "all":
        zero["offload_param"] = {"device": "cpu", "pin_memory": torch.cuda.is_available()}
    return {
        "train_micro_batch_size_per_gpu": 1,
        "gradient_accumulation_steps": accumulation(train, ranks),
        # DeepSpeed clips at 1.0 where nothing is said (its issue 8068); 0 is off.
        "gradient_clipping": train.clip,
        "zero_optimization": zero,
        "bf16": {"enabled": dtype == torch.bfloat16},
        "fp16": {"enabled": dtype == torch.float16},
        # A torch optimizer object: DeepSpeed's own would be compiled at the first start.
        "zero_allow_untested_optimizer": True,
        "zero_force_ds_cpu_optimizer": False,
        "steps_per_print": 2**60,
    }


def accumulation(train: Train, ranks: int) -> int:
    """Packs that one rank takes in a step."""
    return -(-train.packs // ranks)


def device() -> torch.device:
    """This rank's device, by the accelerator that DeepSpeed uses (DS_ACCELERATOR=cpu overrides a GPU)."""
    from deepspeed.accelerator import get_accelerator

    accelerator = get_accelerator()
    return (
        torch.device("cpu") if accelerator.device_name() == "cpu" else torch.device(accelerator.current_device_name())
    )


def prepare() -> None:
    """Before torch.distributed starts: spare the compilation of a CPU collective that gloo makes unnecessary."""
    import deepspeed.ops

    deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False


def start(model: nn.Module, train: Train, settings: dict[str, Any]) -> Any:
    """The DeepSpeed engine around `model`, with AdamW."""
    import deepspeed

    named = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    # Vectors (norms, biases) are not decayed. Under zero3 a parameter's own shape is empty: ask DeepSpeed's.
    decayed = [p for _, p in named if len(getattr(p, "ds_shape", p.shape)) > 1]
    others = [p for _, p in named if len(getattr(p, "ds_shape", p.shape)) <= 1]
    groups = [{"params": decayed, "weight_decay": train.weight_decay}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(
        [group for group in groups if group["params"]], lr=0.0, betas=train.betas, fused=train.offload == "none"
    )
    engine, *_ = deepspeed.initialize(model=model, optimizer=optimizer, config=settings)
    # In half precision without ZeRO, DeepSpeed 0.19 makes AdamW's state by a step without gradients, and counts it.
    for state in optimizer.state.values():
        state["step"].zero_()
    return engine
