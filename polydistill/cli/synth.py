"""`polydistill synth`: prompts in, a pool out."""

from polydistill.cli.options import Address, Config, Set


def command(config: Config, set_: Set = None, address: Address = None) -> None:
    """Make the pool: self-generation, translation into every target, judging.

    Resumable at any moment: run the same command again. Further `targets` are added without redoing the others.
    """
    from polydistill.cli.run_config import RunConfig
    from polydistill.engine.config import load
    from polydistill.engine.synthesis.pipeline import cluster, synthesize
    from polydistill.engine.synthesis.report import write_report

    run = load(RunConfig, config, set_)
    with cluster(address):
        synthesize(run)
    print(write_report(run.output))
