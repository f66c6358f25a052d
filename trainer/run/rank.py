"""One rank's way through training, from top to bottom."""

import functools
from dataclasses import replace
from importlib.metadata import version
from typing import cast

import numpy as np
import torch
import torch.distributed as dist

from polydistill.engine.config import Student, dump
from polydistill.engine.errors import UserError
from polydistill.engine.generation.prompting.tokenizer import Tokenizer
from polydistill.engine.mixing.mixture import Mixture
from polydistill.engine.storage.record import read_record
from polydistill.engine.storage.shards import Folder
from polydistill.trainer.config import Train
from polydistill.trainer.data.feed import passes
from polydistill.trainer.data.objective import Objective, Weighing
from polydistill.trainer.data.samples import Samples, write_manifest, write_part
from polydistill.trainer.data.step_plan import Plan
from polydistill.trainer.data.tokenization import Tokenization, fingerprint, tokenizer_to_train
from polydistill.trainer.distributed import checkpoint, deepspeed_engine
from polydistill.trainer.distributed.ranks import together
from polydistill.trainer.model.load import load
from polydistill.trainer.model.packed_lm import PackedLM, check_packing
from polydistill.trainer.records import Identity, Progress, TokensRecord, TrainingRecord
from polydistill.trainer.run import memory
from polydistill.trainer.run.finish import finish, keep_model
from polydistill.trainer.run.log import Log
from polydistill.trainer.run.loop import Loop


def run(mixture: str, student: Student, train: Train, out: str, identity: Identity) -> str | None:
    """Train with all ranks of the process group; returns the folder of the trained model, None where it was stopped.

    Args:
        identity: what the run is (see `trainer.identity`); a checkpoint with another one is refused.
    """
    deepspeed_engine.prepare()
    device = deepspeed_engine.device()
    dtype = together(lambda: _dtype(train, device))
    place = Folder.of(out)
    tokenizer, added = together(lambda: tokenizer_to_train(student, train))
    source = together(lambda: Mixture.open(mixture))
    tokens = _prepare_tokens(source, place / "tokens", tokenizer, student, train)
    plan, held = together(lambda: _plans(place / "tokens", tokens, train, identity))
    found = checkpoint.newest(place / "checkpoints", identity)
    progress = found.progress if found else Progress()
    stage = found.stage if found else together(lambda: _stage(student, train, device, dtype))
    train = train.model_copy(update={"deepspeed": stage})
    settings = deepspeed_engine.settings(train, passes(plan, dist.get_world_size()), dtype)
    torch.manual_seed(train.seed)
    packed = together(lambda: load(student, train, device, dtype, tokenizer, settings, added))
    engine = deepspeed_engine.start(packed, train, settings)
    difference = together(lambda: _check(packed, plan, device, dtype))
    if found:
        checkpoint.load(engine, place / "checkpoints", found)
    log = together(lambda: Log(place, train.loggers, dump(train), progress.step, dist.get_rank()))
    keep = (
        functools.partial(keep_model, engine, tokenizer, student, train, place) if train.checkpoints == "hf" else None
    )
    loop = Loop(engine, plan, held, place, progress, identity, log, list(tokens.subsets), train.deepspeed, keep)
    whole = loop.run()
    log.close()
    if not whole:
        return None
    record = _record(plan, identity, tokens, loop.progress, dtype)
    record = replace(record, student=student.model, packed_difference=difference, curve=log.curve)
    return f"{out}/{finish(engine, tokenizer, student, train, place, source.record, record)}"


def _stage(student: Student, train: Train, device: torch.device, dtype: torch.dtype) -> str:
    """The ZeRO stage: that of the configuration, or the first one that fits into the GPU's memory."""
    if train.deepspeed != "auto":
        return train.deepspeed
    if device.type != "cuda":
        return "zero2"
    shape = memory.shape_of(student.model, train, student.trust_remote_code)
    room = torch.cuda.get_device_properties(device).total_memory
    return memory.first_stage_that_fits(shape, train, dist.get_world_size(), dtype != torch.float32, room)


def _dtype(train: Train, device: torch.device) -> torch.dtype:
    if train.precision == "fp16" and device.type == "cpu":
        raise UserError("train.precision=fp16 needs a GPU. On a CPU use fp32, or bf16 to try a run out")
    if train.precision == "auto":
        return (
            torch.bfloat16
            if device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
            else torch.float32
        )
    return {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[train.precision]


def _prepare_tokens(
    source: Mixture, tokens: Folder, tokenizer: Tokenizer, student: Student, train: Train
) -> TokensRecord:
    """Tokenize with all ranks, each some shards; what is there already is kept."""
    how = Tokenization.of(student, train)
    key = fingerprint(source, tokenizer, how)
    rank, ranks = dist.get_rank(), dist.get_world_size()
    together(lambda: write_part(source, tokens, tokenizer, how, rank, ranks, key))
    together(lambda: write_manifest(source, tokens, key) if rank == 0 else None)
    return together(lambda: read_record(tokens, "manifest.json", TokensRecord))


def _plans(tokens: Folder, record: TokensRecord, train: Train, identity: Identity) -> tuple[Plan, Plan | None]:
    """The order of training, and the held-out samples where there are any."""
    samples = Samples.open(tokens, record)
    weights = np.array(list(record.subsets.values()))
    weighing = Weighing(cast(Objective, identity.objective), train.mean_over, train.denominator, weights)
    held = np.flatnonzero(samples.validation)
    plan = Plan(samples, np.flatnonzero(~samples.validation), train, weighing, identity.same_step)
    plan.check()
    return plan, Plan(samples, held, train, weighing) if len(held) else None


def _check(packed: PackedLM, plan: Plan, device: torch.device, dtype: torch.dtype) -> float:
    """Packed == unpacked for the shortest few samples, before anything is trained."""
    order = np.argsort(plan.samples.length[plan.chosen], kind="stable")
    few = plan.chosen[order[:4]][::-1]
    ones = np.ones(len(few))
    alone = [plan.batch(few[i : i + 1], ones[:1]).to(device) for i in range(len(few))]
    packed.eval()
    rough = plan.train.lora is not None and plan.train.lora.bits == 8  # integers round like half precision
    pack = plan.batch(few, ones).to(device)
    difference = check_packing(packed, alone, pack, torch.bfloat16 if rough else dtype).apart
    packed.train()
    return difference


def _record(
    plan: Plan, identity: Identity, tokens: TokensRecord, progress: Progress, dtype: torch.dtype
) -> TrainingRecord:
    """What training.json says, still without the model's files and the curve."""
    packages = [f"{name}:{version(name)}" for name in ("polydistill", "torch", "transformers", "deepspeed", "ray")]
    ranks = dist.get_world_size()
    run = [f"seed:{plan.train.seed}", plan.train.deepspeed, f"ranks:{ranks}", str(dtype)[6:]]
    return TrainingRecord(
        signature="|".join([*packages, *run, f"mixture:{identity.mixture}"]),
        student="",
        identity=identity,
        model="",
        files={},
        steps=progress.step,
        steps_per_epoch=plan.steps_per_epoch,
        ranks=ranks,
        fill=plan.fill,
        answer_tokens_per_step=plan.answer_tokens_per_step,
        dropped=tokens.counts,
        skipped=progress.skipped,
        subsets=tokens.figures,
        validation=progress.validation,
        best=progress.best,
        packed_difference=0.0,
    )
