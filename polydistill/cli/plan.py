"""`polydistill plan`: what a run will take, before machines are rented for it."""

import json
from pathlib import Path
from typing import Annotated

import typer

from polydistill.cli.options import Config, Set


def command(
    config: Config,
    nodes: Annotated[int, typer.Option(min=1, help="Machines")] = 1,
    gpus_per_node: Annotated[int, typer.Option(min=0, help="GPUs in each. 0: the run uses processors")] = 8,
    cpus_per_node: Annotated[int, typer.Option(min=1, help="Cores in each")] = 128,
    memory_per_node: Annotated[float, typer.Option(min=1, help="Memory of each, GiB")] = 1024,
    gpu: Annotated[
        str,
        typer.Option(help="Kind of GPU, for published rates and its memory: b200, h200, h100, a100, l40s, a10g, 4090"),
    ] = "h100",
    sample: Annotated[
        str | None, typer.Option(help="Folder of a small run with the same models. Rates are taken from it")
    ] = None,
    prompts: Annotated[int | None, typer.Option(min=1, help="Prompts. Default: those of the configured files")] = None,
    chars: Annotated[
        str | None,
        typer.Option(
            help="Mean characters of a question and its answer, e.g. 90,270. With --prompts no data file is read"
        ),
    ] = None,
    price: Annotated[float | None, typer.Option(min=0, help="Money for one GPU-hour (without GPUs: node-hour)")] = None,
    set_: Set = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the plan to this file")] = None,
) -> None:
    """Predict time, GPU-hours, money, memory and disk of synthesis, training and evaluation, and their total.

    Measure before you pay. Run a sample of a few hundred prompts (`polydistill run CONFIG --set prompts.limit=500
    --set output=sample`) on one machine of the kind, and give it as --sample. Without a sample, published rates are
    scaled to the configured models. Such a plan may be off by a factor of two.
    """
    from polydistill.engine.errors import UserError
    from polydistill.engine.planning.workload import Cluster, workload
    from polydistill.engine.storage.record import record_values
    from polydistill.planning.bill import Rent, bill
    from polydistill.planning.text import render
    from polydistill.run_config import load_run

    run = load_run(config, set_)
    rent = Rent(Cluster(nodes, gpus_per_node, cpus_per_node, memory_per_node), gpu, price)
    try:
        load = workload(run, prompts, sample, lengths(chars))
    except UserError as error:
        advice = "To plan without reading any file, give --prompts N --chars Q,A, e.g. --prompts 50000 --chars 90,270"
        raise UserError(f"{error}. {advice}") from error
    found = bill(run, rent, load, sample)
    print(render(found))
    if json_file is not None:
        json_file.write_text(json.dumps(record_values(found), indent=1) + "\n", encoding="utf-8")


def lengths(text: str | None) -> tuple[float, float] | None:
    """The two numbers of --chars.

    Raises:
        UserError: other text.
    """
    from polydistill.engine.errors import UserError

    if text is None:
        return None
    try:
        question, answer = (float(part) for part in text.split(","))
    except ValueError:
        question = answer = -1.0
    if not (0 < question < 1e9 and 0 <= answer < 1e9):
        raise UserError(f"--chars {text}: expected the characters of a question and of its answer, e.g. 90,270")
    return question, answer
