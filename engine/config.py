"""The engine's configuration: typed, validated, read from YAML with dotted overrides.

Each part of the system owns one section model. `polydistill.run_config.RunConfig` puts them together. A field's
description gives its meaning, its unit and the reason for its default. An unknown key is an error that names the
nearest known one.
"""

import difflib
import json
import re
import reprlib
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    NonNegativeInt,
    PlainSerializer,
    PlainValidator,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)

from polydistill.engine.errors import UserError
from polydistill.engine.languages import language_code
from polydistill.engine.schema import Flag
from polydistill.engine.yaml_text import parse_yaml

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

    @field_validator("columns")
    @classmethod
    def _one_format(cls, columns: dict[Role, str | None]) -> dict[Role, str | None]:
        single = {role for role, name in columns.items() if name} & {"instruction", "input", "answer", "history"}
        if columns.get("messages") and single:
            raise ValueError(f"`messages` holds whole conversations, so it excludes {', '.join(sorted(single))}")
        return columns


class Endpoint(Config):
    """An OpenAI-compatible server: `vllm serve`, or a hosted one."""

    url: str = Field(description="Address up to the version, e.g. http://host:8000/v1")
    model: str | None = Field(None, description="Name under which the server knows the model. `null`: its only one")
    key: str = Field("OPENAI_API_KEY", description="Environment variable with the API key. Unset: no key is sent")
    concurrency: int = Field(64, ge=1, description="Maximum number of concurrent requests")
    requests_per_minute: float | None = Field(None, gt=0, description="Rate limit. `null`: none")
    patience: float = Field(
        600, ge=0, description="Seconds during which a request is retried while the server is busy or unreachable"
    )

    @field_validator("url")
    @classmethod
    def _plain(cls, value: str) -> str:
        if not re.match(r"https?://[^/@\s]+(/[^@\s]*)?$", value):
            raise ValueError("expected http(s)://host[:port]/v1 without a user name. Keys belong in the environment")
        return value.rstrip("/")


class Price(Config):
    """What tokens cost, in any currency."""

    prompt: float = Field(0.0, ge=0, description="For a million prompt tokens")
    answer: float = Field(0.0, ge=0, description="For a million generated tokens")


class Student(Config):
    """The model to be trained. It answers every prompt once, before training."""

    model: str = Field(description="Path or hub id of a causal language model (a Hugging Face folder)")
    prompt: Literal["alpaca", "chat", "raw"] = Field(
        "alpaca",
        description="How a question becomes a prompt: Alpaca's text, the tokenizer's chat template, or as is",
    )
    template: dict[str, Any] = Field(
        default_factory=dict,
        description="Arguments of the chat template, e.g. {enable_thinking: false}. Generation, training and "
        "evaluation use the same ones",
    )
    max_tokens: int = Field(512, ge=1, description="Maximum length of an answer including its reasoning, tokens")
    temperature: float = Field(0.0, ge=0, description="0 is greedy decoding")
    top_p: float = Field(1.0, gt=0, le=1, description="Nucleus sampling, only with temperature > 0")
    top_k: int = Field(0, ge=0, description="Sample from this many tokens, only with temperature > 0. 0: from all")
    min_p: float = Field(
        0.0, ge=0, le=1, description="Least probability relative to the likeliest token, only with temperature > 0"
    )
    repetition_penalty: float = Field(1.0, gt=0, description="Above 1 makes repeated tokens less likely")
    seed: int | None = Field(None, description="Seed of sampling. `null`: the run's `seed`")
    stop: list[str] | None = Field(
        None,
        description="Texts that end an answer. `null`: with `prompt: alpaca`, the beginning of the next instruction, "
        "else none. The template's end of turn always ends an answer",
    )
    reasoning: Literal["cut", "keep"] = Field(
        "cut", description="A reasoning trace (<think>...</think>) before the answer: its own column, or kept as text"
    )
    samples: int = Field(1, ge=1, description="Answers to each prompt, of which one is chosen. Above 1 needs sampling")
    select: Literal["first", "logprob", "agreement", "matches_truth"] = Field(
        "first",
        description="The answer to choose: the first complete one, the likeliest per token, the result that most "
        "answers share, or the first that agrees with `truth`. If none agrees, the row has no own answer",
    )
    endpoint: Endpoint | None = Field(
        None, description="An OpenAI-compatible server that answers instead, a URL or a section. It may serve a teacher"
    )
    price: Price | None = Field(None, description="What tokens cost, for the report. `null`: no costs")
    trust_remote_code: bool = Field(False, description="Run Python code that comes with the model")
    engine: dict[str, Any] = Field(
        default_factory=dict,
        description="Further vLLM engine arguments, e.g. {max_num_seqs: 1024, max_num_batched_tokens: 16384}",
    )

    @field_validator("endpoint", mode="before")
    @classmethod
    def _url(cls, value: Any) -> Any:
        return {"url": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _sampling(self) -> "Student":
        if self.samples > 1 and self.temperature == 0:
            raise ValueError("`samples` above 1 needs `temperature` above 0: greedy decoding repeats one answer")
        if self.select in ("logprob", "agreement") and self.samples == 1:
            raise ValueError(f"`select: {self.select}` needs `samples` above 1")
        return self


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
        description="For method `self`: folder of parallel text, <source>-<target>.tsv. Its first eight pairs are used",
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
    endpoint: Endpoint | None = Field(
        None, description="For method `chat`: a server that runs the model. `null`: vLLM in this process"
    )
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
        if self.method == "self" and not self.examples:
            raise ValueError("method `self` needs `examples`, a folder of parallel text")
        return self


class Translate(Translator):
    """The translator, and what happens to texts whose first hypothesis fails."""

    mark_answers: bool = Field(
        False,
        description="Translate an answer that is part of its input (SQuAD) in place, between marks, not by itself",
    )
    fallback: Translator | None = Field(
        None, description="A second translator, for texts where every hypothesis of the first one failed"
    )

    @property
    def rescues(self) -> bool:
        """Whether a text gets another chance where its first hypothesis fails."""
        return self.hypotheses > 1 or self.fallback is not None


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
    """Thresholds of the judge's rules. `engine.judging.text_rules` and `score_rules` say what each rule means."""

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
            *(Flag.TRUNCATED, Flag.NO_END, Flag.EMPTY, Flag.SPAN_LOST, Flag.ANSWER_LOST, Flag.REFUSAL),
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
    seed: int = Field(0, description="Seed of every random choice")
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


class Dictionaries(Config):
    """Bilingual word lists for code-switching: MUSE, GATITOS or plain TSV, one file for each pair of languages."""

    path: str | list[str] = Field(
        description="Folder(s) of files like en-de.txt, en_de.tsv, eng_Latn-deu_Latn.tsv(.gz)"
    )
    missing: Literal["error", "skip"] = Field(
        "error", description="For a pair without a file: stop, or leave its questions unswitched and report it"
    )


class Parallel(Config):
    """Parallel text for the tasks translate (mt) and complete (comp)."""

    path: str | list[str] = Field(
        description="Folder(s) or files of parallel text, named by their languages: line by line (OPUS, Moses, WMT, "
        "NTREX), TSV, CSV, JSON lines or Parquet"
    )
    corpora: list[str] | None = Field(
        None, description="Use only files whose path contains one of these names. `null`: all corpora of a pair, merged"
    )
    rows: NonNegativeInt | dict[str, NonNegativeInt] | None = Field(
        1000,
        description="Number of random sentence pairs per language, or numbers by target language. `null`: all",
    )
    allocation: str | None = Field(None, description="JSON of `polydistill allocate`: its counts instead of `rows`")


class Leakage(Config):
    """Keeps rows that are too close to an evaluation set out of the mixture."""

    against: list[str] = Field(description="Evaluation files or folders (JSON, JSONL, TSV or plain text, also .gz)")
    ngram: int = Field(8, ge=2, description="Length of the n-grams compared, words")
    overlap: float = Field(
        0.5, gt=0, le=1, description="A text is dropped if at least this share of its n-grams is found there"
    )


C = TypeVar("C", bound=Config)

_short = reprlib.Repr()  # a wrong value in a message stays short, whatever was given
_short.maxstring = 120


def load(model: type[C], path: str | Path | None, overrides: list[str] | None = None) -> C:
    """Read `path` (YAML) into `model`, apply `key.sub=value` overrides (values are YAML), validate.

    Raises:
        UserError: unreadable file, bad YAML, unknown key (with the nearest known one), wrong value.
    """
    data = {} if path is None else read_yaml(path)
    for text in overrides or []:
        override(data, text)
    return validate(model, data, str(path or "configuration"))


def read_yaml(path: str | Path) -> dict[str, Any]:
    """The keys and values of a YAML file, not validated.

    Raises:
        UserError: unreadable file, bad YAML, not a mapping.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not a text file in UTF-8 (byte {error.start}). Expected a YAML file") from error
    data = parse_yaml(text, str(path))
    data = {} if data is None else data
    if not isinstance(data, dict):
        raise UserError(f"{path}: expected keys and values, found {type(data).__name__}")
    return data


def validate(model: type[C], data: dict[str, Any], where: str) -> C:
    """Validate `data`. One UserError reports every problem with its key."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        problems = []
        for item in error.errors():
            key = ".".join(str(part)[:60] for part in item["loc"])
            if item["type"] == "extra_forbidden":
                near = difflib.get_close_matches(str(item["loc"][-1]), _keys(model), n=1)
                hint = f"; did you mean '{near[0]}'?" if near else ""
                problems.append(f"  {key}: unknown key{hint}")
            else:
                found = _short.repr(item["input"])
                problems.append(f"  {key}: {item['msg'].removeprefix('Value error, ')} (found {found})")
        raise UserError(f"{where}:\n" + "\n".join(problems)) from error


def dump(config: Config) -> dict[str, Any]:
    """The configuration as plain JSON values, defaults included."""
    return json.loads(config.model_dump_json())


def override(data: dict[str, Any], text: str) -> None:
    """Apply one `key.sub=value` (the value is YAML) to `data`, in place."""
    key, equals, value = text.partition("=")
    if not equals:
        raise UserError(f"--set {text}: expected key=value, e.g. translate.beam=1")
    *parents, last = key.strip().split(".")
    for parent in parents:
        if not isinstance(data.setdefault(parent, {}), dict):
            raise UserError(f"--set {text}: '{parent}' is a value, not a section")
        data = data[parent]
    data[last] = parse_yaml(value, f"--set {text}")


def _keys(model: type[BaseModel]) -> list[str]:
    """All field names of a section and of the sections in it."""
    names: list[str] = []
    for name, field in model.model_fields.items():
        names.append(name)
        for inner in (field.annotation, *getattr(field.annotation, "__args__", ())):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                names += _keys(inner)
    return names
