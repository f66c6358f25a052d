"""The plan as a table for the terminal."""

from polydistill.engine.progress import duration
from polydistill.planning.bill import Plan, Step
from polydistill.planning.memory import MemoryRow


def render(plan: Plan) -> str:
    """The plan in words and tables."""
    cluster, synthesis = plan.cluster, plan.synthesis
    gpus = f"{cluster.gpus} x {plan.gpu}" if plan.gpu else "no GPU"
    rows = f"{many(synthesis.pool_rows, 'pool row')} in {many(synthesis.units, 'unit')}"
    lines = [
        f"{many(synthesis.prompts, 'prompt')} x {many(synthesis.languages, 'language')} = {rows}, on {cluster.nodes} x "
        f"({gpus}, {cluster.cpus} cores, {cluster.memory:g} GiB)",
        "",
        f"{'step':10} {'time':>9} {'GPU-hours':>10} {'node-hours':>11} {'money':>10}  based on",
        *(_step(step) for step in [*plan.steps, plan.total]),
        "",
        f"{'synthesis':10} {'actors':>7} {'GPUs each':>10} {'rows/s':>10} {'prompts/s':>10} {'busy':>6} "
        f"{'blocked':>8}  rate",
    ]
    for name, stage in synthesis.stages.items():
        lines.append(
            f"{name:10} {stage.actors:>7,} {stage.gpus:>10g} {figure(stage.rows_per_second):>10} "
            f"{figure(stage.prompts_per_second):>10} {stage.busy:>6.0%} {stage.blocked:>8.0%}  {stage.source}"
        )
    if plan.memory:
        lines += ["", *_memory(plan)]
    disk = ", ".join(f"{name} {size(count, 1000)}" for name, count in plan.disk.items())
    lines += [
        "",
        f"disk        {size(sum(plan.disk.values()), 1000)}: {disk}",
        f"on the way  {size(synthesis.memory, 1024)} of units in the memory of each machine",
        "",
        "not included:",
        *(f"  - {item}" for item in plan.not_included),
        "",
        "pool sizes  " + " ".join(f"--set work.{n}.actors={stage.actors}" for n, stage in synthesis.stages.items()),
    ]
    return "\n".join(lines + [f"note: {warning}" for warning in plan.warnings])


def _step(step: Step) -> str:
    money = "-" if step.money is None else f"{step.money:,.2f}"
    gpus = figure(step.gpu_hours) if step.gpu_hours else "-"
    hours = f"{gpus:>10} {figure(step.node_hours):>11}"
    return f"{step.name:10} {duration(step.seconds):>9} {hours} {money:>10}  {step.source}".rstrip()


def _memory(plan: Plan) -> list[str]:
    cards = list(plan.memory[0].cards)
    where = "one GPU" if plan.gpu else "one machine"
    head = f"{'memory':10} {'needs':>10} {'may use':>10} {'':13}" + "".join(f"{card + ' GB':>8}" for card in cards)
    return [f"{head}  on {where}", *(_row(row) for row in plan.memory)]


def _row(row: MemoryRow) -> str:
    fits = "fits" if row.fits else "does not fit"
    cards = "".join(f"{'yes' if good else 'no':>8}" for good in row.cards.values())
    notes = [f"use {row.advice}"] if row.advice else []
    notes += [f"and {size(row.offloaded, 1024)} in each machine's memory"] if row.offloaded else []
    line = f"{row.step:10} {size(row.need, 1024):>10} {size(row.room, 1024):>10} {fits:13}{cards}  {', '.join(notes)}"
    return line.rstrip()


def size(count: float, base: int) -> str:
    """Bytes in the unit that people use: base 1000 for disks (GB), 1024 for memory (GiB)."""
    middle = "i" if base == 1024 else ""
    for letter in "KMG":
        count /= base
        if count < base * 0.9995:
            return f"{count:,.3g} {letter}{middle}B" if count < 100 else f"{count:,.0f} {letter}{middle}B"
    return f"{count / base:,.1f} T{middle}B"


def many(count: int, thing: str) -> str:
    """A number of things: 1 prompt, 2 prompts."""
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"


def figure(value: float) -> str:
    """A rate with as many digits as it deserves."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
