"""A whole run in one YAML file: the sections of all parts put together."""

from pydantic import Field

from polydistill.engine.config import Dictionaries, Leakage, Parallel, Synthesis
from polydistill.eval.config import Eval
from polydistill.trainer.config import Train


class RunConfig(Synthesis):
    """What `polydistill run` reads; each subcommand uses its own part of it."""

    dictionaries: Dictionaries | None = Field(None, description="Word lists for code-switching")
    parallel: Parallel | None = Field(None, description="Parallel text for translation and completion tasks")
    leakage: Leakage | None = Field(None, description="Evaluation sets that training rows must not be near to")
    recipe: str = Field("sdrrl", description="Name of a recipe in configs/recipes, or path of a YAML file")
    train: Train = Field(Train(), description="Training")
    eval: Eval | None = Field(None, description="Evaluation; null: none")
