"""`polydistill synth`: prompts in, a pool out."""

from polydistill.cli.options import Address, Config, Set


def command(config: Config, set_: Set = None, address: Address = None) -> None:
    """Make the pool: self-generation, translation into every target, judging.

    Resumable at any moment: run the same command again. Further `targets` are added without redoing the others.
    """
    from polydistill.engine import screen
    from polydistill.run import Run

    run = Run(config, set=set_ or ())
    if "synth" in run.unfinished():
        screen.set_steps(2)
        screen.step("checking the configuration")
        run.require(["synth"], address=address)
    with screen.logged(run.output):
        run.synthesize(address)
        screen.show(run.summary)
