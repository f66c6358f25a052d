"""Recipes: which samples a training mixture is made of. A method is a YAML file, not code.

A recipe lists *subsets*. Each says in which language question and answer stand, or which task is made from
parallel text, and what it weighs. `configs/recipes/` holds the methods of the papers. docs/recipes.md explains
every key.
"""

import difflib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from polydistill import configs
from polydistill.engine.config import Config, override, read_yaml, validate
from polydistill.engine.errors import UserError
from polydistill.engine.mixing.instructions import fields, question_format, templates
from polydistill.engine.storage.names import file_name

RECIPES = Path(configs.__file__ or "").parent / "recipes"

Side = Literal["source", "target"]
FileName = Annotated[str, AfterValidator(lambda text: file_name(text, "name"))]
"""A name that also names a folder or a file, see `engine.storage.names`."""


class Answers(Config):
    """The coin between the answer that came with the data (y) and the student's own (y^)."""

    truth: float = Field(0.0, ge=0, le=1, description="Chance of the answer that came with the data")
    self: float = Field(0.0, ge=0, le=1, description="Chance of the student's own answer")

    @model_validator(mode="after")
    def _something(self) -> "Answers":
        if abs(self.truth + self.self - 1) > 1e-6:
            raise ValueError(f"truth and self must add up to 1, not {self.truth + self.self:g}")
        return self


class CodeSwitch(Config):
    """Replacement of question words by dictionary translations (SDRRL, in the way of mRASP's RAS)."""

    questions: float = Field(0.15, ge=0, le=1, description="Chance of each question word that the dictionary covers")
    most_frequent: int | None = Field(
        None, ge=1, description="Use only the first N words of the dictionary (mRASP: 2000). `null`: all"
    )


class Subset(Config):
    """One kind of sample: either question and answer from the pool, or a task on parallel text."""

    question: Side | None = Field(None, description="Language of the question")
    answer: Side | None = Field(None, description="Language of the answer")
    task: Literal["translate", "complete", "native"] | None = Field(
        None,
        description="translate, complete: a task made from parallel text instead. native: rows that are in the target "
        "language from the beginning, from the run's section `native`",
    )
    rows: int | None = Field(None, ge=1, description="native: take the first N rows of each language. `null`: all")
    directions: Literal["forward", "backward", "both"] = Field(
        "both", description="translate: source to target, target to source, or both"
    )
    language: Literal["source", "target", "both"] = Field("target", description="complete: the side that is completed")
    templates: str | list[str] | None = Field(
        None,
        description="Instruction of the task, with {source} and {target} (translate) or {language} (complete). "
        "'pool' draws one of `engine.mixing.instructions` for each row. `null`: the papers' instruction",
    )
    answers: Answers | None = Field(None, description="This subset's coin. Default: the recipe's")
    switch: float | None = Field(None, ge=0, le=1, description="This subset's code-switching. Default: the recipe's")
    ask: str | None = Field(
        None,
        description="Sentence after the question that names the answer's language. 'native' is 'Please answer in "
        "German.', in German, after questions whose answer has letters. A text of your own with {language} (the "
        "English name) follows every question",
    )
    part: str | None = Field(None, description="Take only the rows that fall into this part, see the recipe's `parts`")
    weight: float = Field(1.0, gt=0, description="Weight in the objective")

    @model_validator(mode="after")
    def _one_kind(self) -> "Subset":
        if self.task is None and (self.question is None or self.answer is None):
            raise ValueError("say `question` and `answer` (source or target), or a `task` (translate or complete)")
        if self.rows is not None and self.task != "native":
            raise ValueError("only task native takes `rows`. parallel.rows is the number of sentence pairs")
        if self.task == "native" and self.templates:
            raise ValueError("task native takes no templates")
        if self.task is not None and (self.question or self.answer or self.ask or self.answers or self.part):
            raise ValueError(f"task {self.task} takes no question, answer, answers, ask or part")
        if self.task == "native":
            return self
        known = {"source", "target"} if self.task == "translate" else {"language"}
        for text in templates(self.templates, self.task) if self.task else [self.ask or ""]:
            if not fields(text) <= (known if self.task else {"language"}):
                raise ValueError(
                    f"'{text}' may hold no other fields than {sorted(known if self.task else {'language'})}"
                )
        return self

    @property
    def source_only(self) -> bool:
        """Whether it holds source-language text only, so that every prompt is used once, not once per target."""
        return self.question == "source" and self.answer == "source"


class Sampling(Config):
    """How much of each target language the mixture holds."""

    temperature: float = Field(
        1.0, gt=0, description="Language shares become n^(1/T): 1 keeps them, higher evens them out"
    )
    shares: dict[str, float] | None = Field(
        None, description="Share of each target language, instead of a temperature (e.g. from `polydistill allocate`)"
    )


class Recipe(Config):
    """A method: what the mixture consists of and what training minimizes."""

    name: FileName = Field("custom", description="Name. Default: that of the file")
    answers: Answers = Field(default_factory=lambda: Answers(truth=1.0), description="The coin between y and y^")
    code_switch: CodeSwitch | None = Field(None, description="Code-switching of questions. `null`: none")
    objective: Literal["subset_mean", "token_mean", "sample_mean"] = Field(
        "token_mean",
        description="subset_mean: every subset weighs the same whatever its size (SDRRL). token_mean: every answer "
        "token. sample_mean: every sample",
    )
    parts: dict[str, float] | None = Field(
        None, description="Splits the rows of each language at random. Subsets name the part they take (CIT)"
    )
    sampling: Sampling | None = Field(None, description="Language shares. `null`: all rows")
    format: str | None = Field(
        None,
        description="How instruction and input become one question: 'squad' (Context, Question), 'multinli' (Premise, "
        "Hypothesis, and what is asked), or a text of your own with {instruction} and {input}. `null`: they stay apart",
    )
    same_step: bool = Field(False, description="Keep a prompt's language variants in one optimizer step")
    subsets: dict[FileName, Subset] = Field(
        description="The subsets by name. `null` removes an inherited one (`extends`)"
    )

    @field_validator("subsets", mode="before")
    @classmethod
    def _without_removed(cls, value: Any) -> Any:
        if isinstance(value, dict):
            value = {name: subset for name, subset in value.items() if subset is not None}
            if not value:
                raise ValueError("a recipe needs at least one subset")
        return value

    @field_validator("format")
    @classmethod
    def _format_has_both(cls, value: str | None) -> str | None:
        if value is not None and fields(question_format(value)) != {"instruction", "input"}:
            raise ValueError("a format has the fields {instruction} and {input}, and no others")
        return value

    @model_validator(mode="after")
    def _parts_exist(self) -> "Recipe":
        for name, subset in self.subsets.items():
            if subset.part is not None and subset.part not in (self.parts or {}):
                raise ValueError(f"subset {name} takes part '{subset.part}', which `parts` does not define")
        if self.parts is not None and not abs(sum(self.parts.values()) - 1) < 1e-6:
            raise ValueError(f"the parts must add up to 1, not {sum(self.parts.values()):g}")
        return self

    def coin(self, subset: Subset) -> Answers:
        """The coin that this subset's answers are drawn with."""
        return subset.answers or self.answers

    def probability(self, subset: Subset) -> float:
        """How likely each covered word of this subset's questions is switched."""
        return subset.switch if subset.switch is not None else self.code_switch.questions if self.code_switch else 0.0

    @property
    def needs_pool(self) -> bool:
        """Whether any subset is made of pool rows."""
        return any(subset.task is None for subset in self.subsets.values())

    @property
    def needs_parallel(self) -> bool:
        """Whether any subset is made of parallel text."""
        return any(subset.task in ("translate", "complete") for subset in self.subsets.values())

    @property
    def needs_native(self) -> bool:
        """Whether any subset is made of rows in the target languages."""
        return any(subset.task == "native" for subset in self.subsets.values())

    @property
    def needs_dictionaries(self) -> bool:
        """Whether any subset's questions are code-switched."""
        return any(s.task is None and self.probability(s) > 0 for s in self.subsets.values())


def names() -> list[str]:
    """Names of the recipes that come with polydistill."""
    return sorted(path.stem for path in RECIPES.glob("*.yaml"))


def load_recipe(name: str | Path, overrides: list[str] | None = None) -> Recipe:
    """The recipe of that name, or in that YAML file, with `key.sub=value` overrides.

    A file may say `extends: NAME` and then states only what differs: sections are merged key by key, `answers` is
    replaced as a whole, and null removes a subset.

    Raises:
        UserError: no such recipe, wrong content, or a subset to remove that is not there.
    """
    path = _path(str(name))
    data = _merged(path, ())
    for text in overrides or []:
        known = _subsets(data)
        override(data, text)
        _check_removed(data, known, f"--set {text}")
    return validate(Recipe, {"name": path.stem, **data}, str(path))


def _path(name: str) -> Path:
    if name.endswith((".yaml", ".yml")):
        return Path(name)
    if name not in names():
        near = difflib.get_close_matches(name[:60], names(), n=1)
        hint = f"; did you mean '{near[0]}'?" if near else ""
        known = ", ".join(names())
        raise UserError(f"no recipe '{name[:60]}'{hint} (there are: {known}; or give the path of a .yaml file)")
    return RECIPES / f"{name}.yaml"


def _merged(path: Path, seen: tuple[Path, ...]) -> dict[str, object]:
    """The YAML of `path` on top of what it extends."""
    if path in seen:
        raise UserError(f"{path}: `extends` runs in a circle")
    data = read_yaml(path)
    parent = data.pop("extends", None)
    if parent is None:
        _check_removed(data, set(), str(path))
        return data
    base = _path(str(parent))
    if str(parent).endswith((".yaml", ".yml")):
        base = path.parent / base
    below = _merged(base, (*seen, path))
    _check_removed(data, _subsets(below), str(path))
    return _over(below, data)


def _subsets(data: dict[str, object]) -> set[str]:
    """Names of the subsets that `data` knows, also those that it removes."""
    subsets = data.get("subsets")
    return set(subsets) if isinstance(subsets, dict) else set()


def _check_removed(data: dict[str, object], known: set[str], where: str) -> None:
    """UserError where `data` removes a subset that is not there: a slip of the pen would be no ablation."""
    subsets = data.get("subsets")
    removed = {name for name, subset in subsets.items() if subset is None} if isinstance(subsets, dict) else set()
    for name in sorted(map(str, removed - known)):
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise UserError(
            f"{where}: there is no subset {name} to remove (there are: {', '.join(sorted(known)) or 'none'}){hint}"
        )


def _over(base: dict[str, object], top: dict[str, object]) -> dict[str, object]:
    merged = dict(base)
    for key, value in top.items():
        # `answers: {self: 1}` says what the coin is. Merged with {truth: 0.5, self: 0.5} it would keep half a truth.
        below = merged.get(key)
        if isinstance(value, dict) and isinstance(below, dict) and key != "answers":
            merged[key] = _over(below, value)
        else:
            merged[key] = value
    return merged
