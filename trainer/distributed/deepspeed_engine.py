"""DeepSpeed: its configuration from ours, and its start."""

import torch
from torch import nn

from polydistill.trainer.config import Train
from polydistill.trainer.distributed.engine import Engine
from polydistill.trainer.distributed.optimizer import make_optimizer


def settings(train: Train, passes: int, dtype: torch.dtype) -> dict[str, object]:
    """DeepSpeed's configuration.

    Args:
        train: its `deepspeed` is a stage, not auto.
        passes: gradient passes of each rank in one step.
    """
    number = int(train.deepspeed.removeprefix("zero"))
    zero: dict[str, object] = {"stage": number}
    gpu = torch.cuda.is_available()
    if gpu and number in (1, 2):
        zero["overlap_comm"] = True  # DeepSpeed's default is to wait for each reduction
    if number == 3:
        zero["stage3_gather_16bit_weights_on_model_save"] = True
    if train.offload != "none":
        zero["offload_optimizer"] = {"device": "cpu", "pin_memory": gpu}
    if train.offload == "all":
        zero["offload_param"] = {"device": "cpu", "pin_memory": gpu}
    return {
        "train_micro_batch_size_per_gpu": 1,
        "gradient_accumulation_steps": passes,
        # DeepSpeed clips at 1.0 where nothing is said (its issue 8068); 0 is off.
        "gradient_clipping": train.clip,
        "zero_optimization": zero,
        "bf16": {"enabled": dtype == torch.bfloat16},
        "fp16": {"enabled": dtype == torch.float16},
        # Gradients added up in bfloat16 lose half a percent over 16 passes. Without ZeRO there is no choice.
        **({"data_types": {"grad_accum_dtype": "fp32"}} if dtype == torch.bfloat16 and number else {}),
        # A torch optimizer object: DeepSpeed's own would be compiled at the first start.
        "zero_allow_untested_optimizer": True,
        "zero_force_ds_cpu_optimizer": False,
        "steps_per_print": 2**60,
    }


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


def start(model: nn.Module, train: Train, settings: dict[str, object]) -> Engine:
    """The DeepSpeed engine around `model`, with its optimizer."""
    import deepspeed

    optimizer = make_optimizer(model, train)
    engine, *_ = deepspeed.initialize(model=model, optimizer=optimizer, config=settings)
    # In half precision without ZeRO, DeepSpeed 0.19 makes AdamW's state by a step without gradients, and counts it.
    for state in optimizer.state.values():
        if torch.is_tensor(state.get("step")):
            state["step"].zero_()
    return engine
