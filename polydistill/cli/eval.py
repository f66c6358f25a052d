"""`polydistill eval`: checkpoints in, answers, numbers and a report out."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from polydistill.cli.options import Address, Set

if TYPE_CHECKING:
    from polydistill.engine.config import Student
    from polydistill.eval.config import Eval

Prompt = Literal["auto", "alpaca", "chat", "raw"]


def command(
    models: Annotated[
        list[str] | None,
        typer.Argument(
            help="Checkpoints: a folder or hub id each, or NAME=FOLDER. Models named ARM/RUN (sft/seed1, sft/seed2) "
            "are runs of one arm. The first is what the others are compared with.",
            show_default=False,
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            help="YAML file of a run. Its eval and student sections are read", show_default=False, exists=True
        ),
    ] = None,
    tasks: Annotated[
        str | None, typer.Option(help="Benchmarks, e.g. belebele,mgsm. `list` shows all", show_default=False)
    ] = None,
    targets: Annotated[str | None, typer.Option(help="Target languages, e.g. de,th", show_default=False)] = None,
    source: Annotated[str | None, typer.Option(help="Source language. Default: English", show_default=False)] = None,
    data: Annotated[
        str | None,
        typer.Option(help="Folder with a sub-folder for each benchmark. Default: data", show_default=False),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Only the first N questions of each language", show_default=False)
    ] = None,
    prompt: Annotated[
        Prompt | None,
        typer.Option(
            help="Prompt template. `auto`: chat where the first model has a template, else raw. Default: auto"
        ),
    ] = None,
    by: Annotated[Literal["side", "language"], typer.Option(help="Columns of the table")] = "side",
    out: Annotated[Path, typer.Option(help="Folder for answers, metrics.json and reports")] = Path("out/eval"),
    set_: Set = None,
    address: Address = None,
) -> None:
    """Evaluate checkpoints: target languages and source language, with intervals.

    polydistill eval MODEL --tasks belebele,mgsm --targets de,th --data benchmarks

    Answers are kept: a run that was stopped goes on where it was, and a model is asked each question once.
    """
    if tasks == "list":
        return _list()

    import rich

    from polydistill.checks import announce, refuse
    from polydistill.checks.models import evaluated
    from polydistill.engine import screen
    from polydistill.engine.errors import UserError
    from polydistill.eval.reporting.render import to_terminal
    from polydistill.eval.reporting.table import summary
    from polydistill.eval.run import evaluate
    from polydistill.steps import before_evaluation, whole_models

    if not models:
        raise UserError("no model to evaluate. Name a folder or hub id: polydistill eval MODEL --tasks belebele")
    named_models = named(models)
    given = {"tasks": tasks, "targets": targets, "source": source, "data": data, "limit": limit}
    evaluation, student = _sections(config, set_, {key: value for key, value in given.items() if value is not None})
    refuse(evaluated(named_models))  # the prompt template is that of the first model
    student = _asked(student, prompt, next(iter(named_models.values())))
    named_models = whole_models(named_models)
    announce(before_evaluation(named_models, evaluation, student))
    with screen.logged(out):
        scores = evaluate(named_models, evaluation, student, str(out), address=address)
    rich.print(to_terminal(summary(scores.record, by)))
    print(f"{out / 'report.html'}\n{out / 'metrics.json'}")


def _list() -> None:
    """Print the benchmarks."""
    from rich import box
    from rich.table import Table

    from polydistill.engine import screen
    from polydistill.eval.benchmark import benchmark, names
    from polydistill.eval.reporting.names import metric_name

    shown = Table("name", "asks", "metrics", "kind", "few-shot", "languages of prompts", box=box.SIMPLE_HEAD)
    for name in names():
        found = benchmark(name)
        metrics = ", ".join(metric_name(metric) for metric in found.HEADLINE)
        languages = str(len(found.INSTRUCTIONS)) if found.INSTRUCTIONS else "the question's"
        asks = "translation, both ways" if len(found.ABOUT) > 1 else "".join(found.ABOUT.values())
        shown.add_row(name, asks, metrics, found.KIND, found.EXAMPLES or "a file", languages)
    screen.show_rich(shown)
    print("Files and prompts: docs/evaluation.md")


def _sections(
    config: Path | None, changes: list[str] | None, given: "dict[str, str | int]"
) -> "tuple[Eval, Student | None]":
    """The evaluation and the student of the file, with what the options change; one of the options alone without a
    file.

    Raises:
        UserError: no benchmark is named anywhere, an unknown language or benchmark, or a wrong value.
    """
    from polydistill.engine.config import override, validate
    from polydistill.engine.errors import UserError
    from polydistill.run_config import EvalSections, read_run_file

    sections = read_run_file(config) if config else {}
    for text in changes or []:
        override(sections, text)
    found = sections.get("eval") or {}
    if not isinstance(found, list | dict):
        raise UserError(f"{config or 'options'}: eval: expected keys and values or a list of tasks, found {found!r}")
    section: dict[str, Any] = {"tasks": found} if isinstance(found, list) else dict(found)
    wanted = str(given.pop("tasks", "")).split(",") if "tasks" in given else []
    if wanted:
        known = {task["task"]: task for task in section.get("tasks", []) if isinstance(task, dict) and "task" in task}
        section["tasks"] = [known.get(name.strip(), {"task": name.strip()}) for name in wanted]
    if not section.get("tasks"):
        raise UserError("no benchmark to evaluate on. Name some: --tasks belebele,mgsm (`--tasks list` shows all)")
    if "limit" in given:
        limit = given.pop("limit")
        section["tasks"] = [
            {"task": task, "limit": limit} if isinstance(task, str) else {**task, "limit": limit}
            for task in section["tasks"]
        ]
    if "targets" in given:
        section["targets"] = [name.strip() for name in str(given.pop("targets")).split(",")]
    valid = validate(EvalSections, sections | {"eval": section | given}, str(config or "options"))
    return valid.evaluation(), valid.student


def _asked(student: "Student | None", prompt: Prompt | None, model: str) -> "Student":
    """How questions become prompts: as the options say, else as the file does, else as the model's own template."""
    from polydistill.engine.config import Student
    from polydistill.engine.generation.prompting.templates import load_tokenizer

    if student is not None and prompt is None:
        return student
    base = student or Student(model=model)
    if prompt in (None, "auto"):
        chat = bool(load_tokenizer(model, base.trust_remote_code).chat_template)
        prompt = "chat" if chat else "raw"
        typer.echo(f"prompt template: {prompt}" + ("" if chat else " (the model has no chat template)"))
    return base.model_copy(update={"prompt": prompt})


def named(models: list[str]) -> dict[str, str]:
    """Names and paths: NAME=PATH as given, else the path's last part, or more of it where that is not unique."""
    from polydistill.engine.errors import UserError

    result: dict[str, str] = {}
    for model in models:
        name, equals, path = model.partition("=")
        if not equals:
            parts = [part for part in Path(model).parts if part not in ("/", "..", ".")] or [model]
            # A trained model is in a folder called model: its parent has the telling name.
            tail = parts[-2:-1] if parts[-1] == "model" and len(parts) > 1 else parts[-1:]
            name, path = tail[0], model
        if name in result:
            raise UserError(f"two models are called {name!r}. Name them: {name}-1={result[name]} {name}-2={path}")
        result[name] = path
    return result
