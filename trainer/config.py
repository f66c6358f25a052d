"""The `train` section of a run's configuration."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from polydistill.engine.config import Config

Stage = Literal["auto", "zero0", "zero1", "zero2", "zero3"]


class Lora(Config):
    """Train small low-rank matrices instead of all parameters (LoRA, arXiv 2106.09685), by peft."""

    rank: int = Field(16, ge=1, description="Rank of the added matrices")
    alpha: float = Field(32, gt=0, description="Scale. The update is multiplied by alpha / rank")
    dropout: float = Field(0.0, ge=0, lt=1, description="Dropout in front of the added matrices")
    layers: list[str] | Literal["all-linear"] = Field(
        "all-linear", description="Names (endings) of the layers to adapt, e.g. [q_proj, v_proj]"
    )
    dora: bool = Field(False, description="Learn magnitudes apart from directions (DoRA, arXiv 2402.09353)")
    bits: Literal[4, 8] | None = Field(None, description="Load the frozen weights in 4 (QLoRA) or 8 bits")
    merge: bool = Field(True, description="Also write the merged model, which any server loads, next to the adapter")
    rslora: bool = Field(False, description="Divide alpha by sqrt(rank) instead of rank (rsLoRA, arXiv 2312.03732)")
    plus: float = Field(
        1.0, ge=1, description="Learning rate of B over that of A (LoRA+, arXiv 2402.12354), usually 16"
    )


class Before(Config):
    """An earlier training: its mixture, and the settings that differ."""

    mixture: str = Field(description="Folder of a mixture")
    train: dict[str, Any] = Field(default_factory=dict, description="Settings that differ, e.g. {epochs: 1}")


class Train(Config):
    """How the student is trained on a mixture."""

    epochs: float = Field(3, gt=0, description="Passes over the mixture. Ignored where `steps` is set")
    steps: int | None = Field(None, ge=1, description="Optimizer steps. Default: what `epochs` needs")
    max_tokens: int = Field(2048, ge=8, description="Length of a pack, and maximum length of a sample, tokens")
    packs: int = Field(16, ge=1, description="Packs per optimizer step over all workers: the batch size")
    batch_samples: int | None = Field(
        None, ge=1, description="Batch size in samples, as papers count it. Replaces `packs`"
    )
    pass_tokens: int | None = Field(
        None, ge=8, description="Tokens per forward pass, several packs. Default: one pack, max_tokens"
    )
    too_long: Literal["drop", "truncate"] = Field(
        "drop", description="A sample longer than max_tokens: leave it out, or cut its answer. Both are counted"
    )
    window: int = Field(
        1_000_000, ge=1, description="Samples packed together. 10,000 already fill 99.93% (see docs/benchmarks.md)"
    )
    objective: Literal["subset_mean", "token_mean", "sample_mean"] | None = Field(
        None, description="What is minimized. Default: the recipe's objective, which the mixture names"
    )
    mean_over: Literal["token", "sample"] = Field(
        "sample",
        description="sample: a subset's mean over samples, each the mean of its answer tokens (SDRRL, Eq. 6). token: "
        "over its answer tokens. For subset_mean only",
    )
    denominator: Literal["epoch", "step"] = Field(
        "epoch",
        description="subset_mean's sizes |D_d|: those of the whole mixture, as in SDRRL, or of each step. The latter "
        "has less variance but gives a rare subset less weight",
    )
    learning_rate: Annotated[float, Field(gt=0)] | Literal["auto"] = Field(
        "auto",
        description="Peak. `auto`: 3e-4 * sqrt(answer tokens per step / 4e6), OpenChat's rule. For LoRA, 10 times that",
    )
    schedule: Literal["cosine", "linear", "constant"] = Field("cosine", description="Decay to 0 after the warm-up")
    warmup: float = Field(0.03, ge=0, lt=1, description="Share of steps during which the rate rises from 0")
    weight_decay: float = Field(0.0, ge=0, description="AdamW's decay. Norms and biases are left out")
    optimizer: Literal["adamw", "adamw_8bit", "paged_adamw_8bit"] = Field(
        "adamw",
        description="AdamW, optionally with 8-bit moments, paged to CPU memory when the GPU is full (bitsandbytes)",
    )
    betas: tuple[float, float] = Field((0.9, 0.999), description="AdamW's moment decays")
    clip: float = Field(1.0, ge=0, description="Maximum gradient norm. 0: no clipping")
    neftune: float = Field(
        0.0, ge=0, description="Noise on the embeddings (NEFTune's alpha, arXiv 2310.05914, usually 5). 0: none"
    )
    seed: int = Field(0, ge=0, description="Decides the order of packs, dropout, new weights and the validation split")
    lora: Lora | None = Field(None, description="Low-rank adapters instead of all parameters")
    new_tokens: list[str] = Field(
        default_factory=list, description="Tokens to add to the vocabulary. Their embeddings start as the mean"
    )
    precision: Literal["auto", "fp32", "bf16", "fp16"] = Field(
        "auto", description="Arithmetic. `auto`: bf16 on GPUs that support it, else fp32"
    )
    attention: Literal["auto", "sdpa", "varlen", "flash_attention_2", "flash_attention_3", "flex"] = Field(
        "auto",
        description="Packed attention. `auto`: flash-attn (3 on Hopper, else 2) where it is installed, else torch's "
        "varlen on a GPU, and per-sample SDPA on a CPU",
    )
    activation_checkpointing: bool = Field(False, description="Recompute activations: less memory, a third slower")
    compile: bool = Field(
        False, description="Compile the layers (torch.compile): faster steps after a few minutes at the start"
    )
    deepspeed: Stage = Field(
        "auto",
        description="What is sharded over workers: nothing, optimizer, + gradients, + parameters. `auto`: the first of "
        "zero1, zero2, zero3 that fits into a GPU's memory, zero2 on CPUs",
    )
    offload: Literal["none", "optimizer", "all"] = Field(
        "none", description="Keep the optimizer (zero1-3), or the parameters as well (zero3), in CPU memory"
    )
    workers: int = Field(1, ge=1, description="Number of processes. On GPU machines, one per GPU")
    gpus: float | None = Field(None, ge=0, description="GPUs per worker. Default: 1 where the cluster has any")
    cpus: float = Field(1.0, gt=0, description="CPUs per worker. Fractions leave room for other actors")
    threads: int | None = Field(None, ge=1, description="CPU threads of each worker. Default: `cpus`, at least 1")
    max_failures: int = Field(
        3, ge=-1, description="Maximum number of lost workers or nodes that Ray replaces. -1: no limit"
    )
    checkpoint_steps: int | None = Field(None, ge=1, description="Steps between checkpoints")
    checkpoint_minutes: float | None = Field(30.0, gt=0, description="Minutes between checkpoints")
    checkpoints: Literal["resume", "hf"] = Field(
        "resume",
        description="hf: every checkpoint_steps, also keep a Hugging Face folder for evaluation, steps/STEP/model",
    )
    keep: int = Field(2, ge=1, description="Number of newest checkpoints to keep, in addition to the best one")
    validation: float = Field(0.0, ge=0, lt=1, description="Share of the prompts held out. 0: no validation")
    validate_steps: int | None = Field(None, ge=1, description="Steps between validations. Default: one epoch")
    patience: int | None = Field(None, ge=1, description="Stop after this many validations without a better loss")
    nonfinite: Literal["stop", "skip"] = Field(
        "stop", description="If the loss is not a number: stop, or skip and count"
    )
    log_steps: int = Field(10, ge=1, description="Steps between log entries")
    loggers: tuple[Literal["tensorboard", "wandb", "mlflow"], ...] = Field(
        ("tensorboard",), description="Where figures go, in addition to log.jsonl"
    )

    hub: str | None = Field(None, description="Hugging Face Hub repository (user/name) to upload the model to, private")
    before: list[Before] = Field(
        default_factory=list,
        description="Trainings before this one, e.g. on monolingual text. Each continues from the previous model",
    )

    def stage(self, index: int) -> "Train":
        """The settings of the training `before[index]`: this one's, with what is set there."""
        changes = {"before": [], "hub": None, **self.before[index].train}
        lora = changes.get("lora", self.lora and self.lora.model_dump())
        if lora:
            changes["lora"] = {**lora, "merge": True}  # the next training begins with a whole model
        return Train.model_validate(self.model_dump() | changes)

    @model_validator(mode="after")
    def _consistent(self) -> "Train":
        if self.patience and not self.validation:
            raise ValueError("patience needs validation > 0")
        if self.offload != "none" and self.deepspeed == "zero0":
            raise ValueError("offload needs deepspeed zero1, zero2 or zero3")
        if self.offload == "all" and self.deepspeed != "zero3":
            raise ValueError("offload: all needs deepspeed: zero3")
        if self.lora and self.lora.bits and self.deepspeed == "zero3":
            raise ValueError("quantized weights (lora.bits) cannot be split by zero3: use zero2")
        if self.compile and self.deepspeed == "zero3":
            raise ValueError(
                "zero3 gathers weights between the layers' parts, which compile would fuse: use zero1 or zero2"
            )
        if self.optimizer != "adamw" and self.offload != "none":
            raise ValueError(f"{self.optimizer} runs on GPUs: leave offload out")
        if self.pass_tokens and self.pass_tokens < self.max_tokens:
            raise ValueError(f"pass_tokens ({self.pass_tokens}) must hold a pack (max_tokens, {self.max_tokens})")
        for index in range(len(self.before)):
            self.stage(index)  # its settings are checked as well
        return self
