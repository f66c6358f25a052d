"""Tasks that do not survive translation, recognized by their English instruction.

The answer to such a task depends on the words of the source language: their spelling, grammar, number, sound or
translation. Translated, "Correct the spelling" has nothing left to correct, and two lines rhyme no more. The
lists are made for English; instructions in other languages are not looked at. docs/judging.md has precision and
recall on rows labeled by hand.
"""

import functools
import re
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from polydistill.engine.judging.verdicts import Columns
from polydistill.engine.text.profile import Profile, profile, script_groups


@dataclass(frozen=True)
class Kind:
    """A kind of task: words that give it away, and phrases that are searched where one of their words is there."""

    words: str
    hints: str
    phrases: str

    @property
    def pattern(self) -> re.Pattern[str]:
        """The phrases, for texts in lower case: to disregard case takes twice the time."""
        return re.compile(self.phrases)


_LANGUAGES = (
    "French Spanish German Italian Portuguese Dutch Russian Chinese Mandarin Cantonese Japanese Korean Arabic Hindi "
    "Bengali Urdu Turkish Polish Swedish Norwegian Danish Finnish Greek Hebrew Thai Vietnamese Indonesian Latin "
    "Swahili Ukrainian Czech Hungarian Romanian Persian"
)
_LANGUAGE = f"(?:{_LANGUAGES.lower().replace(' ', '|')})"
_NUMBER = r"\b(?:\d{1,2}|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty)"
_TEXT = r"(?:sentence|headline|slogan|phrase|title|summary|poem|story|tagline|caption|description|answer)s?"

KINDS = {
    "translation": Kind(
        "translate translates translated translating translation translations",
        _LANGUAGES,
        rf"\b(?:in|into|to|from) {_LANGUAGE}\b"
        rf"|\b{_LANGUAGE} (?:words?|phrases?|sentences?|expressions?|greetings?|idioms?|translations?|equivalents?)\b",
    ),
    "sound": Kind(
        "rhyme rhymes rhyming rhymed limerick limericks haiku haikus sonnet sonnets iambic couplet couplets pun puns "
        "punny wordplay punchline alliteration alliterative onomatopoeia syllable syllables homophone homophones "
        "homonym homonyms homograph homographs pronounce pronounced pronunciation",
        "verse play sound knock twister twisters punch",
        r"\bfree verse\b|\bplay on words|\bpunch line|\bknock.knock|\btongue.?twister|\bsound of the word",
    ),
    "spelling": Kind(
        "spell spells spelled spelling spellings misspell misspelled misspelling misspellings typo typos anagram "
        "anagrams palindrome palindromes palindromic vowel vowels consonant consonants scramble scrambled unscramble "
        "unscrambled uppercase lowercase titlecase capitalize capitalise capitalized capitalization crossword acrostic "
        "acronym acronyms abbreviate abbreviated abbreviation abbreviations hyphen hyphens prefix prefixes suffix "
        "suffixes alphabetical alphabetically alphabet",
        "case word words pig letter letters compound start starts starting begin begins beginning end ends ending",
        r"\b(?:upper|lower|title|sentence|camel) case\b|\bword search\b|\bpig latin\b|\bcompound words?\b"
        r"|\bletters? (?:in|of) (?:the|a|this|each) (?:word|phrase|name)|\bthe letter [\"'“‘]?[a-z]\b"
        r"|\b(?:begin|start|end)(?:s|ning|ing)? with (?:the letters? )?[\"'“‘]?[a-z][\"'”’]?(?:\W|$)",
    ),
    "grammar": Kind(
        "grammar grammatical grammatically punctuation punctuate proofread proofreading conjugate conjugated "
        "conjugation subjunctive verb verbs adverb adverbs pronoun pronouns preposition prepositions gerund gerunds "
        "participle participles infinitive infinitives noun nouns plural plurals contraction contractions comma commas "
        "apostrophe apostrophes comparative superlative",
        "adjective adjectives subject predicate clause clauses article speech tense tenses active passive fragment "
        "fragments structure run mistake mistakes error errors correct fix",
        r"\b(?:identify|find|underline|name|list|extract|count|locate|select|highlight|determine)\b.{0,30}"
        r"\b(?:adjectives?|subject|predicate|clauses?|article)\b|\bparts? of speech\b|\brun-on\b"
        r"|\b(?:past|present|future|perfect|continuous|progressive|verb|correct|different|the|its) tenses?\b"
        r"|\b(?:active|passive)(?: voice| or passive)|\bsentence (?:fragment|structure)"
        r"|\bstructure of (?:the|this) (?:following |given )?sentence"
        r"|\b(?:mistakes?|errors?)\b.{0,20}\b(?:sentence|text|paragraph|passage)"
        r"|\b(?:correct|fix)\b.{0,20}\b(?:sentence|phrase|errors?|mistakes?|word)\b",
    ),
    "counting": Kind(
        "",
        "words letters characters syllables word letter syllable",
        r"\b(?:how many|number of|count(?: up)?(?: the)?)(?: \w+)? (?:words|letters|characters|syllables)\b"
        rf"|{_NUMBER}[- ](?:words?|letters?|syllables?) {_TEXT}\b|\b(?:exactly|only|just) {_NUMBER} (?:words|letters)\b"
        rf"|\bin {_NUMBER} words?\b|\bword count\b|{_NUMBER}[- ]letter words?\b",
    ),
    "order": Kind(
        "",
        "words word",
        r"\b(?:re)?-?(?:arrange|order|organi[sz]e)\b.{0,40}\bwords\b|\bwords? .{0,30}\b(?:form|make|create) a sentence",
    ),
    "idiom": Kind(
        "idiom idioms idiomatic slang etymology etymological",
        "proverb saying expression",
        r"\bcomplete\b.{0,40}\b(?:proverb|saying)\b|\bexpression [\"“]",
    ),
}

_PROGRAM = (
    "function functions program programs script scripts python java javascript code algorithm algorithms regex sql "
    "query html css php array dataset database variable variables loop class"
)
"""Words of tasks about code: what these do to words, they do in any language."""


_EVERY = " ".join([_PROGRAM, *(words for kind in KINDS.values() for words in (kind.words, kind.hints))])


def language_tasks(texts: pa.Array, measured: Profile, rows: np.ndarray, source: str) -> Columns:
    """Which instructions ask for something that does not survive translation.

    Args:
        texts: strings without nulls.
        measured: the texts' profile.
        rows: int64 (n,), which of the texts are the instructions.
        source: FLORES-200 code of their language.

    Returns:
        bool (n,) for each kind in `KINDS`.
    """
    n = len(rows)
    if source != "eng_Latn" or not n:
        return {kind: np.zeros(n, bool) for kind in KINDS}
    words, owner = measured.words_of(rows)
    known = _among(words, _hashes(_EVERY))  # most texts have none
    words, owner = words[known], owner[known]

    def having(wanted: str) -> np.ndarray:
        found = np.zeros(n, bool)
        found[owner[_among(words, _hashes(wanted))]] = True
        return found

    program = having(_PROGRAM)
    found = {}
    for kind, marks in KINDS.items():
        found[kind] = having(marks.words) & ~program
        hinted = np.flatnonzero(having(marks.hints) & ~program & ~found[kind])
        search = marks.pattern.search
        asked = pc.utf8_lower(texts.take(pa.array(rows[hinted]))).to_pylist()
        found[kind][hinted] = [search(text) is not None for text in asked]
    return found


def _among(words: np.ndarray, hashes: np.ndarray) -> np.ndarray:
    """Which of the words' hashes are among `hashes`, which are sorted: bool (words,)."""
    if not len(hashes):
        return np.zeros(len(words), bool)
    return hashes[np.minimum(np.searchsorted(hashes, words), len(hashes) - 1)] == words


@functools.cache
def _hashes(words: str) -> np.ndarray:
    """Sorted hashes of the words, as `text.profile` makes them."""
    return np.unique(profile(pa.array([words]), script_groups("eng_Latn")).words)
