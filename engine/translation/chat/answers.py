"""What a language model wrote when it was asked for a translation: the translation, and what else it said.

The parser is strict. What can be told from a translation with certainty (a preamble, a remark behind it) is cut off
and noted. What is no translation (a refusal, an answer to the question) stays, with a note that drops it.
"""

import re

from polydistill.engine.schema import Note
from polydistill.engine.text.reasoning import cut_reasoning
from polydistill.engine.translation.translator import Hypothesis

_PREAMBLE = re.compile(
    r"\s*(?:(?:sure|certainly|of course|okay|ok)\b[^\n:]{0,80}[:!.]\s*)?"
    r"(?:(?:here(?:'s| is| are)\b[^\n:]{0,80}"
    r"|(?:in \w+(?: \w+)?, )?(?:this is )?(?:the|a) (?:\w+ )?translation\b[^\n:]{0,60}"
    r"|translat(?:ion|ed text)(?: (?:in|into|to) \w+(?: \w+)?)?|\**translation\**)\s*:\**\s*)",
    re.IGNORECASE,
)
_REMARK = re.compile(
    r"\n\s*\n?\s*[(\[*_]*(?:note|explanation|please note|translator'?s note|in this translation"
    r"|literal(?:ly| translation)|let me know|i hope this)\b|\s\((?:note|translator'?s note)\b",
    re.IGNORECASE,
)
_REFUSAL = re.compile(
    r"\s*(?:i(?:'m| am) (?:sorry|unable|not able)|i (?:cannot|can't|can not|won't)\b|sorry,|as an ai\b|i apologi[sz]e"
    r"|there (?:is|are) no (?:\w+ ){0,2}(?:translations?|equivalents?|sentences?)\b)",
    re.IGNORECASE,
)
_QUESTION = re.compile(r"[?？؟;՞፧]")
_NO_QUESTION_MARK = ("Thai", "Laoo", "Khmr", "Mymr", "Jpan", "Tibt")  # a question may end without a mark there
_QUOTES = {'"': '"', "“": "”", "„": "“", "«": "»", "「": "」", "'": "'"}


def parse_translation(source: str, written: str, name: str, script: str) -> Hypothesis:
    """The hypothesis in what the model wrote.

    Args:
        source: the text that was to be translated.
        written: everything the model wrote.
        name: the target language's name in English; models begin with "German: ".
        script: ISO 15924 code of the target language's script.
    """
    notes: list[str] = []
    text, _, _ = cut_reasoning(written)
    for opening in (_PREAMBLE, re.compile(rf"\s*\**{re.escape(name)}\**\s*:\s*", re.IGNORECASE)):
        found = opening.match(text)
        if found and found[0] and not opening.match(source):
            text, notes = text[found.end() :].strip(), [*notes, Note.PREAMBLE]
    remark = _REMARK.search(text)
    if remark and not _REMARK.search(source):
        text, notes = text[: remark.start()].rstrip(), [*notes, Note.REMARK]
    if "\n" in text and "\n" not in source.strip():  # one line was asked for
        text, notes = text.split("\n")[0].rstrip(), [*notes, Note.REMARK]
    if text[:1] in _QUOTES and text[-1:] == _QUOTES[text[:1]] and len(text) > 1 and source[:1] not in _QUOTES:
        text = text[1:-1].strip()
    if _REFUSAL.match(text) and not _REFUSAL.match(source):
        notes.append(Note.REFUSAL)
    elif source.rstrip().endswith("?") and script not in _NO_QUESTION_MARK and text and not _QUESTION.search(text):
        notes.append(Note.ANSWERED)
    return Hypothesis(text, tuple(dict.fromkeys(notes)))
