"""Texts that are code as a whole: a JSON value, a query, an assignment. Line by line they may look like prose."""

import json
import re

_QUERY = re.compile(
    r"(?:SELECT\b(?=[\s\S]*\bFROM\b)|INSERT\s+INTO\b(?=[\s\S]*\b(?:VALUES|SELECT)\b)|UPDATE\b(?=[\s\S]*\bSET\b)"
    r"|DELETE\s+FROM\b|WITH\s+\w+\s+AS\s*\("
    r"|(?:CREATE|ALTER|DROP)\s+(?:OR\s+REPLACE\s+)?(?:TEMP\w*\s+)?(?:TABLE|VIEW|INDEX|DATABASE|TRIGGER)\b)"
)
_LOWER_QUERY = re.compile(_QUERY.pattern.lower().replace(r"[\s\s]", r"[\s\S]"))
_VALUE = r"(?:[\w.+-]+|\"[^\"\n]*\"|'[^'\n]*'|[\w.]*\[[^\n]*\]|\{[^\n]*\}|[\w.]*\([^\n]*\)(?:\.\w+(?:\([^\n]*\))?)*)"
_ASSIGNMENT = re.compile(rf"(?:(?:var|let|const|\$)\s*)?[A-Za-z_][\w.]*(?:\[[^\]\n]*\])?\s*[-+*/]?=\s*{_VALUE};?")
_FORMULA = re.compile(r"[A-Za-z_]\w{0,30}\s*=\s*[\w.()]+(?:\s*[-+*/^%]\s*[\w.()]+)*;?")
_LABEL = re.compile(r"[A-Z][a-z]{3,}\s*=")  # "Variance = 11.3" is a result for a reader
_LONGEST = 500  # characters of an assignment


def whole_code(text: str) -> bool:
    """Whether a text, without surrounding white space, is one JSON object or list, one query or one assignment."""
    text = text.strip()
    if text[:1] in "[{" and text[-1:] in "]}":
        return _is_json(text)
    if "=" in text[:_LONGEST] and "\n" not in text and len(text) <= _LONGEST:
        return not _LABEL.match(text) and any(kind.fullmatch(text) for kind in (_ASSIGNMENT, _FORMULA))
    if _QUERY.match(text):
        return "\n\n" not in text and not text.endswith((".", "!", "?", ":"))
    return text.endswith(";") and _LOWER_QUERY.match(text) is not None and "\n\n" not in text


def _is_json(text: str) -> bool:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return False
    # [1] alone is a mark, a footnote or a citation.
    return isinstance(value, dict) or (isinstance(value, list) and text != f"[{value[0] if value else ''}]")
