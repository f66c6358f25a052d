"""Checkpoints that were split over another number of ranks, through DeepSpeed's universal format."""

import argparse
import shutil

import torch
import torch.distributed as dist

from polydistill.trainer.distributed.engine import Engine


def load(engine: Engine, folder: str, tag: str, converts: bool) -> None:
    """Load checkpoint `folder`/`tag` whatever number of ranks wrote it.

    Args:
        converts: whether this rank makes the converted copy; all ranks that see one file system need one that does.
    """
    converted = f"{tag}-universal"
    if converts:
        _convert(f"{folder}/{tag}", f"{folder}/{converted}")
    dist.barrier()
    groups = [{key: value for key, value in g.items() if key != "params"} for g in engine.optimizer.param_groups]
    # DeepSpeed has this in its configuration, as if all of a run's checkpoints were of one kind.
    engine._config.load_universal_checkpoint = True
    try:
        engine.load_checkpoint(folder, tag=converted, load_module_strict=False, load_lr_scheduler_states=False)
    finally:
        engine._config.load_universal_checkpoint = False
    _repair(engine, groups)
    dist.barrier()
    if converts:
        shutil.rmtree(f"{folder}/{converted}", ignore_errors=True)


def _convert(source: str, destination: str) -> None:
    """DeepSpeed's universal checkpoint from one that is split over ranks."""
    from deepspeed.checkpoint import ds_to_universal

    shutil.rmtree(destination, ignore_errors=True)
    ds_to_universal.main(
        argparse.Namespace(
            input_folder=source,
            output_folder=destination,
            num_extract_workers=1,
            num_merge_workers=1,
            keep_temp_folder=False,
            strict=True,
            inject_missing_state=True,
        )
    )


def _repair(engine: Engine, groups: list[dict[str, object]]) -> None:
    """Undo what DeepSpeed 0.19 does to a universal zero3 checkpoint when it is loaded.

    All parameter groups get the first one's settings, and one tensor as AdamW's step count, which then is counted
    up once for each group.
    """
    for group, before in zip(engine.optimizer.param_groups, groups):
        group.update(before)
    for state in getattr(engine.optimizer, "optimizer", engine.optimizer).state.values():
        if torch.is_tensor(state.get("step")):
            state["step"] = state["step"].clone()
