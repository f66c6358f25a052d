"""`prompts:` where the rows come from."""

from typing import Literal

from pydantic import (
    Field,
    field_validator,
    model_validator,
)

from polydistill.engine.config.base import Config, LanguageCode

Role = Literal["system", "history", "messages", "instruction", "input", "answer", "id", "language"]


"""The roles that a column of a source file can have, see `engine.prompts.columns`."""


class GivenTranslations(Config):
    """Existing translations of a source's rows into one language."""

    path: str | None = Field(
        None, description="File or folder of the translated rows, see `prompts.path`. `null`: the source's own rows"
    )
    key: str | None = Field(None, description='Key under which a row holds the translated fields ({"de": {...}})')
    columns: dict[Role, str | None] = Field(default_factory=dict, description="Columns by their role")

    @model_validator(mode="after")
    def _elsewhere(self) -> "GivenTranslations":
        if not (self.path or self.key or self.columns):
            raise ValueError("say where the translations are: path, key or columns")
        return self


class PromptSource(Config):
    """Where the rows come from."""

    path: str = Field(
        description="A file (JSON, JSON lines, CSV, TSV, Parquet, Arrow, text, also .gz, .zst, .bz2, .xz), a folder of "
        "them, a glob, a folder of `save_to_disk`, a URI (s3://, gs://, hf://), or a data set on the hub (org/name)"
    )
    split: str | None = Field(None, description="Split of a data set that has several: train, validation, test, ...")
    revision: str | None = Field(None, description="Branch, tag or commit of a data set on the hub. `null`: newest")
    configuration: str | None = Field(None, description="Configuration of a data set on the hub that has several")
    columns: dict[Role, str | None] = Field(
        default_factory=dict,
        description="Columns by their role (system, history, messages, instruction, input, answer, id, language) where "
        "their names do not say it. `null` for a role that no column has",
    )
    key: str | None = Field(
        None, description='Key under which a row holds its fields, where rows hold several languages ({"en": {...}})'
    )
    translations: dict[LanguageCode, GivenTranslations] = Field(
        default_factory=dict,
        description="Translations of these rows that exist already, by target language. They are judged and mixed like "
        "those of the translator, which does not translate these texts again",
    )
    language: LanguageCode | None = Field(
        None, description="Language of these rows. Default: the rows' language column, else the run's `source`"
    )
    limit: int | None = Field(None, ge=1, description="Use only the first N rows of the source")
    sample: int | None = Field(None, ge=1, description="Use N usable rows of the source, drawn with the run's seed")
    max_chars: int = Field(
        32_768,
        ge=1,
        description="Maximum characters of an instruction, input or answer. Longer rows are dropped and counted",
    )
    calculator_marks: bool = Field(
        True, description="Keep GSM8K's calculator marks (<<48/2=24>>) in answers. Self-Translate-Train removes them"
    )
    reasoning: Literal["cut", "keep"] = Field(
        "cut",
        description="A reasoning trace (<think>...</think>) before an answer: left out and counted, or kept as text",
    )

    @field_validator("columns")
    @classmethod
    def _one_format(cls, columns: dict[Role, str | None]) -> dict[Role, str | None]:
        single = {role for role, name in columns.items() if name} & {"instruction", "input", "answer", "history"}
        if columns.get("messages") and single:
            raise ValueError(f"`messages` holds whole conversations, so it excludes {', '.join(sorted(single))}")
        return columns
