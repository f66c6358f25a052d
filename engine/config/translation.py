"""`translate:` the translators."""

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    Field,
    model_validator,
)

from polydistill.engine.config.base import Config, LanguageCode
from polydistill.engine.config.student import Endpoint, Price


def _term(text: str) -> str:
    """A term: it has a letter or a digit, and no white space around it."""
    if not any(character.isalnum() for character in text) or text != text.strip() or "\n" in text:
        raise ValueError(f"{text!r} is no term. Expected a word or several, without white space around them")
    return text


Term = Annotated[str, AfterValidator(_term)]


def _each_once(entries: dict[str, str]) -> dict[str, str]:
    folded: dict[str, str] = {}
    for term in entries:
        if term.casefold() in folded:
            raise ValueError(f"{folded[term.casefold()]!r} and {term!r} are one term, since case does not matter")
        folded[term.casefold()] = term
    return entries


Entries = Annotated[dict[Term, Term], AfterValidator(_each_once)]


"""Terms and their translations."""


class FieldPrompts(Config):
    """How method `self` gives the texts of one field to the model."""

    max_output_tokens: int | None = Field(
        None, ge=8, description="Maximum length of a translation, tokens. `null`: the translator's `max_output_tokens`"
    )
    whole_chars: int = Field(
        600,
        ge=0,
        description="Texts of up to this many characters go in one prompt, with their line breaks. Longer ones, and "
        "texts with code or tables, go sentence by sentence",
    )


class Translator(Config):
    """One translation model: an NLLB-like one in CTranslate2, or a language model (the student itself) in vLLM."""

    model: str = Field(
        description="Path or hub id of a Hugging Face NLLB, M2M-100, MADLAD, mBART-50 or Marian model. "
        "With method `self`, the student's"
    )
    method: Literal["seq2seq", "self", "chat"] = Field(
        "seq2seq",
        description="seq2seq: an encoder-decoder model. self: a language model that translates from eight examples. "
        "chat: an instruction model that is asked for a translation",
    )
    examples: str | None = Field(
        None,
        description="For method `self`: folder of parallel text, <source>-<target>.tsv, of which the first eight pairs "
        "are used. A file <source>-<target>.<field>.tsv (or .jsonl) is for one field",
    )
    fields: dict[Literal["instruction", "input", "truth", "self"], FieldPrompts] = Field(
        default_factory=dict,
        description="For method `self`: limits by field, e.g. {instruction: {max_output_tokens: 256}, "
        "input: {whole_chars: 0}}",
    )
    compute_type: str = Field("int8", description="CTranslate2 compute type: int8, int8_float16, float16, float32, ...")
    beam: int = Field(4, ge=1, description="Beam size (SDRRL uses 4)")
    hypotheses: int = Field(
        1,
        ge=1,
        description="Number of hypotheses kept from each beam. If the first one fails, the others are judged, and the "
        "best that passes is used",
    )
    max_input_tokens: int = Field(
        256, ge=8, description="Maximum length of a sentence, tokens. Longer ones are split at safe points"
    )
    max_output_tokens: int = Field(
        512, ge=8, description="Maximum length of a hypothesis, tokens. A longer one is cut and marked as truncated"
    )
    batch_tokens: int = Field(4096, ge=64, description="Source tokens (padding included) in one batch. Halved on OOM")
    threads: int = Field(0, ge=0, description="CPU threads of one translator. 0: OMP_NUM_THREADS, else up to 4")
    engine: dict[str, Any] = Field(
        default_factory=dict, description="For methods `self` and `chat`: further vLLM engine arguments"
    )
    family: Literal["auto", "chat", "translategemma", "tower", "hunyuan", "alma", "xalma"] = Field(
        "auto", description="For method `chat`: the wording that the model was trained on. `auto`: by the model's name"
    )
    template: dict[str, Any] = Field(
        default_factory=dict,
        description="For method `chat`: arguments of the model's chat template, e.g. {enable_thinking: false}",
    )
    endpoint: Endpoint | None = Field(
        None, description="For method `chat`: a server that runs the model. `null`: vLLM in this process"
    )
    price: Price | None = Field(None, description="What tokens cost, for the report. `null`: no costs")
    documents: bool = Field(False, description="For method `chat`: give lines whole instead of sentence by sentence")
    temperature: float = Field(0.0, ge=0, description="For method `chat`: 0 is greedy decoding")

    @model_validator(mode="after")
    def _fits(self) -> "Translator":
        if self.method == "seq2seq" and self.hypotheses > self.beam:
            raise ValueError(f"{self.hypotheses} hypotheses of a beam of {self.beam}: expected at most {self.beam}")
        if self.method != "seq2seq" and self.hypotheses > 1:
            raise ValueError(f"method `{self.method}` has one hypothesis")
        if self.endpoint is not None and self.method != "chat":
            raise ValueError(f"method `{self.method}` takes no `endpoint`. Expected method `chat`")
        if self.method != "chat" and self.template:
            raise ValueError(f"method `{self.method}` takes no `template`. Expected method `chat`")
        if self.method != "self" and self.fields:
            raise ValueError(f"method `{self.method}` takes no `fields`. Expected method `self`")
        if self.method == "self" and not self.examples:
            raise ValueError("method `self` needs `examples`, a folder of parallel text")
        return self


class Translate(Translator):
    """The translator, and what happens to texts whose first hypothesis fails."""

    mark_answers: bool = Field(
        False,
        description="Translate an answer that is part of its input (SQuAD) in place, between marks, not by itself",
    )
    keep: dict[LanguageCode | Literal["default"], tuple[Term, ...]] = Field(
        default_factory=dict,
        description="Names that stay as they are, by target language: {default: [GitHub], jpn_Jpan: [GitHub, Linux]}. "
        "`default` is for the languages without a list. Case matters",
    )
    glossary: dict[LanguageCode, Entries] = Field(
        default_factory=dict,
        description="Translations of terms, by target language: {deu_Latn: {machine learning: maschinelles Lernen}}. "
        "The terms are in the source language. Case does not matter",
    )
    fallback: Translator | None = Field(
        None, description="A second translator, for texts where every hypothesis of the first one failed"
    )

    @model_validator(mode="after")
    def _one_fate(self) -> "Translate":
        for language, entries in self.glossary.items():
            kept = {name.casefold() for name in self.keep.get(language, self.keep.get("default", ()))}
            for term in entries:
                if term.casefold() in kept:
                    raise ValueError(f"{language}: {term!r} is in `glossary` and in `keep`. Expected one of them")
        return self

    @property
    def second(self) -> "Translate | None":
        """The fallback as a translator of its own, with the same terms."""
        if self.fallback is None:
            return None
        return Translate(**self.fallback.model_dump(), keep=self.keep, glossary=self.glossary)

    @property
    def rescues(self) -> bool:
        """Whether a text gets another chance where its first hypothesis fails."""
        return self.hypotheses > 1 or self.fallback is not None
