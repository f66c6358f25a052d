"""A whole run in one YAML file: the sections of all parts put together."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, Field, model_validator

from polydistill.engine.config import (
    Config,
    Dictionaries,
    Judge,
    Leakage,
    Parallel,
    PromptSource,
    Student,
    Synthesis,
    override,
    read_yaml,
    validate,
)
from polydistill.engine.errors import UserError
from polydistill.eval.config import Eval
from polydistill.paths import resolve
from polydistill.trainer.config import Train


class _Evaluated(Config):
    """A configuration with an `eval` section, whose languages are the run's."""

    eval: Eval | None = Field(None, description="Evaluation. `null`: no evaluation")

    @model_validator(mode="before")
    @classmethod
    def _evaluated_languages(cls, data: Any) -> Any:
        """An evaluation without languages of its own takes the run's. Derived here and nowhere else."""
        found = data.get("eval") if isinstance(data, dict) else None
        section = {"tasks": found} if isinstance(found, list) else found
        if not isinstance(section, dict):
            return data
        own = {key: value for key, value in section.items() if value is not None}
        run = {key: data[key] for key in ("source", "targets") if data.get(key) is not None}
        return data | {"eval": {**section, **run, **own}}

    def evaluation(self) -> Eval:
        """The evaluation that the run asks for, with its languages.

        Raises:
            UserError: the run has no `eval` section.
        """
        if self.eval is None:
            raise UserError("the run has no `eval` section. Add one: eval: {data: data/, tasks: [belebele, flores]}")
        return self.eval


class RunConfig(_Evaluated, Synthesis):
    """What `polydistill run` reads. Each subcommand uses its own part of it."""

    dictionaries: Dictionaries | None = Field(None, description="Word lists for code-switching")
    parallel: Parallel | None = Field(None, description="Parallel text for translation and completion tasks")
    leakage: Leakage | None = Field(
        None, description="Evaluation sets. Training rows that are too close to them are left out of the mixture"
    )
    native: list[PromptSource] = Field(
        default_factory=list,
        description="Rows that are in a target language from the beginning, each source with its `language`, for "
        "subsets with `task: native`",
    )
    recipe: str = Field("sdrrl", description="Name of a recipe in configs/recipes, or path of a YAML file")
    train: Train = Field(Train(), description="Training")

    def student_to_train(self) -> Student:
        """The student.

        Raises:
            UserError: the run has no `student` section.
        """
        if self.student is None:
            raise UserError("the run has no `student` section. Training and evaluation need one: student: {model: ...}")
        return self.student


class MixSections(Config):
    """The sections of a run that mixing reads."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    source: str = "eng_Latn"
    targets: list[str] = Field(default_factory=list)
    prompts: list[PromptSource] = Field(default_factory=list)
    dictionaries: Dictionaries | None = None
    parallel: Parallel | None = None
    leakage: Leakage | None = None
    judge: Judge | None = None
    native: list[PromptSource] = Field(default_factory=list)
    recipe: str = "sdrrl"
    seed: int = 0


class _Partly(Config):
    """Some sections of a run. The other sections are skipped. An unknown one is an error."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _known(cls, data: dict[str, object]) -> dict[str, object]:
        unknown = sorted(set(data) - set(RunConfig.model_fields))
        if unknown:
            raise ValueError(f"unknown section {unknown[0]!r}. Known: {', '.join(RunConfig.model_fields)}")
        return data


class TrainSections(_Partly):
    """The sections of a run that training reads."""

    student: Student | None = Field(None, description="The model to train")
    train: Train = Field(Train(), description="How it is trained")


class EvalSections(_Evaluated, _Partly):
    """The sections of a run that evaluation reads."""

    student: Student | None = Field(None, description="How questions become prompts, and the engine's arguments")


def load_run(path: str | Path, overrides: Sequence[str] | None = None, folder: str | Path | None = None) -> RunConfig:
    """Read the YAML file of a run, apply `key.sub=value` overrides, validate.

    Args:
        path: the file. Its relative paths are relative to the file's folder.
        overrides: changes. Their relative paths are relative to the working directory.
        folder: what the file's paths are relative to, in place of its own folder.

    Raises:
        UserError: an unreadable file, bad YAML, an unknown key or a wrong value. The message names all of them.
    """
    data = read_run_file(path, folder)
    for text in overrides or []:
        override(data, text)
    return validate(RunConfig, resolve(data, "."), str(path))


def read_run_file(path: str | Path, folder: str | Path | None = None) -> dict[str, object]:
    """The keys and values of a run's file, its paths absolute, not validated."""
    return resolve(read_yaml(path), folder or Path(path).parent)
