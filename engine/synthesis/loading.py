"""Which actors have loaded their models, as Ray's own table of actors says."""

from collections.abc import Iterable

_CLASSES = {
    "generate": ("vLLMEngineStageUDF", "RemoteActor"),
    "translate": ("TranslateActor",),
    "judge": ("JudgeActor",),
}
"""Stage -> names of the classes that hold its model."""


def ready(stages: Iterable[str]) -> dict[str, int]:
    """Stage -> number of actors whose constructor has ended. {} where Ray does not answer."""
    import ray
    from ray._private import state

    if not ray.is_initialized():  # asking would start it
        return {}
    try:
        job = ray.JobID.from_hex(ray.get_runtime_context().get_job_id())
        alive = [each["ActorClassName"] for each in state.actors(job_id=job, actor_state_name="ALIVE").values()]
    except Exception:  # a view of the run must not end it
        return {}
    return {stage: sum(any(name in each for name in _CLASSES[stage]) for each in alive) for stage in stages}
