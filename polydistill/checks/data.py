"""Checks of the rows that synthesis reads."""

from collections import Counter

from polydistill.checks.locate import locate
from polydistill.checks.problem import Problem, caught
from polydistill.engine.config import PromptSource
from polydistill.engine.errors import UserError
from polydistill.run_config import RunConfig


def languages(run: RunConfig) -> list[Problem]:
    """The source language is no target."""
    sources = {run.source, *(source.language for source in run.prompts if source.language)}
    both = [target for target in run.targets if target in sources]
    if both and len(sources) == 1:
        return [Problem("targets", f"{', '.join(both)} is the language of the prompts as well. Leave it out")]
    return []


def prompts(run: RunConfig) -> list[Problem]:
    """Every source of prompts exists, and its first rows fit a format."""
    found: list[Problem] = []
    for number, source in enumerate(run.prompts):
        found += readable(source, "prompts.path" if len(run.prompts) == 1 else f"prompts.{number}.path", run.source)
    return found


def readable(source: PromptSource, key: str, language: str) -> list[Problem]:
    """A source of rows exists, and its first rows fit a format.

    Args:
        key: of the configuration.
        language: of its rows, where it does not say so itself.
    """
    from huggingface_hub import is_offline_mode

    from polydistill.engine.prompts.cleaning import clean
    from polydistill.engine.prompts.fields import Notes
    from polydistill.engine.prompts.sources import on_hub, open_sources

    found: list[Problem] = []
    with caught(key, found):
        # Asked first: the library that reads it tries again for half a minute. Offline the reader itself says at once.
        if on_hub(source.path) and not is_offline_mode():
            locate(source.path.removeprefix("hub:"), "README.md", "dataset")
        first = next(open_sources([source], language)[0].frames(Notes()), None)
        if first is None or not first.frame.height:
            raise UserError(f"{source.path}: no rows in it")
        reasons = Counter(clean(first.frame, source)[0]["reason"].to_list())
        if not reasons[None]:
            counted = ", ".join(f"{reason}: {count:,}" for reason, count in reasons.most_common())
            advice = "Save the file as UTF-8" if reasons["bad_utf8"] else "docs/data.md explains these reasons"
            raise UserError(
                f"{source.path}: none of the first {first.frame.height:,} rows can be used ({counted}). {advice}"
            )
    return found
