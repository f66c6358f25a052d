"""What training needs and reaches: memory before the start, memory and arithmetic during it."""

from dataclasses import dataclass
from typing import Any

import torch

from polydistill.trainer.config import Stage, Train
from polydistill.trainer.data.step_plan import Plan

PEAK = {
    "B200": 2250e12, "H200 NVL": 836e12, "H200": 989e12, "H100 PCIe": 756e12, "H100 NVL": 836e12, "H100": 989e12,
    "A100": 312e12, "L40S": 362e12, "A10G": 70e12, "A10": 125e12, "4090": 165e12,
}  # fmt: skip
"""Dense bf16 multiply-adds counted as two operations, per second, from the makers' data sheets. A name that begins
with another stands before it."""
EAGER = 1.55
"""Bytes that transformers' layers keep, over those of Korthikanti's formula: norms and rotary positions in float32."""
BUCKETS = 2**30
"""Bytes of DeepSpeed's buckets for reducing gradients."""


@dataclass(frozen=True)
class Shape:
    """What memory depends on."""

    parameters: int
    layers: int
    hidden: int
    intermediate: int
    vocabulary: int
    trained: int  # parameters that get gradients: all, or the adapters'


@dataclass(frozen=True)
class Need:
    """Bytes on one device (and in its CPU's memory, where something is offloaded)."""

    weights: float
    gradients: float
    optimizer: float
    activations: float
    logits: float
    cpu: float

    @property
    def device(self) -> float:
        """Everything on the device."""
        return self.weights + self.gradients + self.optimizer + self.activations + self.logits


def shape_of(model: str, train: Train, trust_remote_code: bool = False) -> Shape:
    """The shape of a model from its configuration alone; no weights are read."""
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.from_pretrained(model, trust_remote_code=trust_remote_code)
    with torch.device("meta"):
        empty = AutoModelForCausalLM.from_config(config, trust_remote_code=trust_remote_code)
    text = config.get_text_config()
    linear = [m for n, m in empty.named_modules() if isinstance(m, torch.nn.Linear) and not n.endswith("lm_head")]
    trained = total = sum(p.numel() for p in empty.parameters())
    if train.lora:
        names = train.lora.layers
        chosen = [
            m
            for n, m in empty.named_modules()
            if m in linear and (names == "all-linear" or any(n.endswith(name) for name in names))
        ]
        trained = sum(train.lora.rank * (m.in_features + m.out_features) for m in chosen)
    return Shape(
        parameters=total,
        layers=text.num_hidden_layers,
        hidden=text.hidden_size,
        intermediate=getattr(text, "intermediate_size", 4 * text.hidden_size),
        vocabulary=text.vocab_size,
        trained=trained,
    )


def estimate(shape: Shape, train: Train, ranks: int, half: bool = True) -> Need:
    """Bytes that one rank needs.

    Weights take 2 bytes a parameter in half precision, or 4. In half precision gradients are added up in float32
    (2 + 4 bytes), and AdamW keeps 4 + 4 + 4 bytes for its own copy and moments; else 4 and 4 + 4. ZeRO (arXiv
    1910.02054, section 3) divides the optimizer, the gradients, the weights by the ranks, from stage 1, 2, 3 on.
    An offloaded optimizer takes 18 bytes a parameter of CPU memory: it holds the gradients as well.

    Activations are those of Korthikanti et al. (arXiv 2205.05198, section 4) with attention that keeps no score
    matrix, 2 * (8 hidden + 3 intermediate) bytes a token and layer in half precision, times `EAGER`; or one hidden
    state a layer when they are recomputed.
    """
    stage = 1 if train.deepspeed == "auto" else int(train.deepspeed.removeprefix("zero"))
    width = 2 if half else 4
    frozen = {4: 0.55, 8: 1.05}.get((train.lora.bits or 0) if train.lora else 0, float(width))
    weights = (frozen if train.lora else width) * shape.parameters / (ranks if stage >= 3 else 1)
    added_up = 4 if half and stage else 0
    gradients = (width + added_up) * shape.trained / (ranks if stage >= 2 else 1)
    moments = 2 if train.optimizer != "adamw" else 8
    optimizer = (moments + (4 if half else 0)) * shape.trained / (ranks if stage >= 1 else 1)
    tokens = max(train.max_tokens, train.pass_tokens or 0)
    whole = width * (8 * shape.hidden + 3 * shape.intermediate) * tokens * (1.0 if train.compile else EAGER)
    kept = width * shape.hidden * tokens * shape.layers + whole
    activations = kept if train.activation_checkpointing else whole * shape.layers
    # Logits of one chunk (in half precision and then in float32) and their log-softmax, which becomes the gradient;
    # the head's own gradient, in float32 and then as its weights; DeepSpeed's buckets.
    logits = min(tokens * shape.vocabulary, 2**26) * (10 if half else 8)
    if not train.lora:
        logits += shape.vocabulary * shape.hidden * (4 + width)
    logits += BUCKETS if stage else 0
    cpu = 0.0
    if train.offload != "none":
        cpu, optimizer = (18 if half else 16) * shape.trained / (ranks if stage >= 1 else 1), 0.0
    if train.offload == "all":
        cpu, weights = cpu + weights, weights / shape.layers
    return Need(weights, gradients, optimizer, activations, logits, cpu)


FREE = 0.1
"""Share of a device's memory left to its driver, its libraries and fragmentation."""


def first_stage_that_fits(shape: Shape, train: Train, ranks: int, half: bool, room: float) -> str:
    """The ZeRO stage that talks least among those that fit into `room` bytes; the last one where none does."""
    divisible = not (train.compile or (train.lora and train.lora.bits))
    stages: tuple[Stage, ...] = ("zero1", "zero2", "zero3") if divisible else ("zero1", "zero2")
    for stage in stages:
        if estimate(shape, train.model_copy(update={"deepspeed": stage}), ranks, half).device < room * (1 - FREE):
            return stage
    return stages[-1]


def explain(need: Need, available: float | None = None) -> str:
    """The estimate in words, with what to change."""
    gib = 2**30
    parts = ", ".join(
        f"{name} {getattr(need, name) / gib:.1f}"
        for name in ("weights", "gradients", "optimizer", "activations", "logits")
    )
    there = f" of {available / gib:.1f} GiB" if available else ""
    largest = max(("weights", "gradients", "optimizer", "activations"), key=lambda name: getattr(need, name))
    advice = {
        "activations": "set train.activation_checkpointing=true or lower train.max_tokens",
        "optimizer": "set train.deepspeed=zero2 with more workers, train.offload=optimizer, or train.lora",
        "gradients": "set train.deepspeed=zero2 with more workers, or train.lora",
        "weights": "set train.deepspeed=zero3 with more workers, train.offload=all, or train.lora with bits: 4",
    }[largest]
    return f"about {need.device / gib:.1f}{there} GiB are needed on each device ({parts} GiB): {advice}"


def flops_per_token(model: Any, plan: Plan) -> float:
    """Operations of a forward and backward pass for each token, without recomputation.

    6 for each parameter that is multiplied (4 where it is frozen), and attention's 12 * layers * hidden * mean
    context (PaLM, arXiv 2204.02311, appendix B; half of it, since attention is causal). Input embeddings are looked
    up, not multiplied, and only answer tokens pass the output embeddings.
    """
    config = model.config.get_text_config()
    table, head = model.get_input_embeddings().weight, model.get_output_embeddings().weight
    body = sum(_operations(p) for p in model.parameters() if p is not table and p is not head)
    lengths = plan.samples.length[plan.chosen].astype(float)
    answers = float(plan.samples.answer[plan.chosen].sum() / lengths.sum())
    context = float((lengths**2).sum() / lengths.sum()) / 2
    return body + answers * _operations(head) + 12 * config.num_hidden_layers * config.hidden_size * context


def _operations(parameter: Any) -> int:
    return (6 if parameter.requires_grad else 4) * _size(parameter)


def mfu(model: Any, tokens_per_second: float, plan: Plan, device: torch.device) -> float | None:
    """Model FLOPs utilization of all ranks together, 0..1; None where the peak is not known."""
    if device.type != "cuda":
        return None
    name = torch.cuda.get_device_name(device)
    peak = next((value for key, value in PEAK.items() if key in name), None)
    if peak is None:
        return None
    return tokens_per_second * flops_per_token(model, plan) / (peak * torch.distributed.get_world_size())


def used(device: torch.device) -> float:
    """Most memory this process has used so far, GiB: of the device, or of the machine without one."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**30
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def _size(parameter: Any) -> int:
    """Elements of a parameter, wherever ZeRO has put them."""
    quantized = getattr(parameter, "quant_state", None)  # bitsandbytes packs two weights of 4 bits into one byte
    if quantized is not None and quantized.shape is not None:
        return int(quantized.shape.numel())
    return int(getattr(parameter, "ds_numel", parameter.numel()))
