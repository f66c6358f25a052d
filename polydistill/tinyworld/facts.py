"""The world: entities with names in four languages, and facts about them, all from Unicode CLDR through Babel.

An *entity* is written "kind:key" ("territory:DE", "city:DE", "currency:EUR", "language:ar", "continent:150",
"code:DE", "number:7", "sum:3+4"). A *fact* relates two of them under a family: ("currency", "territory:DE",
"currency:EUR"). Which facts may be seen in target-language training is a function of the fact alone (`split`).
"""

import functools
import hashlib
from dataclasses import dataclass
from typing import Literal

from babel import Locale
from babel.dates import get_timezone_location
from babel.languages import get_official_languages
from babel.numbers import get_currency_name, get_territory_currencies

SOURCE = "eng_Latn"
TARGETS = ("deu_Latn", "ind_Latn", "jpn_Jpan")
LANGUAGES = (SOURCE, *TARGETS)
LOCALES = {"eng_Latn": "en", "deu_Latn": "de", "ind_Latn": "id", "jpn_Jpan": "ja"}

# IANA time zone of each territory: its last part is a real city that is not named like the territory itself.
# Only territories whose names need no article in English and German, so that templates stay grammatical.
_ZONES = """
AL Europe/Tirane AT Europe/Vienna BE Europe/Brussels BG Europe/Sofia HR Europe/Zagreb DK Europe/Copenhagen
EE Europe/Tallinn FI Europe/Helsinki FR Europe/Paris DE Europe/Berlin GR Europe/Athens HU Europe/Budapest
IE Europe/Dublin IS Atlantic/Reykjavik IT Europe/Rome LV Europe/Riga LT Europe/Vilnius
ME Europe/Podgorica MK Europe/Skopje NO Europe/Oslo PL Europe/Warsaw PT Europe/Lisbon RO Europe/Bucharest
RS Europe/Belgrade SE Europe/Stockholm SI Europe/Ljubljana ES Europe/Madrid BY Europe/Minsk RU Europe/Moscow
CZ Europe/Prague LI Europe/Vaduz CY Asia/Nicosia GE Asia/Tbilisi AM Asia/Yerevan AZ Asia/Baku
AF Asia/Kabul BD Asia/Dhaka KH Asia/Phnom_Penh CN Asia/Shanghai ID Asia/Jakarta JP Asia/Tokyo
JO Asia/Amman KZ Asia/Almaty KG Asia/Bishkek LA Asia/Vientiane MY Asia/Kuala_Lumpur KP Asia/Pyongyang
KR Asia/Seoul OM Asia/Muscat PK Asia/Karachi SA Asia/Riyadh LK Asia/Colombo SY Asia/Damascus TJ Asia/Dushanbe
TH Asia/Bangkok UZ Asia/Tashkent
DZ Africa/Algiers AO Africa/Luanda BW Africa/Gaborone
CM Africa/Douala EG Africa/Cairo ET Africa/Addis_Ababa
GH Africa/Accra GN Africa/Conakry KE Africa/Nairobi LR Africa/Monrovia
LY Africa/Tripoli MG Indian/Antananarivo MW Africa/Blantyre ML Africa/Bamako
MA Africa/Casablanca MZ Africa/Maputo NA Africa/Windhoek NE Africa/Niamey NG Africa/Lagos RW Africa/Kigali
SL Africa/Freetown SO Africa/Mogadishu ZA Africa/Johannesburg TZ Africa/Dar_es_Salaam
TN Africa/Tunis UG Africa/Kampala ZM Africa/Lusaka
BO America/La_Paz BR America/Sao_Paulo CA America/Toronto CL America/Santiago
CO America/Bogota CU America/Havana EC America/Guayaquil HT America/Port-au-Prince
MX America/Mexico_City NI America/Managua PY America/Asuncion PE America/Lima
UY America/Montevideo VE America/Caracas
AU Australia/Sydney NZ Pacific/Auckland PG Pacific/Port_Moresby
"""
_NORTH_AMERICA = {"CA", "MX", "CU", "HT", "HN", "NI"}
_CONTINENTS = {"Europe": "150", "Asia": "142", "Africa": "002", "Australia": "009", "Pacific": "009"}

Family = Literal["city", "country", "currency", "language", "continent", "region", "code", "langcode", "curcode", "sum"]
Split = Literal["seen", "dev", "test"]
SHORT = ("city", "country", "currency", "language", "continent", "region")
"""Families that some questions answer with the bare name; codes and sums are always answered in a sentence."""


@dataclass(frozen=True)
class Fact:
    """`answer` is what the family's question about `subject` asks for."""

    family: Family
    subject: str
    answer: str

    @property
    def split(self) -> Split:
        """seen: may be asked in target-language training (72%). dev (6%) and test (22%): only ever in evaluation.

        A city's country goes with the country's city: knowing one is knowing the other. The families are so many that
        most names of a held-out fact are heard in the target languages in some other fact.
        """
        family = "place" if self.family in ("city", "country") else self.family
        share = fraction(f"split:{family}:{self.subject.split(':')[1]}")
        return "seen" if share < 0.72 else "dev" if share < 0.78 else "test"


def fraction(text: str) -> float:
    """A number in [0, 1) that depends on `text` alone."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") / 2**64


@functools.cache
def zones() -> dict[str, str]:
    """IANA zone by territory, in the table's order."""
    words = _ZONES.split()
    return dict(zip(words[::2], words[1::2]))


@functools.cache
def name(entity: str, language: str) -> str:
    """How a native speaker calls `entity` in `language` (a code of LANGUAGES)."""
    kind, key = entity.split(":")
    locale = Locale.parse(LOCALES[language])
    if kind in ("territory", "continent"):
        return locale.territories[key]
    if kind == "city":
        return get_timezone_location(zones()[key], locale=locale, return_city=True).replace("\xad", "")
    if kind == "currency":
        return get_currency_name(key, locale=locale)
    if kind == "language":
        text = locale.languages[key]
        return f"bahasa {text}" if language == "ind_Latn" else text
    if kind == "sum":
        words = {"eng_Latn": " plus ", "deu_Latn": " plus ", "ind_Latn": " tambah ", "jpn_Jpan": " 足す "}
        return key.replace("+", words[language])
    return key  # codes and numbers are the same everywhere


@functools.cache
def facts() -> tuple[Fact, ...]:
    """Every fact of the world, in a fixed order."""
    found: list[Fact] = []
    for key in zones():
        territory, city = f"territory:{key}", f"city:{key}"
        found += [
            Fact("city", territory, city),
            Fact("country", city, territory),
            Fact("currency", territory, f"currency:{_currency(key)}"),
            Fact("language", territory, f"language:{_official(key)}"),
            Fact("continent", territory, f"continent:{_continent(key)}"),
            Fact("region", city, f"continent:{_continent(key)}"),
            Fact("code", territory, f"code:{key}"),
        ]
    languages = sorted({fact.answer for fact in found if fact.family == "language"})
    currencies = sorted({fact.answer for fact in found if fact.family == "currency"})
    found += [Fact("langcode", entity, f"code:{entity.split(':')[1]}") for entity in languages]
    found += [Fact("curcode", entity, f"code:{entity.split(':')[1]}") for entity in currencies]
    found += [Fact("sum", f"sum:{a}+{b}", f"number:{a + b}") for a in range(1, 10) for b in range(a, 10)]
    return tuple(found)


@functools.cache
def entities() -> tuple[str, ...]:
    """Every entity that has a name (no codes, numbers or sums), each once."""
    named = (e for f in facts() for e in (f.subject, f.answer) if e.split(":")[0] not in ("code", "number", "sum"))
    return tuple(dict.fromkeys(named))


def rare(entity: str) -> bool:
    """Whether the translator never saw the name: only the dictionaries and the parallel text carry it.

    About one territory in eight, with its city and, where no other territory shares it, its currency.
    """
    kind, key = entity.split(":")
    if kind in ("territory", "city"):
        return fraction(f"rare:{key}") < 0.12
    if kind == "currency":
        users = [f.subject for f in facts() if f.family == "currency" and f.answer == entity]
        return all(rare(user) for user in users)
    return False


def _currency(territory: str) -> str:
    current = get_territory_currencies(territory)
    return next((code for code in current if code.startswith(territory)), current[0])


def _official(territory: str) -> str:
    return get_official_languages(territory, de_facto=True)[0].split("_")[0]


def _continent(territory: str) -> str:
    if territory in ("IS", "MG"):  # their zones are named after oceans
        return {"IS": "150", "MG": "002"}[territory]
    area = zones()[territory].split("/")[0]
    return ("003" if territory in _NORTH_AMERICA else "005") if area == "America" else _CONTINENTS[area]
