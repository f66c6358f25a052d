"""The demo's run: the small world, and configs/runs/demo.yaml on it."""

from collections.abc import Sequence
from pathlib import Path

from polydistill import configs
from polydistill.run import Run
from polydistill.run_config import load_run

RECIPES = ("sft", "t_sft", "sdrrl")
RUN = Path(configs.__file__ or "").parent / "runs" / "demo.yaml"


def demo_run(set: Sequence[str] = ()) -> Run:
    """Build the small world in out/tinyworld (or check the one there), and open the demo's run on it in out/demo.

    The file's paths are relative to the working directory here, since the file itself may lie in an installed package.
    """
    from polydistill.tinyworld.build import build

    config = load_run(RUN, set, folder=".")  # a wrong setting is found before anything is built
    build("out/tinyworld")
    return Run(config)
