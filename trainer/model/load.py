"""Loading the student: precision, quantization, new tokens, adapters."""

import logging
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from polydistill.engine.config import Student
from polydistill.engine.errors import UserError
from polydistill.engine.generation.prompting.tokenizer import Tokenizer
from polydistill.trainer.config import Lora, Train
from polydistill.trainer.model import attention
from polydistill.trainer.model.packed_lm import PackedLM


def load(
    student: Student,
    train: Train,
    device: torch.device,
    dtype: torch.dtype,
    tokenizer: Tokenizer,
    settings: dict[str, object],
    added: Sequence[int] = (),
) -> PackedLM:
    """The student ready to be trained. Under zero3 (see DeepSpeed's `settings`) no rank ever holds all of it.

    Args:
        added: ids of the tokens that `train.new_tokens` added to the tokenizer.

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
    _fit_vocabulary(model, tokenizer, added, student.model)
    if train.activation_checkpointing:
        model.gradient_checkpointing_enable({"use_reentrant": False})
    if train.lora:
        model = _adapted(model, train)
    if train.compile:
        _compile_layers(model)
    del partitioned
    return PackedLM(model, backend, noise=train.neftune)


def _compile_layers(model: Any) -> None:
    """Fuse what each layer does besides attention and products: norms, rotary positions, activations.

    Raises:
        UserError: the model has no list of layers.
    """
    count = model.config.get_text_config().num_hidden_layers
    lists = [m for m in model.modules() if isinstance(m, nn.ModuleList) and len(m) == count]
    if not lists:
        raise UserError("train.compile: this model has no list of layers that could be compiled. Leave it out")
    for layer in lists[0]:
        layer.compile(dynamic=True)


def _quantized(lora: Lora | None, dtype: torch.dtype) -> dict[str, object]:
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


def _fit_vocabulary(model: Any, tokenizer: Tokenizer, added: Sequence[int], name: str) -> None:
    """Grow the embeddings for new tokens; refuse a tokenizer that does not belong to the model."""
    rows = model.get_input_embeddings().num_embeddings
    if len(tokenizer) > rows and not added:
        raise UserError(
            f"{name}: the tokenizer has {len(tokenizer):,} tokens, the model's embeddings only {rows:,}. They do not "
            "belong together (if the added tokens are meant to be learnt, name them in train.new_tokens)"
        )
    if len(tokenizer) > rows:
        model.resize_token_embeddings(len(tokenizer), mean_resizing=True)
    if spare := [token for token in added if token < rows]:
        _mean_rows(model, spare)


def _mean_rows(model: Any, tokens: list[int]) -> None:
    """Give tokens that took spare rows of the embeddings the mean of the rows before them, as resizing would."""
    import deepspeed

    heads = (model.get_input_embeddings(), model.get_output_embeddings())
    tables = {id(head.weight): head.weight for head in heads if head is not None}
    for weight in tables.values():
        with (
            torch.no_grad(),
            deepspeed.zero.GatheredParameters(weight, modifier_rank=0, enabled=hasattr(weight, "ds_id")),
        ):
            weight[tokens] = weight[: min(tokens)].float().mean(0).to(weight.dtype)


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
        use_rslora=lora.rslora,
        modules_to_save=_embeddings(model) if train.new_tokens else None,
        task_type="CAUSAL_LM",
    )
    try:
        return get_peft_model(model, config)
    except ValueError as error:
        names = sorted({name.rpartition(".")[2] for name, m in model.named_modules() if isinstance(m, nn.Linear)})
        raise UserError(f"train.lora.layers {lora.layers}: {error} Linear layers here: {', '.join(names)}") from error


def _embeddings(model: Any) -> list[str]:
    """Names of the modules that hold a row for each token."""
    heads = (model.get_input_embeddings(), model.get_output_embeddings())
    return [name.rpartition(".")[2] for name, module in model.named_modules() if any(module is head for head in heads)]
