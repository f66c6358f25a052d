"""The student as a module from packs to a loss: loading, adapters, and the check that packing changes nothing."""

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.autograd.function import once_differentiable
from torch.utils.checkpoint import checkpoint

from polydistill.engine.config import Student
from polydistill.engine.errors import UserError
from polydistill.trainer.config import Lora, Train
from polydistill.trainer.model import attention


@dataclass(frozen=True)
class Batch:
    """One pack as tensors. Samples stand one behind the other, the longest first."""

    tokens: torch.Tensor  # int64 (1, tokens)
    positions: torch.Tensor  # int64 (1, tokens); starts again at 0 in each sample
    bounds: list[int]  # first token of each sample, and the number of tokens
    predict: torch.Tensor  # int64 (answer tokens,): where the next token is learnt
    labels: torch.Tensor  # int64 (answer tokens,): that token
    weights: torch.Tensor  # float32 (answer tokens,): its weight in the objective
    subsets: torch.Tensor  # int64 (answer tokens,): the subset it belongs to

    def to(self, device: torch.device) -> "Batch":
        """The same on `device`."""
        moved = {k: v.to(device, non_blocking=True) if torch.is_tensor(v) else v for k, v in vars(self).items()}
        return Batch(**moved)


def batch(tokens: list[np.ndarray], prompts: np.ndarray, subsets: np.ndarray, weights: np.ndarray) -> Batch:
    """Lay samples out as one pack.

    Args:
        tokens: the samples' tokens.
        prompts: how many of them are the prompt, at least 1; only what follows is learnt.
        subsets: subset number of each sample.
        weights: weight of each answer token, by sample.
    """
    lengths = np.array([len(sample) for sample in tokens])
    starts = np.cumsum(lengths) - lengths
    answers = lengths - prompts
    flat = np.concatenate(tokens).astype(np.int64)
    # Token j of an answer is predicted at the position before it; a sample's first token never is.
    ends = np.repeat(np.cumsum(answers), answers)
    labels = np.repeat(starts + lengths, answers) - (ends - np.arange(answers.sum()))
    return Batch(
        tokens=torch.from_numpy(flat)[None],
        positions=torch.from_numpy(np.arange(len(flat)) - np.repeat(starts, lengths))[None],
        bounds=[*starts.tolist(), len(flat)],
        predict=torch.from_numpy(labels - 1),
        labels=torch.from_numpy(flat[labels]),
        weights=torch.from_numpy(np.repeat(weights, answers).astype(np.float32)),
        subsets=torch.from_numpy(np.repeat(subsets, answers).astype(np.int64)),
    )


CHUNK = 2**26
"""Logits held at once (256 MiB in float32): longer answers times vocabulary are taken piece by piece."""


class PackedLM(nn.Module):
    """A causal language model whose forward pass takes a `Batch` and returns its part of the objective."""

    def __init__(self, model: nn.Module, backend: str, chunk: int = CHUNK) -> None:
        super().__init__()
        self.model = model
        self.backend = backend
        self.chunk = chunk

    def forward(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """(sum of weight * CE, connected to the graph even where nothing is learnt; CE by answer token, detached)."""
        keywords = attention.keywords(self.backend, batch.bounds, batch.tokens.device)
        inputs = {"input_ids": batch.tokens, "position_ids": batch.positions, "use_cache": False, **keywords}
        vocabulary = self.model.config.get_text_config().vocab_size
        if len(batch.labels) * vocabulary <= self.chunk or not _plain_head(self.model):
            logits = self.model(**inputs, logits_to_keep=batch.predict).logits.squeeze(0)
            losses = token_losses(logits, batch.labels)
        else:
            inner = self.model.get_base_model() if hasattr(self.model, "get_base_model") else self.model
            hidden = inner.base_model(**inputs)[0].squeeze(0)[batch.predict]
            losses = chunked_losses(inner.get_output_embeddings(), hidden, batch.labels, self.chunk // vocabulary)
        return (losses * batch.weights).sum(), losses.detach()


def token_losses(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Cross-entropy by token, float32 of shape (tokens,), from logits (tokens, vocabulary) and labels (tokens,)."""
    losses: torch.Tensor = _CrossEntropy.apply(logits, labels)
    return losses


class _CrossEntropy(torch.autograd.Function):
    """F.cross_entropy whose gradient, softmax less one at the label, is made in the memory of the probabilities.

    Logits are the largest tensor of all; torch's own writes three more of that size, in float32.
    """

    @staticmethod
    def forward(ctx: Any, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        chances = F.log_softmax(logits, dim=-1, dtype=torch.float32)
        ctx.save_for_backward(chances, labels)
        ctx.dtype = logits.dtype
        return -chances.gather(1, labels[:, None])[:, 0]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:
        chances, labels = ctx.saved_tensors
        chances.exp_()
        chances[torch.arange(len(labels), device=labels.device), labels] -= 1
        return chances.mul_(gradient[:, None]).to(ctx.dtype), None


def chunked_losses(head: nn.Module, hidden: torch.Tensor, labels: torch.Tensor, rows: int) -> torch.Tensor:
    """Cross-entropy by token with the logits of at most `rows` tokens in memory: they are recomputed backwards.

    Args:
        head: the output embeddings, (tokens, hidden) -> (tokens, vocabulary).
        hidden: states of shape (tokens, hidden); labels: int64 of shape (tokens,).
    """

    def losses(states: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return token_losses(head(states), targets)

    rows = max(rows, 1)
    pieces = zip(hidden.split(rows), labels.split(rows))
    return torch.cat([checkpoint(losses, states, targets, use_reentrant=False) for states, targets in pieces])


def _plain_head(model: Any) -> bool:
    """Whether logits are the output embeddings' product and nothing more (no soft-capping, no scale)."""
    config = model.config.get_text_config()
    extras = ("final_logit_softcapping", "logit_scale", "logits_scaling", "lm_head_multiplier")
    return all(getattr(config, name, None) in (None, 1.0) for name in extras)


def load(
    student: Student, train: Train, device: torch.device, dtype: torch.dtype, tokenizer: Any, settings: dict[str, Any]
) -> PackedLM:
    """The student ready to be trained. Under zero3 (see DeepSpeed's `settings`) no rank ever holds all of it.

    Raises:
        UserError: the tokenizer has more tokens than the model.
    """
    from transformers import AutoModelForCausalLM
    from transformers.integrations.deepspeed import HfDeepSpeedConfig

    attention.register()
    # transformers looks for it while it lives, and then reads weights straight into the ranks' parts.
    partitioned = HfDeepSpeedConfig(settings) if train.deepspeed == "zero3" else None
    backend = attention.choose(train.attention, device, dtype)
    try:
        model = AutoModelForCausalLM.from_pretrained(
            student.model,
            dtype=dtype,
            attn_implementation=attention.NAMES.get(backend, backend),
            trust_remote_code=student.trust_remote_code,
            **_quantized(train.lora, dtype),
        )
    except (OSError, ValueError) as error:
        raise UserError(f"{student.model}: the model could not be loaded ({error})") from error
    _fit_vocabulary(model, tokenizer, train.new_tokens, student.model)
    if train.activation_checkpointing:
        model.gradient_checkpointing_enable({"use_reentrant": False})
    if train.lora:
        model = _adapted(model, train)
    del partitioned
    return PackedLM(model, backend)


def _quantized(lora: Lora | None, dtype: torch.dtype) -> dict[str, Any]:
    """QLoRA (arXiv 2305.14314): frozen weights in 4-bit NormalFloat, or 8 bits."""
    if lora is None or lora.bits is None:
        return {}
    from transformers import BitsAndBytesConfig

    if lora.bits == 8:
        # One line for each layer of each pass, on what 8 bits are: inputs become float16 and then integers.
        logging.getLogger("bitsandbytes.autograd._functions").setLevel(logging.ERROR)
        return {"quantization_config": BitsAndBytesConfig(load_in_8bit=True)}
    config = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
    )
    return {"quantization_config": config}


def _fit_vocabulary(model: Any, tokenizer: Any, new_tokens: list[str], name: str) -> None:
    """Grow the embeddings for new tokens; refuse a tokenizer that does not belong to the model."""
    rows = model.get_input_embeddings().num_embeddings
    if len(tokenizer) > rows and not new_tokens:
        raise UserError(
            f"{name}: the tokenizer has {len(tokenizer):,} tokens, the model's embeddings only {rows:,}; they do not "
            "belong together (if the added tokens are meant to be learnt, name them in train.new_tokens)"
        )
    if len(tokenizer) > rows:
        model.resize_token_embeddings(len(tokenizer), mean_resizing=True)


def _adapted(model: Any, train: Train) -> Any:
    from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training

    lora = train.lora
    assert lora is not None
    if lora.bits:
        model = prepare_model_for_kbit_training(model, use_gradient_checkpointing=train.activation_checkpointing)
    elif train.activation_checkpointing:
        model.enable_input_require_grads()
    config = LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=lora.layers,
        use_dora=lora.dora,
        modules_to_save=["embed_tokens", "lm_head"] if train.new_tokens else None,
        task_type="CAUSAL_LM",
    )
    try:
        return get_peft_model(model, config)
    except ValueError as error:
        names = sorted({name.rpartition(".")[2] for name, m in model.named_modules() if isinstance(m, nn.Linear)})
        raise UserError(f"train.lora.layers {lora.layers}: {error} Linear layers here: {', '.join(names)}") from error


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
