"""The trained student as a plain Hugging Face folder."""

import os
import shutil
from typing import Any

import torch.distributed as dist


def export(engine: Any, tokenizer: Any, out: str, merge: bool, trust_remote_code: bool = False) -> str:
    """Write `out`/model (and `out`/adapter for LoRA) with all ranks; the folder appears whole.

    Returns the name of the folder to use. Weights have the dtype they were trained in. A LoRA adapter is merged
    into `out`/model when `merge`.
    """
    inner = engine.module.model
    state = _consolidated(engine)
    if dist.get_rank() == 0:
        if hasattr(inner, "peft_config"):
            _write(os.path.join(out, "adapter"), lambda f: inner.save_pretrained(f, state_dict=state), tokenizer)
            if merge:
                merged = _merged(inner, os.path.join(out, "adapter"), len(tokenizer), trust_remote_code)
                _write(os.path.join(out, "model"), merged.save_pretrained, tokenizer)
        else:
            _write(os.path.join(out, "model"), lambda f: inner.save_pretrained(f, state_dict=state), tokenizer)
    dist.barrier()
    return "model" if merge or not hasattr(inner, "peft_config") else "adapter"


def _consolidated(engine: Any) -> dict[str, Any]:
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


def _write(folder: str, save: Any, tokenizer: Any) -> None:
    temporary = f"{folder}.tmp-{os.getpid()}"
    save(temporary)
    tokenizer.save_pretrained(temporary)
    _permit(temporary)
    shutil.rmtree(folder, ignore_errors=True)
    os.rename(temporary, folder)


def _permit(folder: str) -> None:
    """File modes as the user's umask wants them: safetensors writes for the owner alone."""
    mask = os.umask(0)
    os.umask(mask)
    for parent, _, names in os.walk(folder):
        for name in names:
            os.chmod(os.path.join(parent, name), 0o666 & ~mask)
