"""Patterns made of texts."""

import re
from collections.abc import Sequence


def any_of(texts: Sequence[str]) -> re.Pattern[str]:
    """A pattern that matches any of the texts, the first one first; nothing where there are none."""
    return re.compile("|".join(re.escape(text) for text in texts) or "(?!)")
