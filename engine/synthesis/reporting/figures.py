"""The figures of a run: the content of `report.json`, and the table for the terminal."""

from dataclasses import dataclass, field

from polydistill.engine.generation.answers import AnswerFigures
from polydistill.engine.storage.figures import (
    NO_TOKENS,
    QUALITY_EDGES,
    RATIO_EDGES,
    RescueFigures,
    RowFigures,
    TokenFigures,
)
from polydistill.engine.synthesis.reporting.thresholds import Thresholds


@dataclass(frozen=True)
class PromptFigures:
    """What became of the rows of the sources."""

    rows_read: int
    rows_kept: int
    dropped: dict[str, int]  # reason -> rows

    def text(self) -> str:
        """One line for people."""
        return f"{self.rows_read:,} rows read, {self.rows_kept:,} usable{listed(self.dropped)}"


@dataclass(frozen=True)
class Report:
    """The figures of a run (`report.json`)."""

    prompts: PromptFigures
    languages: dict[str, RowFigures]  # target language -> its rows
    curve: list[tuple[float, int]]  # (seconds, pool rows so far) of the last call
    answers: AnswerFigures = field(default_factory=AnswerFigures)  # of the student
    unidentified: list[str] = field(default_factory=list)  # targets that the language-ID model does not know
    thresholds: dict[str, Thresholds] = field(default_factory=dict)  # by target; {} where the run has no config.yaml
    quality_edges: list[float] = field(default_factory=QUALITY_EDGES.tolist)
    length_ratio_edges: list[float] = field(default_factory=RATIO_EDGES.tolist)
    page: str = ""  # SHA-256 of report.html
    format: int = 3


def as_text(report: Report, root: str) -> str:
    """The table for the terminal."""
    lines = [f"{root}: {report.prompts.text()}"]
    if report.answers.rows:
        lines.append(f"  {report.answers.text()}")
    for target, known in report.languages.items():
        share, dropped = known.kept / max(known.rows, 1), listed(known.reasons, most=4)
        lines.append(f"  {target}  {known.rows:>9,} rows  {known.kept:>9,} kept ({share:.0%}){dropped}")
        if known.translation.cost:
            lines.append(f"            translation: {_spent(known.translation)}")
        if notes := known.notes():
            lines.append(f"            noticed in translation: {counted(notes, most=6)}")
        if known.rescue is not None:
            lines += [f"            {chance.text(known.rows)}" for chance in chances(known.rescue, known.kept)]
    translation = sum((known.translation for known in report.languages.values()), NO_TOKENS)
    if translation != NO_TOKENS and not translation.cost:
        lines.append(f"  translation: {_spent(translation)}")
    if cost := sum(tokens.cost for _, tokens in spending(report)):
        lines.append(f"  cost of all models: {cost:,.2f}")
    if report.unidentified:
        lines.append(
            f"  not known to the language-ID model: {', '.join(report.unidentified)}. "
            "There only texts left in the source language were noticed"
        )
    return "\n".join(lines)


def spending(report: Report) -> list[tuple[str, TokenFigures]]:
    """What each step took, in each language: (step, tokens and cost). Answers are made once for all languages."""
    answers = TokenFigures(report.answers.prompt_tokens, report.answers.answer_tokens, report.answers.cost)
    rows = [("answers", answers)]
    rows += [(f"translation, {target}", known.translation) for target, known in report.languages.items()]
    return [row for row in rows if row[1] != NO_TOKENS]


def _spent(tokens: TokenFigures) -> str:
    cost = f", cost {tokens.cost:,.2f}" if tokens.cost else ""
    return f"{tokens.prompt_tokens:,} tokens read, {tokens.answer_tokens:,} written{cost}"


def listed(reasons: dict[str, int], most: int | None = None) -> str:
    """Drop reasons with their numbers of rows, most frequent first, as the end of a sentence; "" for none.

    Args:
        most: how many are named. The others are summed up.
    """
    return f"; dropped: {counted(reasons, most)}" if reasons else ""


def counted(names: dict[str, int], most: int | None = None) -> str:
    """Names with their numbers, most frequent first; see `listed`."""
    items = sorted(names.items(), key=lambda item: -item[1])
    named = items[:most]
    others = sum(names.values()) - sum(count for _, count in named)
    rest = f", others {others:,}" if others else ""
    return ", ".join(f"{name} {count:,}" for name, count in named) + rest


@dataclass(frozen=True)
class Chance:
    """What a step of judging brought and cost: first hypotheses, then the next best, then the second translator."""

    name: str
    kept: int  # rows, after this step
    estimates: int  # hypotheses that quality estimation scored in this step
    seconds: float  # of judging, and of what the second translator did
    tokens: int = 0  # that the second translator read and wrote
    texts: int = 0  # that it was given
    share: float = 0.0  # of all characters, how many it was given

    def text(self, rows: int) -> str:
        """One line for people."""
        line = f"{self.name}: {self.kept / max(rows, 1):.1%} kept, {self.estimates:,} quality estimates"
        line += f", {self.seconds:.1f} s"
        return line + (
            f", {self.texts:,} texts ({self.share:.1%} of all characters), {self.tokens:,} tokens" if self.texts else ""
        )


def chances(known: RescueFigures, kept: int) -> list[Chance]:
    """The three steps of one language, of which `kept` rows are kept in the end."""
    share = known.characters_fallback / max(known.characters, 1)
    return [
        Chance("first hypotheses", known.kept_without_rescue, known.estimates, known.seconds),
        Chance("with the next best", known.kept_without_fallback, known.estimates_beam, known.seconds_beam),
        Chance(
            *("with the fallback", kept, known.estimates_fallback, known.seconds_fallback),
            *(known.tokens_fallback, known.texts_fallback, share),
        ),
    ]
