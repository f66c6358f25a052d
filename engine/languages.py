"""Languages by their FLORES-200 codes, which NLLB uses, and by the other names people give them."""

import difflib
import functools
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from babel import Locale, UnknownLocaleError
from babel.core import get_global

from polydistill.engine.errors import UserError
from polydistill.engine.flores200 import ALIASES, FLORES_200
from polydistill.engine.scripts import WRITING_SYSTEMS, WritingSystem


@dataclass(frozen=True)
class Language:
    """One of the languages of FLORES-200."""

    code: str  # FLORES-200: ISO 639-3, underscore, ISO 15924 script, e.g. deu_Latn
    iso1: str  # ISO 639-1, "" where there is none
    name: str  # in English; no two languages share one

    @property
    def iso3(self) -> str:
        """ISO 639-3 code, e.g. deu."""
        return self.code[:3]

    @property
    def script(self) -> str:
        """ISO 15924 code of the script, e.g. Latn."""
        return self.code[4:]

    @property
    def writing(self) -> WritingSystem:
        """How the language is written."""
        return WRITING_SYSTEMS[self.script]

    @property
    def locale(self) -> str:
        """Tag that CLDR, ICU and sentence splitters know it by: ISO 639-1 where there is one, else 639-3."""
        return self.iso1 or self.iso3

    @property
    def autonym(self) -> str:
        """Its name in the language itself where CLDR has it, else in English; no two languages share one."""
        if self.code in _OWN_NAMES:
            return _OWN_NAMES[self.code]
        # CLDR's name does not say the script, so that only the usual script has it.
        return _cldr_name(self.locale) or self.name if _codes()[self.iso3] == self else self.name


def language_code(text: str) -> str:
    """FLORES-200 code of a language given as deu_Latn, deu, de, de-AT, German or Deutsch (any case).

    See `get_language`.

    Raises:
        UserError: unknown or ambiguous language.
    """
    return get_language(text).code


def get_language(text: str) -> Language:
    """The language that `text` names: a FLORES-200 code, a tag of BCP 47, or a name in English or in itself.

    Codes and names of macrolanguages mean their usual member (Arabic: Modern Standard). Those of languages in several
    scripts mean the usual script (Chinese: simplified), unless script or region say another (zh-Hant, zh-TW).

    Raises:
        UserError: an unknown language, with near matches, or an ambiguous one, with the choices.
    """
    found = find_language(text)
    if found is not None:
        return found
    key = _key(text)
    text = text if len(text) <= 60 else f"{text[:57]}..."  # for messages
    named = _own_names().get(key, ()) or _with_words(key)
    if named:
        raise UserError(f"{text!r} is the name of several languages, or of a part of one: {_listed(named)}. Use a code")
    near = difflib.get_close_matches(key, [*_codes(), *_own_names()], n=3, cutoff=0.7)
    close = dict.fromkeys(_codes()[name] if name in _codes() else _own_names()[name][0] for name in near)
    hint = f" Did you mean {_listed(close, ' or ')}?" if close else ""
    raise UserError(
        f"unknown language {text!r}: expected a FLORES-200 code (deu_Latn), an ISO 639 code (de, deu), a BCP 47 tag "
        f"(zh-Hant-TW) or an English name (German).{hint}"
    )


def find_language(text: str) -> Language | None:
    """The same, or None for an unknown or ambiguous name.

    Raises:
        UserError: a tag of a language that is known, in a script in which it is not.
    """
    key = _key(text)
    # Asking CLDR for all names takes half a second, and codes are what is mostly given.
    found = _codes().get(key) or _by_tag(key, text if len(text) <= 60 else f"{text[:57]}...")
    if found is None and len(named := _own_names().get(key, ())) == 1:
        return named[0]
    return found


def languages() -> list[Language]:
    """All languages of FLORES-200 (and so of NLLB-200), by code."""
    return list(_table())


# Languages written in several scripts: which one an ISO code or a bare name means.
_USUAL = {
    *("ace_Latn", "arb_Arab", "bjn_Latn", "kas_Arab", "knc_Latn", "min_Latn", "taq_Latn", "zho_Hans"),
}

_OWN_NAMES = {
    "twi_Latn": "Twi",  # CLDR calls it Akan
    "zho_Hans": "简体中文",
    "zho_Hant": "繁體中文",
    "ajp_Arab": "South Levantine Arabic",  # CLDR has one name for both
    "apc_Arab": "North Levantine Arabic",
}

_TAG = re.compile(r"([a-z]{2,3})(?:_([a-z]{4}))?(?:_([a-z]{2}|\d{3}))?((?:_[a-z\d]{1,8})*)")
# Of the variants that are words, those of languages that are here. Any other word is taken for a mistake.
_VARIANTS = {
    *("valencia", "rozaj", "biske", "nedis", "polyton", "monoton", "scotland", "oxendict", "tarask", "arevela"),
    *("arevmda", "ekavsk", "ijekavsk", "pinyin", "wadegile", "akuapem", "asante", "baku1926", "luna1918", "petr1708"),
}


def _by_tag(key: str, text: str) -> Language | None:
    """The language of a BCP 47 tag: language, script, region; variants and extensions make no difference.

    Raises:
        UserError: the language is known, but not in that script.
    """
    match = _TAG.fullmatch(key)
    base = _codes().get(match[1]) if match else None
    if match is None or base is None or not _is_variant(match[4].split("_")[1:]):
        return None
    script, region = match[2], match[3]
    if script is None and region is not None:
        tags = (f"{name}_{region.upper()}" for name in (match[1], base.locale))  # CLDR knows zh_TW, not zho_TW
        likely = next(filter(None, map(get_global("likely_subtags").get, tags)), "")
        script = likely.split("_")[1].lower() if likely.count("_") == 2 else None
        if script == "hans" and base.script == "Hant":  # yue_CN: FLORES-200 has Cantonese in one script only
            script = None
    script = _SAME_SCRIPT.get(script or "", script)
    if script is None or script == base.script.lower():
        return base
    other = _codes().get(f"{match[1]}_{script}") or _codes().get(f"{base.iso3}_{script}")
    if other is None:
        known = [entry for entry in _table() if entry.iso3 == base.iso3]
        raise UserError(f"unknown language {text!r}: FLORES-200 has {base.name} as {_listed(known)} only")
    return other


def _is_variant(subtags: list[str]) -> bool:
    """Whether the subtags behind a region are variants ("1996", "valencia") and extensions ("u", "x", ...)."""
    single = next((at for at, subtag in enumerate(subtags) if len(subtag) == 1), len(subtags))
    return all(subtag in _VARIANTS or (len(subtag) == 4 and subtag[0].isdigit()) for subtag in subtags[:single])


_SAME_SCRIPT = {"kore": "hang", "hani": None, "hira": "jpan", "kana": "jpan", "hrkt": "jpan"}
"""Script subtags for what FLORES-200 calls otherwise."""


def _with_words(key: str) -> list[Language]:
    """Languages whose English name has all words of `key`: "levantine_arabic" has two."""
    words = set(key.split("_"))
    found = [entry for entry in _table() if words <= set(_key(entry.name).split("_"))]
    return found if key and len(found) > 1 else []


def _listed(entries: Iterable[Language], joint: str = ", ") -> str:
    return joint.join(f"{entry.code} ({entry.name})" for entry in entries)


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
def _own_names() -> dict[str, tuple[Language, ...]]:
    """Languages by their names in themselves. A name that languages share means the usual script, if there is one."""
    found: dict[str, list[Language]] = defaultdict(list)
    for entry in _table():
        for name in {_key(entry.autonym), _key(_cldr_name(entry.locale))} - {""}:
            found[name].append(entry)
    return {name: tuple(_usual(entries)) for name, entries in found.items() if name not in _codes()}


def _usual(entries: list[Language]) -> list[Language]:
    usual = [entry for entry in entries if entry.code in _USUAL]
    return usual if len({entry.iso3 for entry in entries}) == 1 and usual else entries


@functools.cache
def _cldr_name(locale: str) -> str:
    try:
        return Locale.parse(locale).get_language_name() or ""
    except (UnknownLocaleError, ValueError):
        return ""
