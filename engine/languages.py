"""Languages by their FLORES-200 codes, which NLLB uses, and by the other names people give them."""

import difflib
import functools
from dataclasses import dataclass

from babel import Locale, UnknownLocaleError

from polydistill.engine.errors import UserError
from polydistill.engine.flores200 import ALIASES, FLORES_200


@dataclass(frozen=True)
class Language:
    """One of the languages of FLORES-200."""

    code: str  # FLORES-200: ISO 639-3, underscore, ISO 15924 script, e.g. deu_Latn
    iso1: str  # ISO 639-1, "" where there is none
    name: str  # in English

    @property
    def iso3(self) -> str:
        """ISO 639-3 code, e.g. deu."""
        return self.code[:3]

    @property
    def script(self) -> str:
        """ISO 15924 code of the script, e.g. Latn."""
        return self.code[4:]

    @property
    def spaced(self) -> bool:
        """Whether a space stands between two sentences (and between most words)."""
        return self.script not in ("Jpan", "Hans", "Hant")

    @property
    def locale(self) -> str:
        """Tag that CLDR, ICU and sentence splitters know it by: ISO 639-1 where there is one, else 639-3."""
        return self.iso1 or self.iso3

    @property
    def autonym(self) -> str:
        """Its name in the language itself where CLDR has it, else in English."""
        try:
            return Locale.parse(self.locale).get_language_name() or self.name
        except (UnknownLocaleError, ValueError):
            return self.name


def language_code(text: str) -> str:
    """FLORES-200 code of a language given as deu_Latn, deu, de, de-AT, German or Deutsch (any case).

    Codes and names of macrolanguages mean their usual member (Arabic: Modern Standard), those of languages in
    several scripts the usual one (Chinese: simplified).

    Raises:
        UserError: unknown language; the message names near matches.
    """
    return get_language(text).code


def get_language(text: str) -> Language:
    """The language that `text` names, see `code`."""
    key = _key(text)
    if len(key) == 5 and key[2] == "_" and key not in _codes():
        key = key[:2]  # pt-BR: regions make no difference here
    # Asking CLDR for all names takes a second, and codes are what is mostly given.
    found = _codes().get(key) or _names().get(key)
    if found is None:
        near = difflib.get_close_matches(key, _names(), n=3, cutoff=0.7)
        hint = (
            " Did you mean " + " or ".join(f"{_names()[n].code} ({_names()[n].name})" for n in near) + "?"
            if near
            else ""
        )
        raise UserError(
            f"unknown language {text!r}: expected a FLORES-200 code (deu_Latn), an ISO 639 code (de, deu) "
            f"or an English name (German).{hint}"
        )
    return found


def languages() -> list[Language]:
    """All languages of FLORES-200 (and so of NLLB-200), by code."""
    return list(_table())


# Languages written in several scripts: which one an ISO code or a bare name means.
_USUAL = {
    *("ace_Latn", "arb_Arab", "bjn_Latn", "kas_Arab", "knc_Latn", "min_Latn", "taq_Latn", "zho_Hans"),
}


def _key(text: str) -> str:
    return "_".join(text.lower().replace("-", " ").replace("_", " ").split())


@functools.cache
def _table() -> tuple[Language, ...]:
    rows = (line.split(" ", 2) for line in FLORES_200.strip().splitlines())
    return tuple(Language(code, "" if iso1 == "-" else iso1, name) for code, iso1, name in rows)


@functools.cache
def _codes() -> dict[str, Language]:
    """Languages by everything but their names in themselves."""
    names: dict[str, Language] = {}
    # Later entries win: the usual script of a language comes last.
    for entry in sorted(_table(), key=lambda entry: entry.code in _USUAL):
        for key in (_key(entry.name), entry.iso3, entry.iso1, entry.code.lower()):
            if key:
                names[key] = entry
    for line in ALIASES.strip().splitlines():
        flores, *aliases = line.split()
        names.update(dict.fromkeys(aliases, names[flores.lower()]))
    return names


@functools.cache
def _names() -> dict[str, Language]:
    """Languages by all their names."""
    own = {_key(entry.autonym): entry for entry in _table()}
    return own | _codes()
