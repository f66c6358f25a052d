"""Training and evaluation for callers from outside: configuration as sections or as plain mappings."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from polydistill.checks import Problem, announce, check, training
from polydistill.checks.models import evaluated
from polydistill.engine import environment
from polydistill.engine.config import Config, Student, validate
from polydistill.eval.config import Eval
from polydistill.run_config import RunConfig
from polydistill.trainer.artifact import Checkpoint, refuse_damaged
from polydistill.trainer.config import Train

if TYPE_CHECKING:
    from polydistill.eval.scores import Scores

C = TypeVar("C", bound=Config)


def section(kind: type[C], value: C | Mapping[str, object] | list[Any], name: str) -> C:
    """A section of the configuration from a mapping with its keys.

    Raises:
        UserError: an unknown key or a wrong value. The message names all of them.
    """
    if isinstance(value, kind):
        return value
    return validate(kind, dict(value) if isinstance(value, Mapping) else value, name)  # type: ignore[arg-type]


def train(
    mixture: str,
    student: Student | Mapping[str, object],
    train: Train | Mapping[str, object],
    out: str,
    progress: bool = True,
    address: str | None = None,
) -> Checkpoint:
    """Train a student on a mixture. A stopped training continues from its newest checkpoint.

    Args:
        mixture: folder of a mixture.
        student: the `student` section, e.g. {"model": "meta-llama/Llama-2-7b-hf", "prompt": "alpaca"}.
        train: the `train` section, e.g. {"epochs": 3}.
        out: folder for the model, its checkpoints and its log.
        progress: whether steps and losses are shown on stderr.
        address: Ray cluster to train on, "auto": that of this machine. Default: RAY_ADDRESS, else this machine alone.

    Returns:
        The trained model. Its `path` is a folder in Hugging Face format.

    Raises:
        UserError: wrong data or configuration, or `out` belongs to another training. Whatever can be known before
            the start is named at once.
    """
    environment.prepare()
    from polydistill.trainer.run import launch

    who, how = section(Student, student, "student"), section(Train, train, "train")
    announce(before_training(mixture, who, how, out, address))
    return launch.train(mixture, who, how, out, progress, address)


def before_training(
    mixture: str, student: Student, train: Train, out: str, address: str | None = None
) -> list[Problem]:
    """What would stop `train`, and notes. The arguments are those of `train`."""
    sections: dict[str, Any] = {"student": student, "train": train, "output": out}
    run = RunConfig.model_construct(prompts=[], targets=[], **sections)
    return [*training.whole(mixture, "mixture"), *check(run, ["train"], address is not None)]


def evaluate(
    models: Mapping[str, str | Checkpoint],
    evaluation: Eval | Mapping[str, object] | list[Any],
    student: Student | Mapping[str, object],
    out: str,
    address: str | None = None,
) -> "Scores":
    """Evaluate models on benchmarks. Answers are kept, so a model is asked each question once.

    Args:
        models: name -> Hugging Face folder, hub id or checkpoint. The first is the baseline. Models named
            "sdrrl/seed0" and "sdrrl/seed1" are runs of the arm "sdrrl".
        evaluation: the `eval` section, e.g. {"tasks": ["belebele"], "data": "data/", "targets": ["de"]}.
        student: the `student` section: how questions become prompts, and vLLM's arguments.
        out: folder for answers, metrics.json and reports.
        address: Ray cluster to run on, "auto": the one of this machine. Default: this machine alone.

    Returns:
        The scores. `scores.record` is the content of metrics.json.

    Raises:
        UserError: missing or damaged files, or a model that cannot be loaded.
        DamagedError: a trained model is not what its training wrote.
    """
    environment.prepare()
    from polydistill.eval import run

    what, how = section(Eval, evaluation, "eval"), section(Student, student, "student")
    paths = whole_models(models)
    announce(before_evaluation(paths, what, how))
    return run.evaluate(paths, what, how, out, address=address)


def before_evaluation(paths: Mapping[str, str], evaluation: Eval, student: Student) -> list[Problem]:
    """What would stop `evaluate`, and notes. The arguments are those of `evaluate`."""
    sections: dict[str, Any] = {"eval": evaluation, "student": student}
    return [*evaluated(paths), *check(RunConfig.model_construct(**sections), ["eval"])]


def whole_models(models: Mapping[str, str | Checkpoint]) -> dict[str, str]:
    """Name -> folder or hub id.

    Raises:
        DamagedError: a trained model is not what its training wrote.
    """
    paths = {name: model if isinstance(model, str) else model.path for name, model in models.items()}
    for path in paths.values():
        refuse_damaged(path)
    return paths
