"""`judge:` language ID, rules and quality estimation, with thresholds by language."""

from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    PlainSerializer,
    PlainValidator,
    TypeAdapter,
    ValidationError,
)

from polydistill.engine.config.base import Config
from polydistill.engine.languages import language_code
from polydistill.engine.schema import Flag


def _by_language(kind: Any) -> Any:
    """Validator of a threshold of type `kind`, or of thresholds by target language with a `default`."""
    adapter = TypeAdapter(kind)

    def check(value: Any) -> Any:
        numbers = value if isinstance(value, dict) else {"default": value}
        if "default" not in numbers:
            raise ValueError(
                "thresholds by language need a `default` for all others, e.g. {default: 0.8, tha_Thai: 0.7}"
            )
        try:
            checked = {
                key if key == "default" else language_code(key): adapter.validate_python(number)
                for key, number in numbers.items()
            }
        except ValidationError as error:
            raise ValueError(error.errors()[0]["msg"]) from error
        return checked if isinstance(value, dict) else checked["default"]

    return PlainValidator(check, json_schema_input_type=kind | dict[str, kind])


_AS_IT_IS = PlainSerializer(lambda value: value)  # pydantic would warn of every range, a tuple that JSON makes a list


ShareByLanguage = Annotated[float | dict[str, float], _by_language(Annotated[float, Field(ge=0, le=1)]), _AS_IT_IS]


"""A share, 0 to 1, or shares by target language: {default: 0.8, tha_Thai: 0.7}."""


ScoreByLanguage = Annotated[float | dict[str, float], _by_language(float), _AS_IT_IS]


"""A score, or scores by target language."""


RangeByLanguage = Annotated[
    tuple[float, float] | dict[str, tuple[float, float]], _by_language(tuple[float, float]), _AS_IT_IS
]


"""A range, or ranges by target language."""


class Rules(Config):
    """Thresholds of the judge's rules. `engine.judging.rules.text_rules` and `score_rules` say what each rule means."""

    length_ratio: RangeByLanguage = Field(
        (1 / 3, 3.0),
        description="Range of the weighted target/source length. Texts outside are dropped. May differ by language",
    )
    repetition: ShareByLanguage = Field(
        0.4,
        description="Maximum share of words in a loop that the source does not have. Texts above are dropped. "
        "May differ by language",
    )
    copied: ShareByLanguage = Field(
        0.9,
        description="Maximum share of words copied from the source. Texts above are dropped. May differ by language",
    )
    script: ShareByLanguage = Field(
        0.5,
        description="Minimum share of letters in the target's script. Texts below are dropped. May differ by language",
    )
    target_share: ShareByLanguage = Field(
        0.7,
        description="Minimum share identified as the target language. Texts below are dropped. May differ by language",
    )
    letters: int = Field(
        20,
        ge=1,
        description="Minimum letters for judging language, script and length. For copying, half of it is enough",
    )
    letters_other: int = Field(
        60, ge=1, description="Minimum letters for accepting a language label other than source and target"
    )
    code: float = Field(
        0.1,
        ge=0,
        le=1,
        description="If more than this share of the source's characters are code symbols, an untranslated copy is "
        "accepted",
    )
    letters_ratio: float = Field(
        1 / 3,
        ge=0,
        description="Minimum of the weighted letters of target/source. Texts below are flagged `few_letters`",
    )
    numbers: float = Field(0.5, ge=0, le=1, description="Maximum share of numbers without a counterpart")
    punctuation: float = Field(0.2, ge=0, le=1, description="Maximum excess of the punctuation share over the source's")
    sentences: float = Field(2.0, ge=1, description="Texts are flagged if their sentence counts differ by this factor")
    long_word: int = Field(
        40,
        ge=1,
        description="Maximum letters of a word that is not in the source. Longer ones are flagged (Wu et al. 2019: 40)",
    )
    drop: tuple[Flag, ...] = Field(
        (
            *(Flag.TRUNCATED, Flag.NO_END, Flag.EMPTY, Flag.SPAN_LOST, Flag.TERM_LOST, Flag.ANSWER_LOST, Flag.REFUSAL),
            *(
                Flag.ANSWERED,
                Flag.SOURCE_TRUNCATED,
                Flag.EQUALS_INPUT,
                Flag.NO_LETTERS,
                Flag.FEW_LETTERS,
                Flag.BAD_CHARACTERS,
                Flag.LONG_WORD,
            ),
        ),
        description="Flags that make a text unusable. The others are only recorded",
    )


class Quality(Config):
    """Reference-free quality estimation by a COMET model."""

    model: str = Field(
        description="Path or hub id of a reference-free COMET checkpoint, e.g. Unbabel/wmt22-cometkiwi-da"
    )
    threshold: ScoreByLanguage = Field(
        0.8,
        description="Minimum score (SDRRL: 0.8). Texts below are dropped. A number, or numbers by target language such "
        "as {default: 0.8, tha_Thai: 0.7}. `polydistill calibrate --per-language` proposes them",
    )
    margin: ScoreByLanguage | None = Field(
        None,
        description="For `translate.hypotheses` above 1: how far above the threshold a next best hypothesis must score "
        "to replace one of low quality, a number or numbers by target language. `null`: none replaces it, since the "
        "best of several is often the score's mistake",
    )
    sentences: bool = Field(
        False,
        description="Score a text of several sentences again, sentence by sentence, where it is below the threshold. "
        "The worst sentence decides. Quality models are trained on sentences and underrate right texts of several",
    )
    batch_tokens: int = Field(8192, ge=64, description="Tokens (padding included) in one batch. Halved on OOM")
    dtype: Literal["float32", "bfloat16", "float16"] = Field("float32", description="Arithmetic of the encoder")
    # COMET checkpoints name their encoder by hub id. Offline machines point to a local copy.
    encoder: str | None = Field(None, description="Local folder of the encoder's configuration and tokenizer")


class Judge(Config):
    """Language ID, rules and quality estimation in one pass."""

    language_id: str = Field("lid.176", description="'lid.176' (included) or the path of any fastText model")
    language_score: ShareByLanguage = Field(
        0.5, description="Minimum probability of a label for a text to count as off-target. May differ by language"
    )
    rules: Rules = Field(default_factory=Rules)
    quality: Quality | None = Field(None, description="null switches quality estimation off")
