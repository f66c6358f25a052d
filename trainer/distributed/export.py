"""The trained student as a plain Hugging Face folder."""

import copy
import os
import shutil
from collections.abc import Callable
from typing import Any

import torch.distributed as dist

from polydistill.engine.config import Student
from polydistill.engine.generation.prompting.tokenizer import Tokenizer
from polydistill.engine.generation.prompting.tokens import PromptTokens
from polydistill.trainer.distributed.engine import Engine
from polydistill.trainer.publish.chat_template import chat_template


def export(engine: Engine, tokenizer: Tokenizer, student: Student, out: str, merge: bool) -> str:
    """Write `out`/model (and `out`/adapter for LoRA) with all ranks; the folders appear whole.

    The tokenizer gets a chat template that renders the prompt of training, and the generation settings end an answer
    where training ended it. Weights have the dtype they were trained in.

    Args:
        merge: whether a LoRA adapter is also merged into `out`/model.

    Returns:
        The name of the folder to use, "model" or "adapter".
    """
    inner = engine.module.model
    state = _consolidated(engine)
    adapted = hasattr(inner, "peft_config")
    if dist.get_rank() == 0:
        folder = os.path.join(out, "adapter" if adapted else "model")
        _write(folder, lambda f: inner.save_pretrained(f, state_dict=state), tokenizer, student)
        if adapted and merge:
            merged = _merged(inner, folder, len(tokenizer), student.trust_remote_code)
            _write(os.path.join(out, "model"), merged.save_pretrained, tokenizer, student)
    dist.barrier()
    return "adapter" if adapted and not merge else "model"


def _consolidated(engine: Engine) -> dict[str, object]:
    """All parameters by their names in the inner model, on rank 0."""
    if engine.zero_optimization_stage() == 3:
        state = engine._zero3_consolidated_16bit_state_dict()
    else:
        state = engine.module.state_dict()
    return {name.removeprefix("model."): value for name, value in (state or {}).items() if name.startswith("model.")}


def _merged(trained: Any, adapter: str, tokens: int, trust_remote_code: bool) -> Any:
    """The student as it was on disk, in full precision, with the adapter merged into it.

    The trained module itself may be split over ranks (zero3) or quantized, and cannot be merged.
    """
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    config = trained.get_base_model().config
    base = AutoModelForCausalLM.from_pretrained(
        config.name_or_path, dtype=config.dtype, trust_remote_code=trust_remote_code
    )
    if tokens > base.get_input_embeddings().num_embeddings:
        base.resize_token_embeddings(tokens)
    return PeftModel.from_pretrained(base, adapter).merge_and_unload()


def _write(folder: str, save: Callable[[str], object], tokenizer: Tokenizer, student: Student) -> None:
    temporary = f"{folder}.tmp-{os.getpid()}"
    save(temporary)
    published = copy.deepcopy(tokenizer)
    published.chat_template = chat_template(student, tokenizer)
    published.save_pretrained(temporary)
    _end_of_turn(temporary, tokenizer, student)
    _permit(temporary)
    shutil.rmtree(folder, ignore_errors=True)
    os.rename(temporary, folder)


def _end_of_turn(folder: str, tokenizer: Tokenizer, student: Student) -> None:
    """Generation stops at the token that ends an answer in training, whatever the base model's settings said."""
    from transformers import GenerationConfig

    if not os.path.exists(os.path.join(folder, "generation_config.json")):
        return  # an adapter's is its base model's
    settings = GenerationConfig.from_pretrained(folder)
    settings.eos_token_id = sorted(PromptTokens(tokenizer, student.prompt, student.template).end_ids)
    settings.save_pretrained(folder)


def _permit(folder: str) -> None:
    """File modes as the user's umask wants them: safetensors writes for the owner alone."""
    mask = os.umask(0)
    os.umask(mask)
    for parent, _, names in os.walk(folder):
        for name in names:
            os.chmod(os.path.join(parent, name), 0o666 & ~mask)
