"""Configuration of evaluation: which tasks, in which languages, how asked and how measured."""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from polydistill.engine.config import Config, LanguageCode, LanguageCodes
from polydistill.eval.benchmark import check_name

PromptLanguage = Literal["english", "target"]


class Task(Config):
    """One benchmark. In YAML its name alone is enough where the defaults suit."""

    task: str = Field(description="Name of the benchmark. `polydistill eval --tasks list` shows all")
    path: str | None = Field(
        None,
        description="File or folder in the benchmark's official format, or hub id of a dataset with such files. "
        "Default: `data`/<task>",
    )
    split: str | None = Field(
        None, description="Split of a benchmark that has several, e.g. dev. Default: the test split"
    )
    languages: LanguageCodes | None = Field(None, description="Languages of this task. Default: the evaluation's")
    limit: int | None = Field(None, ge=1, description="Use only the first N questions per language. Default: all")
    shots: int = Field(0, ge=0, description="Number of solved examples before each question, not from the test split")
    examples: str | None = Field(
        None, description="File or folder (same format) that the shots come from. Default: the benchmark's own, if any"
    )
    max_tokens: int | None = Field(None, ge=1, description="Maximum length of an answer, tokens. Default: the task's")
    choices: Literal["letter", "text", "generate"] | None = Field(
        None,
        description="Multiple choice: likelihood of the letter, of the answer's text, or the letter generated. "
        "Default: letter for belebele, text elsewhere",
    )
    normalize: Literal["none", "characters"] = Field(
        "none",
        description="Which accuracy by likelihood of texts the summary shows: by summed log-likelihood (`accuracy`, "
        "usually published), or by log-likelihood divided by the length in characters (`accuracy_norm`, suits small "
        "models). Both are always computed",
    )
    instruction: str | dict[LanguageCode, str] | None = Field(
        None, description="Instruction that replaces the task's own: a text, or one per language code"
    )
    prompt_language: PromptLanguage | None = Field(
        None, description="Language of this task's instructions. Default: the evaluation's `prompt_language`"
    )
    edition: str | None = Field(
        None, description="xlsum: name of the file where it is not the language's, e.g. pidgin or serbian_latin"
    )
    directions: Literal["both", "into", "from"] = Field(
        "both", description="flores: both ways, only into the targets, or only from them"
    )
    bleu_tokenizer: str = Field(
        "flores200",
        description="flores: a sacreBLEU tokenizer (flores200, flores101, 13a, intl, char, zh, ja-mecab, ko-mecab), "
        "the path of a sentencepiece model, or 'language': zh for Chinese, char for Japanese, Thai, Khmer, Lao, "
        "Burmese and Tibetan, 13a elsewhere",
    )

    @model_validator(mode="before")
    @classmethod
    def _name(cls, value: Any) -> Any:
        return {"task": value} if isinstance(value, str) else value

    @field_validator("task")
    @classmethod
    def _known(cls, value: str) -> str:
        check_name(value)
        return value


class Geometry(Config):
    """Sentence vectors of parallel text: how close languages are to each other inside the model."""

    path: str | None = Field(None, description="Parallel text in flores' format. Default: `data`/flores")
    split: str = Field("devtest", description="Split of the parallel text")
    sentences: int = Field(
        200, ge=2, description="Number of sentences, the first N of the file. Retrieval is among these"
    )
    pooling: Literal["last", "mean"] = Field(
        "last", description="A sentence's vector: its last token's state, or the mean"
    )


class Eval(Config):
    """Evaluation of one or more checkpoints."""

    tasks: list[Task] = Field(description="Benchmarks: names, or sections with a `task`", min_length=1)
    data: str = Field("data", description="Folder with one sub-folder for each task without a `path` of its own")
    source: LanguageCode = Field(
        "eng_Latn", description="The resource-rich language, shown next to the targets. Default: the run's"
    )
    targets: LanguageCodes | None = Field(None, description="Target languages. Default: the run's")
    language_id: str = Field("lid.176", description="'lid.176' (included) or the path of any fastText model")
    comet: str | None = Field(
        None, description="Reference-based COMET model for flores, e.g. Unbabel/wmt22-comet-da. `null`: no COMET"
    )
    comet_encoder: str | None = Field(None, description="Local folder of COMET's encoder configuration and tokenizer")
    geometry: Geometry | None = Field(None, description="Sentence vectors. `null`: none")
    device: str = Field(
        "auto", description="Device of COMET and of sentence vectors: cpu, cuda. `auto`: a GPU of the cluster, if any"
    )
    resamples: int = Field(1000, ge=100, description="Number of bootstrap resamples for every interval and comparison")
    confidence: float = Field(0.95, gt=0.5, lt=1, description="Level of the confidence intervals")
    prompt_language: PromptLanguage = Field(
        "english",
        description="Language of the instructions. `target`: each question's own, where the task ships one, as in "
        "the papers. A language without one is asked in English, with a note",
    )
    seed: int = Field(0, ge=0, description="Seed of the bootstrap and of the choice of few-shot examples")
    samples: int = Field(5, ge=0, description="Questions shown side by side in the report, per task and language")

    @model_validator(mode="before")
    @classmethod
    def _tasks(cls, value: Any) -> Any:
        return {"tasks": value} if isinstance(value, list) else value

    @property
    def languages(self) -> list[str]:
        """Source language first, then the targets."""
        return list(dict.fromkeys([self.source, *(self.targets or [])]))

    def native(self, task: Task) -> bool:
        """Whether a task's instructions are in the language of the question."""
        return (task.prompt_language or self.prompt_language) == "target"

    def path(self, task: Task) -> str:
        """Where a task's files are: a path, or a hub id."""
        return task.path or str(Path(self.data) / task.task)
