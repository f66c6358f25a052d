"""The stream: prompts through generation, translation and judging into the pool. The file that knows Ray Data.

    unit numbers ─▶ read, tokenize ─▶ vLLM ─▶ commit answers ─┐
    numbers of answered units ────────────────────────────────┴▶ read, translate ─▶ judge, commit ─▶ figures

A block is a unit on its whole way: units never split and never mix, so each is committed as a whole by the stage
that finishes it. Committed rows travel as the number of their unit, so that what is in flight is bounded by the actors
and not by the rows; the driver sees numbers and figures only. Order is not kept.
"""

import functools
import logging
import threading
from contextlib import suppress
from typing import Any

import ray
import ray.data
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from polydistill.engine.config import Stage, Student, Synthesis, dump
from polydistill.engine.errors import UserError
from polydistill.engine.generation import stage as generation
from polydistill.engine.generation.adapters import Adapter
from polydistill.engine.generation.answers import Answers
from polydistill.engine.generation.prompting.tokens import Reading
from polydistill.engine.generation.vllm_engine import out_of_sight
from polydistill.engine.stopping import handler_kept
from polydistill.engine.storage import run_fingerprint
from polydistill.engine.storage.configuration import write_configuration
from polydistill.engine.storage.run_folder import GENERATED, POOL, PROMPTS, UNITS, exclusive
from polydistill.engine.storage.shards import Folder
from polydistill.engine.synthesis import actors, backpressure
from polydistill.engine.synthesis.answer_actors import CommitActor, PromptActor, RemoteActor
from polydistill.engine.synthesis.failures import plain
from polydistill.engine.synthesis.live_table import LiveTable, Seen
from polydistill.engine.synthesis.loading import ready
from polydistill.engine.synthesis.monitor import Monitor
from polydistill.engine.synthesis.placement import STAGES, Demands, Node, Placement, prompt_rates, size_pools
from polydistill.engine.synthesis.remaining import remaining
from polydistill.engine.synthesis.summary import StageFigures, StageRecord, SynthesisRecord, Tally, write_summary

_WAITING_CPUS = 0.1


def synthesize(config: Synthesis, stages: actors.Stages | None = None) -> SynthesisRecord:
    """Make, or complete, the pool in `config.output`; returns this call's figures.

    Needs a Ray runtime (see `engine.cluster`) where something is to do. `stages` replaces the models, for
    measurements of the engine alone.

    Raises:
        UserError: wrong configuration, a model that cannot be loaded, too many failed rows, a folder in use.
    """
    stages = stages or actors.Stages()
    root = Folder.of(config.output)
    with exclusive(root):
        root.sweep(recursive=False)
        for part in (PROMPTS, GENERATED, POOL, UNITS):
            (root / part).sweep()
        todo = remaining(config)
        write_configuration(root, dump(config))
        if todo.pending:
            stages.check(config)
        digest = run_fingerprint.bind(root, todo.decisive)
        if not todo.pending:
            return SynthesisRecord(digest, todo.prompts, config.targets)
        tally, figures = _run(config, stages, root, todo.pending, todo.rows, digest)
        record = tally.record(digest, todo.prompts, config.targets, figures)
        write_summary(root, record)
        return record


def _run(
    config: Synthesis,
    stages: actors.Stages,
    root: Folder,
    pending: dict[int, list[str]],
    rows: dict[int, int],
    digest: str,
) -> tuple[Tally, dict[str, StageRecord]]:
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.issue_detectors_config.high_memory_detector_config.detection_time_interval_s = -1
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)  # errors are raised; their text need not come twice
    context.target_max_block_size = None  # a unit stays one block, however large
    backpressure.enable(context)
    unanswered = set(pending) - Answers(root / GENERATED).units() if config.student else set()
    active = STAGES if unanswered else STAGES[1:]
    nodes = [Node(n["Resources"].get("CPU", 0), n["Resources"].get("GPU", 0)) for n in ray.nodes() if n["Alive"]]
    rates = prompt_rates(len(config.targets))
    work = config.work
    if config.student and config.student.endpoint:  # the engine is elsewhere; here a process waits for its answers
        waiting = Stage(actors=work.generate.actors or 1, cpus=_WAITING_CPUS, gpus=0)
        work = work.model_copy(update={"generate": waiting})
    placement = size_pools(work, nodes, active, rates, Demands.of(config))
    # On the driver's node: when another node is lost, the figures are not. Its death costs figures, not the run.
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    monitor = ray.remote(num_cpus=0, max_restarts=-1, scheduling_strategy=here)(Monitor).remote()
    stream = _answers(config, root, pending, rows, unanswered, placement, monitor)
    own = config.student is not None
    translate = (stages, config.translate, work, placement.device("translate"), root, own, monitor)
    stream = _pool(stream, placement, "translate", actors.TranslateActor, translate)
    judge = (stages, config.judge, config.translate, work, placement.device("judge"), root, digest, monitor)
    stream = _pool(stream, placement, "judge", actors.JudgeActor, judge)
    tally = Tally()
    pools = {name: placement.pools[name].actors or 1 for name in active}
    table = LiveTable(len(pending), pools, lambda: Seen(_figures(monitor), ready(pools)), tally)
    try:
        _watch(stream, work.max_failed, tally)
        figures = _figures(monitor) or {}
        return tally, {name: StageRecord.of(figures[name], placement.pools[name]) for name in active if name in figures}
    except Exception as error:
        raise plain(error) from error
    finally:
        table.close()
        _stop(stream)
        with suppress(Exception):  # where Ray itself has died, its error is on the way already
            ray.kill(monitor)


def _stop(stream: ray.data.Dataset) -> None:
    """End what executes the stream, and wait for its thread.

    Ray Data does the first where its iterator is closed or left. An interrupt that comes while the iterator is being
    made leaves all of it to the end of this process, which then waits for Ray for ever. Ray Data waits two seconds for
    its thread, and a thread that calls Ray after that ends the process.
    """
    executor = stream._current_executor
    if executor is not None:
        executor.shutdown(force=True)
    for thread in threading.enumerate():
        if thread.name.startswith("StreamingExecutor"):
            thread.join(timeout=60)


def _figures(monitor: Any) -> dict[str, StageFigures] | None:
    """The stages' figures, None where the monitor does not answer in time or is being replaced."""
    try:
        return ray.get(monitor.figures.remote(), timeout=5)
    except (ray.exceptions.RayError, TimeoutError):
        return None


def _answers(
    config: Synthesis,
    root: Folder,
    pending: dict[int, list[str]],
    rows: dict[int, int],
    unanswered: set[int],
    placement: Placement,
    monitor: Any,
) -> ray.data.Dataset:
    """All pending units whose GENERATED rows are there: those that the student must answer first, and the others."""
    todo = {unit: targets for unit, targets in pending.items() if unit in unanswered}
    ready = {unit: targets for unit, targets in pending.items() if unit not in unanswered}
    parts = [_units(ready)] if ready else []
    if todo and config.student and config.student.endpoint:
        asked = _units(todo).map_batches(
            RemoteActor,
            fn_constructor_args=(config.student, config.seed, root, monitor),
            compute=ray.data.ActorPoolStrategy(size=placement.pools["generate"].actors or 1),
            **_whole(placement, config.student),
        )
        parts.append(asked)
    elif todo and config.student:
        student = config.student
        prompts = _units(todo).map_batches(
            PromptActor,
            fn_constructor_args=(student, config.seed, root),
            compute=ray.data.ActorPoolStrategy(size=1),
            **_whole(placement),
        )
        smallest = min(rows[unit] for unit in todo)
        reading = generation.reading(student)
        committed = _ask(prompts, student, placement, smallest * student.samples, reading).map_batches(
            CommitActor,
            fn_constructor_args=(student, root, rows, todo, monitor, reading),
            compute=ray.data.ActorPoolStrategy(size=1),
            **_whole(placement, student),
        )
        parts.append(committed)
    return parts[0].union(*parts[1:]) if len(parts) > 1 else parts[0]


def _ask(
    prompts: ray.data.Dataset, student: Student, placement: Placement, rows: int, reading: Reading
) -> ray.data.Dataset:
    """The prompts through vLLM by ray.data.llm; adds its output columns."""
    from ray.data.llm import build_processor, vLLMEngineProcessorConfig

    settings = generation.processor_settings(student, placement.pools["generate"], rows)
    adapted = Adapter.find(student.model) is not None
    request = functools.partial(generation.request, student=student, reading=reading, adapted=adapted)
    # One process each before and behind the engine: they pass thousands of rows a second, and importing what
    # ray.data.llm needs takes each of them seconds.
    light = {"num_cpus": _light(placement), "concurrency": 1}
    # It calls `ray.init` again, which lets SIGTERM end this process without a word.
    with out_of_sight(), handler_kept():
        processor = build_processor(
            vLLMEngineProcessorConfig(**settings),
            preprocess=request,
            preprocess_map_kwargs=light,
            postprocess_map_kwargs=light,
        )
    return processor(prompts)


def _pool(
    stream: ray.data.Dataset, placement: Placement, name: str, actor: type, arguments: tuple[Any, ...]
) -> ray.data.Dataset:
    pool = placement.pools[name]
    # Ray's interface for libraries: the one for users wants a number of rows for a batch on a GPU, which would cut and
    # join units.
    return stream.map_batches_internal(
        actor,
        fn_constructor_args=arguments,
        batch_format="pyarrow",
        batch_size=None,
        zero_copy_batch=True,
        compute=ray.data.ActorPoolStrategy(size=pool.actors, max_tasks_in_flight_per_actor=2),
        num_cpus=pool.cpus,
        num_gpus=pool.gpus or None,
    )


def _light(placement: Placement) -> float:
    """CPUs of a task that reads or commits: so few that one always finds room."""
    return round(min(0.25, placement.spare_cpus / 8), 3)


def _whole(placement: Placement, student: Student | None = None) -> dict[str, object]:
    """Arguments of map_batches for what takes whole blocks; with a student, for what rates its answers as well."""
    settings: dict[str, object] = {"batch_format": "pyarrow", "batch_size": None, "num_cpus": _light(placement)}
    if student and student.reward and student.reward.gpus:
        settings["num_gpus"] = student.reward.gpus
    return settings


def _units(todo: dict[int, list[str]]) -> ray.data.Dataset:
    """One block for each unit: its number and the languages that it lacks."""
    return ray.data.from_blocks([actors.assignments({unit: targets}) for unit, targets in todo.items()])


def _watch(stream: ray.data.Dataset, max_failed: float, tally: Tally) -> None:
    """Drive the stream to its end, keep the figures, stop where too much fails."""
    for batch in stream.iter_batches(batch_format="pyarrow", batch_size=None, prefetch_batches=0):
        tally.add(batch)
        if tally.failed > max(max_failed * tally.rows, 10):
            raise UserError(
                f"{tally.failed:,} of {tally.rows:,} rows failed (limit work.max_failed = {max_failed:.0%}): "
                "the rows in pool/ say why (columns notes_* and reason_*). What is done stays. Run again to go on."
            )
