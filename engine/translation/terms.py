"""Terms with a fixed translation: a glossary, and names that stay as they are.

A term travels through a translator as a protected span does, as a mark such as [1], and its translation is put in the
mark's place. So it stands in the hypothesis as written, whatever the model knows of it. A language model can be told
of the glossary instead (`engine.translation.chat.prompts.TOLD`). It inflects the term as the sentence wants it, and
`check_terms` notes a term that it did not use.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import regex

from polydistill.engine.schema import Note
from polydistill.engine.scripts import UNSPACED_UNICODE
from polydistill.engine.text.spans import mask
from polydistill.engine.translation.pieces import Sentence
from polydistill.engine.translation.translator import Hypothesis

DEFAULT = "default"
"""Key of the names that stay in all languages without a list of their own."""

_UNSPACED = "".join(rf"\p{{{script}}}" for script in sorted(UNSPACED_UNICODE))
_LETTER = regex.compile(rf"[^\W_{_UNSPACED}]")
_SAME_STEM = 4  # letters of a word that no inflection changes, at least
_ENDING = 3  # letters at a word's end that inflection may change, at most


class Terms:
    """Finds the terms of sentences, by target language."""

    def __init__(self, keep: Mapping[str, Sequence[str]], glossary: Mapping[str, Mapping[str, str]]) -> None:
        """Args:
        keep: names that stay as they are, by target language or `DEFAULT`. Their case has to be the text's.
        glossary: translations of terms, by target language. Their case does not matter.
        """
        self._keep = {language: tuple(names) for language, names in keep.items()}
        self._glossary = {
            language: {term.casefold(): translation for term, translation in entries.items()}
            for language, entries in glossary.items()
        }
        targets = {*self._keep, *self._glossary, DEFAULT}
        self._patterns = {target: self._pattern(target) for target in targets}

    def __bool__(self) -> bool:
        """Whether there are any."""
        return any(pattern is not None for pattern in self._patterns.values())

    def _names(self, target: str) -> tuple[str, ...]:
        return self._keep.get(target, self._keep.get(DEFAULT, ()))

    def _pattern(self, target: str) -> re.Pattern[str] | None:
        """Matches every term of a language, the longest first."""
        entries = self._glossary.get(target, {})
        parts = [(name, _bounded(name)) for name in self._names(target)]
        parts += [(term, f"(?i:{_bounded(term)})") for term in entries]
        parts.sort(key=lambda part: -len(part[0]))
        return re.compile("|".join(pattern for _, pattern in parts)) if parts else None

    def find(self, text: str, target: str) -> list[tuple[int, int, str]]:
        """Start, end and translation of every term in a text, in order, without overlap.

        A term that begins with a capital where the glossary's does not (at the beginning of a sentence) has a
        translation that begins with one as well.
        """
        pattern = self._patterns.get(target, self._patterns[DEFAULT])
        if pattern is None:
            return []
        names, entries = self._names(target), self._glossary.get(target, {})
        found = []
        for match in pattern.finditer(text):
            translation = match[0] if match[0] in names else entries[match[0].casefold()]
            if match[0] not in names and match[0][:1].isupper() and not match[0].isupper():
                translation = translation[:1].upper() + translation[1:]
            found.append((*match.span(), translation))
        return found

    def mark(self, sentence: Sentence, target: str) -> Sentence:
        """The sentence with marks for its terms as well; the same one where it has none."""
        found = self.find(sentence.text, target)
        if not found:
            return sentence
        text, marks = mask(sentence.text, [(start, stop) for start, stop, _ in found])
        translated = tuple((sign, translation) for (sign, _), (_, _, translation) in zip(marks, found))
        return replace(sentence, text=text, marks=(*sentence.marks, *translated))


NO_TERMS = Terms({}, {})


def check_terms(terms: Terms, sentence: Sentence, target: str, hypothesis: Hypothesis) -> Hypothesis:
    """The hypothesis with the note TERM_LOST where the translation of a term is not in it, inflected or not."""
    if hypothesis.text is None:
        return hypothesis
    wanted = [translation for _, _, translation in terms.find(sentence.text, target)]
    lost = any(not has_term(hypothesis.text, translation) for translation in wanted)
    others = tuple(check_terms(terms, sentence, target, other) for other in hypothesis.others)
    notes = (*hypothesis.notes, Note.TERM_LOST) if lost else hypothesis.notes
    return replace(hypothesis, notes=notes, others=others)


def has_term(text: str, translation: str) -> bool:
    """Whether every word of a translation is in the text. The last letters of longer words may differ."""
    text = text.casefold()
    return all(word[: max(_SAME_STEM, len(word) - _ENDING)] in text for word in translation.casefold().split())


def _bounded(term: str) -> str:
    """A pattern for a term as a whole word, at both ends where its script sets spaces between words."""
    before = r"(?<!\w)" if _LETTER.match(term[0]) else ""
    after = r"(?!\w)" if _LETTER.match(term[-1]) else ""
    return before + re.escape(term) + after
