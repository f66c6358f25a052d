"""Configuration of evaluation: which tasks, in which languages, how asked and how measured."""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from polydistill.engine.config import Config, LanguageCode, LanguageCodes

TaskName = Literal[
    "belebele", "flores", "xlsum", "mkqa", "mgsm", "xquad", "mlqa", "xnli", "mlama", "sib200", "xcopa", "off_target"
]


class Task(Config):
    """One benchmark. In YAML its name alone is enough where the defaults suit."""

    task: TaskName = Field(description="Name of the benchmark")
    path: str | None = Field(
        None,
        description="File or folder in the benchmark's official format, or hub id of a dataset with such files; "
        "default: `data`/<task>",
    )
    split: str | None = Field(None, description="Split, where the benchmark has several, e.g. dev; default: the test")
    languages: LanguageCodes | None = Field(None, description="Languages of this task; default: the evaluation's")
    limit: int | None = Field(None, ge=1, description="Only the first so many questions of each language")
    shots: int = Field(0, ge=0, description="Solved examples before each question, from another split than the test's")
    examples: str | None = Field(
        None, description="File or folder (same format) that the shots come from; default: the benchmark's own, if any"
    )
    max_tokens: int | None = Field(None, ge=1, description="Longest answer, tokens; default: the task's own")
    choices: Literal["letter", "text", "generate"] | None = Field(
        None,
        description="Multiple choice: likelihood of the letter, of the answer's text, or the letter generated; "
        "default: letter for belebele, text elsewhere",
    )
    normalize: Literal["none", "characters"] = Field(
        "characters", description="Likelihood of texts: summed, or divided by their length in characters"
    )
    instruction: str | dict[LanguageCode, str] | None = Field(
        None, description="Another instruction than the task's English one; or one for each language code"
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

    def said(self, language: str, default: str) -> str:
        """The instruction to use in `language`: the configured one, else `default`."""
        if isinstance(self.instruction, dict):
            return self.instruction.get(language, default)
        return self.instruction or default


class Geometry(Config):
    """Sentence vectors of parallel text: how near languages lie to each other inside the model."""

    path: str | None = Field(None, description="Parallel text in flores' format; default: `data`/flores")
    split: str = Field("devtest", description="Split of it")
    sentences: int = Field(200, ge=2, description="Use the first so many sentences; retrieval is among these")
    pooling: Literal["last", "mean"] = Field(
        "last", description="A sentence's vector: its last token's state, or the mean"
    )


class Eval(Config):
    """Evaluation of one or more checkpoints."""

    tasks: list[Task] = Field(description="Benchmarks: names, or sections with a `task`", min_length=1)
    data: str = Field("data", description="Folder with one sub-folder for each task without a `path` of its own")
    source: LanguageCode = Field("eng_Latn", description="The resource-rich language, shown beside the targets")
    targets: LanguageCodes | None = Field(None, description="Target languages; default: the run's")
    language_id: str = Field("lid.176", description="'lid.176' (carried along) or the path of any fastText model")
    comet: str | None = Field(
        None, description="Reference-based COMET model for flores, e.g. Unbabel/wmt22-comet-da; null: no COMET"
    )
    comet_encoder: str | None = Field(None, description="Local folder of COMET's encoder configuration and tokenizer")
    geometry: Geometry | None = Field(None, description="Sentence vectors; null: none")
    device: str = Field("cpu", description="Device of COMET and of sentence vectors: cpu, cuda")
    resamples: int = Field(1000, ge=100, description="Bootstrap resamples behind every interval and comparison")
    confidence: float = Field(0.95, gt=0.5, lt=1, description="Level of the confidence intervals")
    seed: int = Field(0, ge=0, description="Seed of the bootstrap and of the choice of few-shot examples")
    samples: int = Field(5, ge=0, description="Questions shown side by side in the report, for each task and language")

    @model_validator(mode="before")
    @classmethod
    def _tasks(cls, value: Any) -> Any:
        return {"tasks": value} if isinstance(value, list) else value

    @property
    def languages(self) -> list[str]:
        """Source language first, then the targets."""
        return list(dict.fromkeys([self.source, *(self.targets or [])]))

    def path(self, task: Task) -> str:
        """Where a task's files are: a path, or a hub id."""
        return task.path or str(Path(self.data) / task.task)
