"""Mark-then-translate: an answer that is a part of its input is translated in its place there.

As Self-Translate-Train does with SQuAD (arXiv 2407.00454, section 4.1), for any translator:

    input   The war ended in 1990 in the north.
    asked   The war ended in <answer>1990</answer> in the north.
    made    Der Krieg endete <answer>1990</answer> im Norden.         -> truth's translation: 1990

So question, input and answer still belong together, which three separate translations do not see to. Below the
translation stage the marks are protected spans like any tag (`engine.text.spans`).
"""

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from polydistill.engine.languages import get_language
from polydistill.engine.schema import Note
from polydistill.engine.text.spans import numbers_lost

_MARK = re.compile(r"</?answer>")


def mark(text: str, answer: str, source: str) -> str | None:
    """`text` with marks around the first place where `answer` stands in it as whole words; None where it does not.

    Args:
        text, answer: both in language `source` (FLORES-200 code). Without spaces between words, any place counts.
    """
    answer = answer.strip()
    if not answer or _MARK.search(text):
        return None
    pattern = re.escape(answer)
    if get_language(source).writing.space_between_words:
        pattern = (r"(?<!\w)" if answer[0].isalnum() else "") + pattern + (r"(?!\w)" if answer[-1].isalnum() else "")
    place = re.search(pattern, text)
    return f"{text[: place.start()]}<answer>{answer}</answer>{text[place.end() :]}" if place else None


def read(text: str) -> tuple[str, str] | None:
    """(text without marks, the answer between them); None unless there is one pair around something."""
    parts = _MARK.split(text)
    if _MARK.findall(text) != ["<answer>", "</answer>"] or not parts[1].strip():
        return None
    before, answer, after = parts
    # Models set spaces inside the marks as well as outside.
    left = "" if before[-1:].isspace() or not before else answer[: len(answer) - len(answer.lstrip())]
    right = "" if after[:1].isspace() or not after else answer[len(answer.rstrip()) :]
    return f"{before}{left}{answer.strip()}{right}{after}", answer.strip()


def mark_rows(table: pa.Table) -> tuple[pa.Table, np.ndarray]:
    """GENERATED rows with the given answer (`truth`) marked in the input where it stands there, and in which: bool."""
    rows = zip(*(table[name].to_pylist() for name in ("input", "truth", "source")))
    inputs = [mark(text, answer, source) if text and answer else None for text, answer, source in rows]
    extractive = np.array([text is not None for text in inputs], bool)
    column = pc.coalesce(pa.array(inputs, pa.string()), table["input"])
    return table.set_column(table.schema.get_field_index("input"), "input", column), extractive


def read_rows(table: pa.Table, extractive: np.ndarray) -> pa.Table:
    """TRANSLATED rows with marked inputs, now without marks and with the answers found between the marks.

    The student's answer takes the same translation where it is the same text. An answer that cannot be read back keeps
    the translation it got by itself and the note `answer_lost`.
    """
    names = ("mt_input", "mt_truth", "notes_truth", "mt_self", "notes_self")
    columns = {name: table[name].to_pylist() for name in names}
    truths, own = table["truth"].to_pylist(), table["self"].to_pylist()
    for row in np.flatnonzero(extractive).tolist():
        made = columns["mt_input"][row]
        found = read(made) if made is not None else None
        if made is not None:
            columns["mt_input"][row] = found[0] if found else _MARK.sub("", made)
        for field in ("truth", "self") if own[row] == truths[row] else ("truth",):
            if found is None:
                columns[f"notes_{field}"][row] = [*columns[f"notes_{field}"][row], Note.ANSWER_LOST]
            else:
                columns[f"mt_{field}"][row] = found[1]
                columns[f"notes_{field}"][row] = [Note.NUMBER_LOST] if numbers_lost(truths[row], found[1]) else []
    for name in names:
        field = table.schema.field(name)
        table = table.set_column(table.schema.get_field_index(name), field, pa.array(columns[name], field.type))
    return table
