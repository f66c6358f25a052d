"""What every configuration section is made of."""

from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
)

from polydistill.engine.languages import language_code

LanguageCode = Annotated[str, AfterValidator(language_code)]


"""A language, named in any of the ways that `engine.languages.language_code` knows, kept as its FLORES-200 code."""


def _listed(value: Any) -> Any:
    """`de`, `de, ja` and [de, ja] are all lists of languages."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


LanguageCodes = Annotated[
    list[LanguageCode], BeforeValidator(_listed), AfterValidator(lambda codes: list(dict.fromkeys(codes)))
]


"""Languages, each once: a list, or names separated by commas."""


class Config(BaseModel):
    """Base of every configuration section: frozen, no unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())
