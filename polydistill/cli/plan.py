"""`polydistill plan`: what a run will take, before machines are rented for it."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from polydistill.cli.options import Config, Set


def command(
    config: Config,
    nodes: Annotated[int, typer.Option(min=1, help="Machines")] = 1,
    gpus_per_node: Annotated[int, typer.Option(min=0, help="GPUs in each. 0: the run uses CPUs")] = 8,
    cpus_per_node: Annotated[int, typer.Option(min=1, help="Cores in each")] = 128,
    memory_per_node: Annotated[float, typer.Option(min=1, help="Memory of each, GiB")] = 1024,
    gpu: Annotated[
        str, typer.Option(help="Kind of GPU, for published rates: h100, h200, a100, l40s, a10g, 4090")
    ] = "h100",
    sample: Annotated[
        str | None, typer.Option(help="Folder of a small run with the same models: rates are taken from it")
    ] = None,
    prompts: Annotated[int | None, typer.Option(min=1, help="Prompts. Default: those of the configured files")] = None,
    price: Annotated[float | None, typer.Option(min=0, help="Money for one GPU-hour (without GPUs: node-hour)")] = None,
    set_: Set = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the plan to this file")] = None,
) -> None:
    """Predict rows/s per stage, the bottleneck, pool sizes, time, GPU-hours, money, disk and memory of a run.

    For figures worth money, run a sample of a few hundred prompts first (`polydistill synth CONFIG --set
    prompts.limit=500 --set output=sample`) on one machine of the kind, and give it as --sample. Without it, rates that
    others published are scaled to the configured models, which may be off by a factor of two.
    """
    from polydistill.engine.planning.costs import measured, published
    from polydistill.engine.planning.plan import Cluster, plan, workload
    from polydistill.run_config import load_run

    run = load_run(config, set_)
    cluster = Cluster(nodes, gpus_per_node, cpus_per_node, memory_per_node)
    work = workload(run, prompts, sample)
    costs = measured(sample) if sample else published(run, work.texts, gpu)
    found = plan(run, cluster, costs, work)
    if price is not None:
        found["money"] = price * (found["gpu_hours"] or found["node_hours"])
    found["training"] = _training(run, cluster)
    print(_text(found, cluster))
    if json_file is not None:
        json_file.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def _training(run: Any, cluster: Any) -> str | None:
    """Memory of training, where the student's configuration can be read."""
    if run.student is None:
        return None
    from huggingface_hub import try_to_load_from_cache

    model = run.student.model
    if not Path(model).is_dir() and not isinstance(try_to_load_from_cache(model, "config.json"), str):
        return f"not estimated: {model} is not on this machine (`hf download {model} config.json` is enough)"
    from polydistill.trainer.run.memory import estimate, explain, shape_of

    shape = shape_of(model, run.train, run.student.trust_remote_code)
    return explain(estimate(shape, run.train, run.train.workers, half=bool(cluster.gpus)))


def _text(found: dict[str, Any], cluster: Any) -> str:
    from polydistill.engine.progress import duration

    machines = f"{cluster.nodes} x ({cluster.gpus} GPUs, {cluster.cpus} cores, {cluster.memory:g} GiB)"
    lines = [
        f"{found['prompts']:,} prompts x {found['languages']} languages = {found['pool_rows']:,} pool rows in "
        f"{found['units']:,} units, on {machines}",
        "",
        f"{'stage':10} {'actors':>7} {'GPUs':>6} {'rows/s':>12} {'prompts/s':>12} {'busy':>6} {'blocked':>8}  rate",
    ]
    for name, stage in found["stages"].items():
        lines.append(
            f"{name:10} {stage['actors']:>7,} {stage['gpus'] or 0:>6g} {stage['rows_per_second']:>12,.1f} "
            f"{stage['prompts_per_second']:>12,.1f} {stage['busy']:>6.0%} {stage['blocked']:>8.0%}  {stage['source']}"
        )
    cost = f", {found['money']:,.0f} in money" if "money" in found else ""
    disk = ", ".join(f"{name} {size / 1e9:,.1f}" for name, size in found["disk_bytes"].items())
    lines += [
        "",
        f"time        {duration(found['seconds'])}, {found['pool_rows_per_second']:,.0f} pool rows/s; "
        f"the bottleneck is {found['bottleneck']}",
        f"cost        {found['gpu_hours']:,.1f} GPU-hours, {found['node_hours']:,.1f} node-hours{cost}",
        f"disk, GB    {disk}",
        f"memory      {found['memory_bytes'] / 2**30:,.1f} GiB of units on their way on each node",
    ]
    if found["training"]:
        lines.append(f"training    {found['training']}")
    sizes = [f"--set work.{name}.actors={stage['actors']}" for name, stage in found["stages"].items()]
    lines += ["", "These pool sizes: " + " ".join(sizes)]
    return "\n".join(lines + [f"Mind: {warning}" for warning in found["warnings"]])
