"""The command `polydistill`. Each subcommand is one file; its heavy imports happen when it runs."""

import functools
import importlib
import sys
from collections.abc import Callable
from typing import Any

import typer

from polydistill.engine import environment
from polydistill.engine.errors import UserError

# Subcommand -> panel of `polydistill --help`. The function is `command` in cli/<name>.py.
COMMANDS = {
    "demo": "Start here",
    "run": "A whole run",
    "compare": "A whole run",
    "synth": "Step by step",
    "mix": "Step by step",
    "train": "Step by step",
    "eval": "Step by step",
    "inspect": "Look at what is there",
    "export": "Look at what is there",
    "plan": "Before a run",
    "bench": "Before a run",
    "calibrate": "Before a run",
    "similarity": "Languages and budgets",
    "fit": "Languages and budgets",
    "allocate": "Languages and budgets",
}

app = typer.Typer(
    name="polydistill",
    help="Make a language model good in many languages from what it already knows in one.\n\n"
    "A run goes: synth (prompts -> pool), mix (pool -> mixture), train (mixture -> checkpoint), eval (-> report). "
    "`run` does all four from one YAML file; `demo` shows it on a small world in minutes.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _for_people(function: Callable[..., None]) -> Callable[..., None]:
    """The subcommand with errors as people want them: a sentence and an exit code instead of a traceback."""

    @functools.wraps(function)
    def wrapped(*arguments: Any, **options: Any) -> None:
        try:
            function(*arguments, **options)
        except UserError as error:
            print(f"polydistill: {error}", file=sys.stderr)
            sys.exit(2)
        except KeyboardInterrupt:
            print("polydistill: stopped; what is done stays, run the same command again to go on", file=sys.stderr)
            sys.exit(130)

    return wrapped


for _name, _panel in COMMANDS.items():
    app.command(_name, rich_help_panel=_panel)(_for_people(importlib.import_module(f"polydistill.cli.{_name}").command))


def main() -> None:
    """Entry point. Exit codes: 0 done, 1 unexpected error, 2 the user can put it right, 130 interrupted."""
    environment.prepare()
    app()
