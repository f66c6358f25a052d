"""`polydistill run`: the whole line from one YAML file."""

from typing import TYPE_CHECKING

from polydistill.cli.options import Address, Config, Set

if TYPE_CHECKING:
    from polydistill.eval.scores import Scores


def command(config: Config, set_: Set = None, address: Address = None) -> None:
    """Synthesize, mix, train and evaluate, as one file says.

    Every step resumes: run the same command again after an interruption.
    """
    from contextlib import ExitStack

    from polydistill.engine import screen
    from polydistill.engine.storage.shards import Folder
    from polydistill.run import Run
    from polydistill.times import timed

    run = Run(config, set=set_ or ())
    left = run.unfinished()
    screen.set_steps(len(left) + 1)
    if left:
        screen.step("checking the configuration")
    run.require(left, address=address)
    folder = Folder.of(run.output)
    with ExitStack() as stack:
        stack.enter_context(screen.logged(run.output))
        with timed(folder, "synthesis", "synth" in left):
            if {"synth", "train"} & set(left):
                stack.enter_context(run.cluster(address))
            run.synthesize()
        screen.show(run.summary)
        if run.config.student is None:
            return
        if "mix" in left:
            screen.step("mixing")
        mixture = run.mix()
        if "train" in left:
            screen.step("training")
        with timed(folder, "training", "train" in left):
            model = run.train(mixture)
        screen.show(f"trained model: {model.path}")
        if "eval" in left:
            screen.step("evaluating")
            with timed(folder, "evaluation"):
                scores = run.evaluate({run.model_name(): model.path})
            show(scores)
        elif known := run.scores():
            show(known)
        if not left:
            screen.show("everything was finished before")


def show(scores: "Scores") -> None:
    """Print the table of scores, and where the report is."""
    from polydistill.engine import screen
    from polydistill.eval.reporting.render import to_terminal
    from polydistill.eval.reporting.table import summary

    screen.show_rich(to_terminal(summary(scores.record)))
    screen.show(f"report: {scores.folder.root}/report.html")
