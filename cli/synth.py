"""`polydistill synth`: prompts in, a pool out."""

from cli.options import Address, Config, Set


def command(config: Config, set_: Set = None, address: Address = None) -> None:
    """Make the pool: self-generation, translation into every target, judging.

    Resumable at any moment: run the same command again. Further `targets` are added without redoing the others.
    """
    from cli.run_config import RunConfig
    from engine.config import load
    from engine.pipeline import cluster, synthesise
    from engine.report import write_report

    run = load(RunConfig, config, set_)
    with cluster(address):
        synthesise(run)
    print(write_report(run.output))
