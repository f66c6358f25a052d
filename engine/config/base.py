"""What every configuration section is made of."""

from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    field_validator,
)
from pydantic_core import PydanticCustomError

from polydistill.engine.credentials import refuse_in_location
from polydistill.engine.errors import UserError
from polydistill.engine.languages import language_code

SECRET = "secret"
"""Type of the validation error whose value must not be shown."""

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
    """Base of every configuration section: frozen, no unknown keys, no credentials in a location."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    @field_validator("*", mode="before")
    @classmethod
    def _no_credentials(cls, value: Any) -> Any:
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str):
                try:
                    refuse_in_location(text)
                except UserError as error:
                    raise hidden(error) from error
        return value


def hidden(error: UserError) -> PydanticCustomError:
    """The error as one of validation that does not show the value."""
    return PydanticCustomError(SECRET, "{problem}", {"problem": str(error)})
