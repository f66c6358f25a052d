"""The engine's configuration: typed, validated, read from YAML with dotted overrides.

Each part of the system owns one section model. `polydistill.run_config.RunConfig` puts them together. A field's
description gives its meaning, its unit and the reason for its default. An unknown key is an error that names the
nearest known one.
"""

from polydistill.engine.config.base import Config, LanguageCode, LanguageCodes
from polydistill.engine.config.judging import Judge, Quality, RangeByLanguage, Rules, ScoreByLanguage, ShareByLanguage
from polydistill.engine.config.mixing import Dictionaries, Leakage, Parallel
from polydistill.engine.config.prompts import GivenTranslations, PromptSource, Role
from polydistill.engine.config.reading import dump, load, override, read_yaml, validate
from polydistill.engine.config.student import Endpoint, Price, Reward, Student
from polydistill.engine.config.synthesis import Stage, Synthesis, Work
from polydistill.engine.config.translation import FieldPrompts, Translate, Translator

__all__ = [
    "Config",
    "Dictionaries",
    "Endpoint",
    "FieldPrompts",
    "GivenTranslations",
    "Judge",
    "LanguageCode",
    "LanguageCodes",
    "Leakage",
    "Parallel",
    "Price",
    "PromptSource",
    "Quality",
    "RangeByLanguage",
    "Reward",
    "Role",
    "Rules",
    "ScoreByLanguage",
    "ShareByLanguage",
    "Stage",
    "Student",
    "Synthesis",
    "Translate",
    "Translator",
    "Work",
    "dump",
    "load",
    "override",
    "read_yaml",
    "validate",
]
