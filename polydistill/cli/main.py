"""The command `polydistill`. Each subcommand is one file. Its heavy imports happen when it runs."""

import functools
import importlib
import sys
import traceback
from collections.abc import Callable
from typing import Annotated, Any

import typer

import polydistill
from polydistill.cli import errors
from polydistill.engine import environment, screen
from polydistill.engine.stopping import stoppable

# Subcommand -> panel of `polydistill --help`. The function is `command` in cli/<name>.py.
COMMANDS = {
    "demo": "Start here",
    "init": "Start here",
    "run": "A whole run",
    "compare": "A whole run",
    "synth": "Step by step",
    "mix": "Step by step",
    "train": "Step by step",
    "eval": "Step by step",
    "inspect": "Results",
    "show": "Results",
    "verify": "Results",
    "export": "Results",
    "check": "Before a run",
    "fetch": "Before a run",
    "plan": "Before a run",
    "bench": "Before a run",
    "calibrate": "Before a run",
    "similarity": "Languages and budgets",
    "fit": "Languages and budgets",
    "allocate": "Languages and budgets",
}

ANYWHERE = ("--debug", "--quiet")
"""Options that may stand anywhere on the command line."""

app = typer.Typer(
    name="polydistill",
    help="Make a language model good in many languages from what it already knows in one.\n\n"
    "A run has four steps: synth (prompts -> pool), mix (pool -> mixture), train (mixture -> checkpoint), "
    "eval (checkpoints -> report). `run` does all four from one YAML file. `demo` shows them on a small world.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)

_debug = False


def _version(wanted: bool) -> None:
    if wanted:
        print(f"polydistill {polydistill.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show results and errors only, no progress")] = False,
    version: Annotated[bool, typer.Option("--version", help="Show the version", callback=_version, is_eager=True)] = (
        False
    ),
) -> None:
    global _debug
    _debug = debug
    screen.set_quiet(quiet)


def _for_people(function: Callable[..., None]) -> Callable[..., None]:
    """The subcommand, with one sentence and an exit code in place of a traceback."""

    @functools.wraps(function)
    def wrapped(*arguments: Any, **options: Any) -> None:
        try:
            function(*arguments, **options)
        except (typer.Exit, typer.Abort, typer.BadParameter):
            raise
        except (Exception, KeyboardInterrupt) as error:
            if _debug:
                traceback.print_exc()
            if isinstance(errors.cause(error), KeyboardInterrupt):
                print(f"polydistill: stopped. {errors.AGAIN}", file=sys.stderr)
                sys.exit(130)
            known = errors.sentence(error)
            # A message names columns, files and values of foreign data.
            print(screen.visible(f"polydistill: {known or errors.unexpected(error)}"), file=sys.stderr)
            sys.exit(1 if known is None else 2)

    return wrapped


for _name, _panel in COMMANDS.items():
    app.command(_name, rich_help_panel=_panel)(_for_people(importlib.import_module(f"polydistill.cli.{_name}").command))


def main(arguments: list[str] | None = None) -> None:
    """Entry point. Exit codes: 0 done, 1 a defect, 2 the user can put it right, 130 interrupted.

    Args:
        arguments: the command line without the program's name, default: that of the process.
    """
    environment.prepare()
    given = sys.argv[1:] if arguments is None else arguments
    first = [text for text in given if text in ANYWHERE]
    with stoppable():  # Slurm, Kubernetes and spot machines send SIGTERM some time before they end a process
        app(args=[*first, *(text for text in given if text not in ANYWHERE)])
