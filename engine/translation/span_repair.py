"""Protected spans back into the hypotheses, whatever the model did to their marks."""

import re
from typing import NamedTuple

from polydistill.engine.schema import Note
from polydistill.engine.text.spans import missing, restore
from polydistill.engine.translation.pieces import Sentence
from polydistill.engine.translation.translator import Hypothesis, Translator


class Request(NamedTuple):
    """A sentence that is to be translated into a language."""

    sentence: Sentence
    target: str


def put_spans_back(requests: list[Request], hypotheses: list[Hypothesis], translator: Translator) -> list[Hypothesis]:
    """Replace every mark by its span. Where the model lost a mark, translate the text between the spans instead.

    Args:
        requests: what was asked.
        hypotheses: what the model made of each request, with marks.
        translator: asked once more, for the parts of all sentences that lost a mark.
    """
    restored = [_restored(request.sentence, hypothesis) for request, hypothesis in zip(requests, hypotheses)]
    split = [_between(request.sentence) if text is None else [] for request, text in zip(requests, restored)]
    calls = [
        (part.text, request.sentence.source, request.target)
        for request, parts in zip(requests, split)
        for part in parts
        if part.translate
    ]
    if not any(split):
        return [hypothesis for hypothesis in restored if hypothesis is not None]
    made = iter(translator([call[0] for call in calls], [call[1] for call in calls], [call[2] for call in calls]))
    return [
        hypothesis
        or _joined(request.sentence, parts, [next(made) if part.translate else Hypothesis(part.text) for part in parts])
        for request, hypothesis, parts in zip(requests, restored, split)
    ]


def _restored(sentence: Sentence, hypothesis: Hypothesis) -> Hypothesis | None:
    """The hypothesis with its spans; None where a mark does not stand in it exactly once.

    Such a one among the next best is left out.
    """
    if not sentence.marks or hypothesis.text is None:
        return hypothesis
    text = restore(hypothesis.text, sentence.marks)
    others = [_restored(sentence, other) for other in hypothesis.others]
    kept = tuple(other for other in others if other is not None)
    return None if text is None else Hypothesis(text, hypothesis.notes, kept)


class _Part(NamedTuple):
    """A stretch of a sentence: a span, or text between spans with the white space around it."""

    text: str
    translate: bool
    before: str = ""
    after: str = ""


def _between(sentence: Sentence) -> list[_Part]:
    parts = []
    spans = dict(sentence.marks)
    for stretch in re.split("(" + "|".join(re.escape(mark) for mark in spans) + ")", sentence.text):
        if stretch in spans:
            parts.append(_Part(spans[stretch], False))
        elif WORD.search(stretch):
            core = stretch.strip()
            start = stretch.index(core)
            parts.append(_Part(core, True, stretch[:start], stretch[start + len(core) :]))
        else:
            parts.append(_Part(stretch, False))
    return parts


def _joined(sentence: Sentence, parts: list[_Part], made: list[Hypothesis]) -> Hypothesis:
    """One hypothesis from those of a sentence's parts."""
    notes = dict.fromkeys([*(note for hypothesis in made for note in hypothesis.notes), Note.SPAN_SPLIT])
    if any(hypothesis.text is None for hypothesis in made):
        return Hypothesis(None, tuple(notes))
    text = "".join(f"{part.before}{hypothesis.text}{part.after}" for part, hypothesis in zip(parts, made))
    lost = missing([span for _, span in sentence.marks], text)
    return Hypothesis(text, (*notes, Note.SPAN_LOST) if lost else tuple(notes))


WORD = re.compile(r"[^\W\d_]")
