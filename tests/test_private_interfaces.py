"""What we use of libraries beyond their documented interfaces is where it was. docs/dependencies.md says why.

An upgrade that moves one of them fails here, by name, and not in the middle of somebody's run.
"""

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

DOCS = (Path(__file__).parents[1] / "docs/dependencies.md").read_text(encoding="utf-8")


def found(module: str, *names: str) -> object:
    """The attribute `names` of a module, one after the other."""
    value: object = importlib.import_module(module)
    for name in names:
        value = getattr(value, name)
    return value


def parameters(module: str, *names: str) -> set[str]:
    return set(inspect.signature(found(module, *names)).parameters)


def source(module: str, *names: str) -> str:
    return inspect.getsource(found(module, *names))


def without_vllm() -> bool:
    """Ray's module of vLLM's errors, run anew where vLLM cannot be imported, has none of them."""
    from polydistill.engine.generation.vllm_engine import out_of_sight

    spec = importlib.util.find_spec("ray.llm._internal.common.errors")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with out_of_sight():
        hidden = sys.modules.get("vllm", "") is None
        spec.loader.exec_module(module)
    return not hidden or module.VLLM_FATAL_ERRORS == ()


PRIVATE: dict[str, Callable[[], object]] = {
    # Ray
    "ray.llm._internal.common.errors": without_vllm,
    "ray.data.Dataset.map_batches_internal": lambda: (
        {"num_gpus", "compute", "batch_size"}
        <= parameters("ray.data", "Dataset", "map_batches_internal") | parameters("ray.data", "Dataset", "map_batches")
    ),
    "ray.data._internal.execution.backpressure_policy": lambda: (
        found("ray.data._internal.execution.backpressure_policy", "ENABLED_BACKPRESSURE_POLICIES")
        and found("ray.data._internal.execution.backpressure_policy", "ENABLED_BACKPRESSURE_POLICIES_CONFIG_KEY")
    ),
    "BackpressurePolicy.can_add_input": lambda: found(
        "ray.data._internal.execution.backpressure_policy.backpressure_policy", "BackpressurePolicy", "can_add_input"
    ),
    "ray.train.v2.api.config.LoggingConfig": lambda: (
        "log_level" in parameters("ray.train.v2.api.config", "LoggingConfig")
    ),
    "ray._private.state.actors": lambda: (
        {"job_id", "actor_state_name"} <= parameters("ray._private.state", "actors")
        and "_map_transformer.init()" in source("ray.data._internal.execution.operators.actor_pool_map_operator")
        and found("ray.llm._internal.batch.stages.vllm_engine_stage", "vLLMEngineStageUDF")
    ),
    "RayTaskError.cause": lambda: "self.cause = " in source("ray.exceptions", "RayTaskError"),
    # torch
    "torch.ops.mkldnn._linear_pointwise": lambda: found("torch", "ops", "mkldnn", "_linear_pointwise"),
    "torch._dynamo.config.disable": lambda: found("torch._dynamo", "config", "disable") is not None,
    # transformers
    "PreTrainedModel._supports_sdpa": lambda: hasattr(
        found("transformers.modeling_utils", "PreTrainedModel"), "_supports_sdpa"
    ),
    "PreTrainedConfig._attn_implementation": lambda: (
        "_attn_implementation" in source("transformers.configuration_utils")
    ),
    # vLLM
    "vllm.engine.arg_utils.EngineArgs": lambda: (
        "max_num_seqs" in importlib.import_module("polydistill.checks.models").engine_arguments()
    ),
    "vllm.sampling_params.MAX_LOGPROB_TOKEN_IDS": lambda: found("vllm.sampling_params", "MAX_LOGPROB_TOKEN_IDS"),
    # fastText
    "_FastText.f.predict": lambda: (
        "self.f = " in source("fasttext.FastText", "_FastText") or "self.f." in source("fasttext.FastText", "_FastText")
    ),
    # COMET
    "comet.encoders.str2encoder": lambda: "XLM-RoBERTa" in found("comet.encoders", "str2encoder"),
    "comet.models.str2model": lambda: "referenceless_regression_metric" in found("comet.models", "str2model"),
    # DeepSpeed
    "deepspeed.ops.__compatible_ops__": lambda: "deepspeed_shm_comm" in found("deepspeed.ops", "__compatible_ops__"),
    "DeepSpeedEngine._zero3_consolidated_16bit_state_dict": lambda: found(
        "deepspeed.runtime.engine", "DeepSpeedEngine", "_zero3_consolidated_16bit_state_dict"
    ),
    "DeepSpeedConfig.load_universal_checkpoint": lambda: (
        "self.load_universal_checkpoint = " in source("deepspeed.runtime.config", "DeepSpeedConfig")
    ),
    # sacreBLEU
    "Metric._extract_corpus_statistics": lambda: found(
        "sacrebleu.metrics.base", "Metric", "_extract_corpus_statistics"
    ),
    "Metric._compute_score_from_stats": lambda: found("sacrebleu.metrics.base", "Metric", "_compute_score_from_stats"),
    "sacrebleu.tokenizers.tokenizer_spm.SPM_MODELS": lambda: (
        "flores200" in found("sacrebleu.tokenizers.tokenizer_spm", "SPM_MODELS")
    ),
}


@pytest.mark.parametrize("name", PRIVATE)
def test_is_where_it_was(name: str) -> None:
    assert PRIVATE[name](), f"{name} has moved: see docs/dependencies.md"


@pytest.mark.parametrize("name", PRIVATE)
def test_is_in_the_table(name: str) -> None:
    assert f"`{name}`" in DOCS, f"docs/dependencies.md does not list {name}"
