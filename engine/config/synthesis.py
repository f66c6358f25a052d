"""A run from prompts to a pool, and how its work is spread: `work:`."""

from typing import Any

from pydantic import (
    Field,
    field_validator,
    model_validator,
)

from polydistill.engine.config.base import Config, LanguageCode, LanguageCodes
from polydistill.engine.config.judging import Judge
from polydistill.engine.config.prompts import PromptSource
from polydistill.engine.config.student import Student
from polydistill.engine.config.translation import Translate


class Stage(Config):
    """A fixed pool of actors for one stage. `engine.synthesis.placement` sets null sizes from the cluster."""

    actors: int | None = Field(None, ge=1, description="Number of actors. `null`: from the cluster's resources")
    cpus: float | None = Field(None, gt=0, description="CPUs each actor asks Ray for. Fractions are fine")
    gpus: float | None = Field(None, ge=0, description="GPUs each actor asks Ray for. Fractions share a GPU")
    timeout: float = Field(3600, gt=0, description="Seconds after which a unit in this stage counts as hung")


class Work(Config):
    """How the work is split and distributed. No setting changes a row's content. A run fixes only `unit_rows`."""

    unit_rows: int = Field(512, ge=1, description="Prompts per unit. A unit is committed or redone as a whole")
    generate: Stage = Field(Stage(), description="vLLM engines")
    translate: Stage = Field(Stage(), description="CTranslate2 translators")
    judge: Stage = Field(Stage(), description="Judges: language ID, rules, quality estimation")
    retries: int = Field(1, ge=0, description="Retries of a failing batch before its bad rows are searched for")
    max_failed: float = Field(0.05, ge=0, le=1, description="Maximum share of rows with errors. Above it the run stops")


class Synthesis(Config):
    """Everything that `polydistill synth` needs: from prompts to a pool."""

    output: str = Field(description="Folder (or URI, s3://bucket/run) of this run")
    seed: int = Field(0, ge=0, description="Seed of every random choice")
    source: LanguageCode = Field("eng_Latn", description="Language of the prompts: FLORES-200, ISO code, or name")
    targets: LanguageCodes = Field(min_length=1, description="Languages to translate into")
    prompts: list[PromptSource] = Field(min_length=1, description="Sources of instructions (one, or a list)")
    student: Student | None = Field(None, description="The model that answers the prompts. `null`: no self-generation")
    translate: Translate | None = Field(
        None, description="The translator. `null` where all translations exist already (prompts.translations)"
    )
    judge: Judge = Field(Judge(), description="Language ID, rules and quality estimation")
    work: Work = Field(Work(), description="How the work is split and distributed")

    @field_validator("prompts", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return [value] if isinstance(value, dict) else value

    @model_validator(mode="after")
    def _translator(self) -> "Synthesis":
        for source in self.prompts if self.translate is None else []:
            own = source.language or self.source
            lacking = [target for target in self.targets if target != own and target not in source.translations]
            if lacking:
                raise ValueError(
                    f"`translate` is missing, and {source.path} has no translations into {', '.join(lacking)} "
                    "(prompts.translations)"
                )
        return self
