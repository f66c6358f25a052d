"""Languages as file names spell them: de, deu, deu_Latn, de-Latn, German, Deutsch, pt_BR, zh-CN, iw, jp."""

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from polydistill.engine.errors import UserError
from polydistill.engine.languages import find_language, get_language, language_code, languages

_OLD = {"jp": "jpn_Jpan", "cn": "zho_Hans", "iw": "heb_Hebr", "in": "ind_Latn", "ji": "ydd_Hebr", "nb": "nob_Latn"}
"""Names that published files use though they are no language codes today (MUSE's en-jp, OPUS's iw)."""

_REGIONS = {"zho": {"cn", "sg", "tw", "hk"}, "por": {"br", "pt"}, "eng": {"us", "gb"}, "spa": {"mx", "es"}}
"""Regions that files name in small letters as well: zh_cn, pt_br. Other codes are two languages: en-tw is Twi."""


@dataclass(frozen=True)
class NamedPair:
    """A pair of languages that a name says."""

    first: str  # FLORES-200 codes
    second: str
    rest: str  # the name without the pair


@functools.cache
def spelled(text: str) -> str | None:
    """FLORES-200 code of the language that a part of a file's name spells; None for any other word.

    A code without a script stands for the language's usual one: "zh" is not Traditional Chinese.
    """
    parts = re.split("[-_]", text)
    if len(parts) > 2 or not all(part.isalpha() for part in parts):
        return None
    base = _OLD.get(parts[0].lower()) or _known(parts[0])
    if base is None or len(parts) == 1:
        return base
    if len(parts[1]) == 4:
        wanted = parts[1].capitalize()
        scripts = {get_language(code).script for code in _variants(base)}
        return f"{base[:3]}_{wanted}" if wanted in scripts else None
    if len(parts[1]) == 2 and (parts[1].isupper() or _is_region(*parts)):
        try:
            return language_code(text)
        except UserError:  # written there in a script that FLORES-200 does not have, such as pa_PK
            return None
    return None


def _is_region(language: str, region: str) -> bool:
    return region.lower() in _REGIONS.get((_known(language) or "")[:3], ())


@functools.cache
def _scripts() -> frozenset[str]:
    """Names of scripts that are no names of languages. Looking for one in all languages' own names takes a second."""
    return frozenset(language.script for language in languages()) - {"Thai"}


def _known(word: str) -> str | None:
    if word in _scripts():
        return None
    try:
        found = find_language(word) if len(word) > 1 else None
    except UserError:
        return None
    return found.code if found else None


def _variants(code: str) -> list[str]:
    return [language.code for language in languages() if language.code[:3] == code[:3]]


def named_pairs(name: str) -> Iterator[NamedPair]:
    """The pairs of languages that a name says, such as "opus.en-id-train" or "eng_Latn-deu_Latn".

    Of several readings of a part the longest counts: "zh_TW-en" is not Twi and English.
    """
    tokens = re.split(r"([._\- ]+)", name)
    for start in range(0, len(tokens), 2):
        for middle in _ends(tokens, start):
            first = spelled("".join(tokens[start : middle + 1]))
            if first is None or middle + 2 >= len(tokens) or tokens[middle + 1] not in "-_":
                continue
            for end in _ends(tokens, middle + 2):
                second = spelled("".join(tokens[middle + 2 : end + 1]))
                if second is None or second == first or _continues(tokens, start, middle + 2, end):
                    continue
                if _is_region(tokens[start], tokens[middle + 2]):
                    continue
                rest = "".join(tokens[:start]).rstrip("._- ") + "".join(tokens[end + 1 :])
                yield NamedPair(first, second, rest)


def _ends(tokens: list[str], start: int) -> list[int]:
    """Indices of the last token of a spelling that begins at `start`: it has one or two words."""
    return [end for end in (start, start + 2) if end < len(tokens) and (end == start or tokens[start + 1] in "-_")]


def _continues(tokens: list[str], start: int, second: int, end: int) -> bool:
    """Whether a longer spelling begins before the pair or goes on behind it."""
    before = start >= 2 and tokens[start - 1] in "-_" and spelled("".join(tokens[start - 2 : start + 1])) is not None
    one_word = end == second and end + 2 < len(tokens) and tokens[end + 1] in "-_"
    return before or (one_word and spelled("".join(tokens[second : end + 3])) is not None)
