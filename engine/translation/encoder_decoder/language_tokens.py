"""How each family of translation models names its languages, and which languages it supports.

A token such as `__zh__` names a language and no script. It stands for the script that the language is usually written
in (`engine.languages`); asking for another one is an error, since the model would write the usual one.
"""

import json
import re
from pathlib import Path

from polydistill.engine.errors import UserError
from polydistill.engine.languages import Language, get_language, languages

Tokens = list[str]

# What each family calls a language; the first form that the vocabulary has, counts.
_PREFIX = ("{code}", "{nllb}", "__{iso1}__", "__{other}__", "{mbart}")
_TAG = (
    *("<2{iso1}_{script}>", "<2{iso3}_{script}>", "<2{iso1}>", "<2{iso3}>", "<2{other}>"),
    *(">>{code}<<", ">>{other}_{script}<<", ">>{iso3}<<", ">>{iso1}<<", ">>{other}<<"),
)
# M2M-100, MADLAD and Marian keep some codes of the macrolanguage.
_OTHER = {
    "nob": "no", "tgl": "fil", "arb": "ara", "pbt": "pus", "swh": "swa", "pes": "fas", "zsm": "msa",
    "zho": "cmn",
}  # fmt: skip


class LanguageTokens:
    """How a model names its languages, read from its vocabulary.

    NLLB, M2M-100 and mBART-50: a token before the source and one before the hypothesis. MADLAD and multilingual
    Marian: a token for the target before the source. Bilingual Marian: nothing.
    """

    def __init__(self, vocabulary: set[str], pair: tuple[Language | None, Language | None] = (None, None)) -> None:
        """Read the tokens of a vocabulary.

        Args:
            vocabulary: every token that the model knows.
            pair: the source and target language of a bilingual model, None where that cannot be told.
        """
        self._vocabulary, self._pair = vocabulary, pair
        self._mbart = {
            token[:2]: token for token in vocabulary if len(token) == 5 and token[2] == "_" and token[3:].isupper()
        }
        tags = any(token.startswith(("<2", ">>")) and token.endswith((">", "<<")) for token in vocabulary)
        probe = ("eng_Latn", "fra_Latn", "deu_Latn", "spa_Latn", "zho_Hans")
        prefixed = any(self._find(get_language(code), _PREFIX) for code in probe)
        self.style = "prefix" if prefixed else "tag" if tags else "none"
        self._found: dict[str, str] = {}

    def check(self, sources: set[str], targets: set[str]) -> None:
        """Make sure that the model can translate from all of `sources` into all of `targets` (FLORES-200 codes).

        Raises:
            UserError: the first language that it cannot address, and why.
        """
        for code in sorted(targets):
            self.target(code)
        for code in sorted(sources):
            self.source(code)
        if self.style == "none":
            self._check_pair(sources, targets)

    def _check_pair(self, sources: set[str], targets: set[str]) -> None:
        for what, asked, own in (("from", sources, self._pair[0]), ("into", targets, self._pair[1])):
            wrong = [get_language(code) for code in sorted(asked) if own is not None and code != own.code]
            if own is not None and wrong:
                raise UserError(
                    f"the translation model translates {what} {own.name} ({own.code}) only, it was asked to translate "
                    f"{what} {wrong[0].name} ({wrong[0].code}). Choose a model of this pair, or a multilingual one"
                )
            if own is None and len(asked) > 1:
                raise UserError(
                    f"the translation model has no language tokens, so it knows one pair of languages; it was asked to "
                    f"translate {what} {', '.join(sorted(asked))}. Expected one language, or a multilingual model."
                )

    def source(self, code: str) -> str:
        """The token before a source in this language, "" where the model wants none."""
        return self._token(code, _PREFIX) if self.style == "prefix" else ""

    def target(self, code: str) -> str:
        """The token that asks for this language, "" where the model knows only one."""
        return "" if self.style == "none" else self._token(code, _PREFIX if self.style == "prefix" else _TAG)

    def before(self, source: str, target: str) -> Tokens:
        """Tokens that stand before a sentence."""
        token = self.source(source) if self.style == "prefix" else self.target(target)
        return [token] if token else []

    def prefix(self, target: str) -> Tokens:
        """Tokens that the hypothesis starts with."""
        return [self.target(target)] if self.style == "prefix" else []

    def _token(self, code: str, forms: tuple[str, ...]) -> str:
        if code not in self._found:
            entry = get_language(code)
            token = self._find(entry, forms)
            if not token:
                raise UserError(f"the translation model has no token for {entry.name} ({code})")
            usual = get_language(entry.iso3)  # the script that a code without a script means
            if entry.script not in token and usual.code != code and usual.iso3 == entry.iso3:
                raise UserError(
                    f"the translation model cannot be asked for {entry.name} ({code}): its token {token} names no "
                    f"script, and it writes {usual.name} ({usual.code}). Remove the language, or choose a model with "
                    "tokens for scripts, such as NLLB."
                )
            self._found[code] = token
        return self._found[code]

    def _find(self, entry: Language, forms: tuple[str, ...]) -> str:
        other = _OTHER.get(entry.iso3) or entry.iso1
        names = {
            "code": entry.code, "iso1": entry.iso1, "iso3": entry.iso3, "script": entry.script,
            "nllb": {"sat_Olck": "sat_Beng"}.get(entry.code, ""),  # NLLB's name for Ol Chiki
            "other": other, "mbart": self._mbart.get(entry.iso1, ""),
        }  # fmt: skip
        for form in forms:
            token = form.format(**names)
            if token in self._vocabulary and token not in ("____", "<2>", ">><<", f"<2_{entry.script}>"):
                return token
        return ""


def language_tokens(folder: Path, vocabulary: set[str]) -> LanguageTokens:
    """The language tokens of a model.

    Args:
        folder: its Hugging Face folder; a bilingual model's languages stand in tokenizer_config.json, or in a name
            like opus-mt-en-de.
        vocabulary: every token that it knows.
    """
    return LanguageTokens(vocabulary, _pair(folder))


def _pair(folder: Path) -> tuple[Language | None, Language | None]:
    known = {**_values(folder / "config.json"), **_values(folder / "tokenizer_config.json")}
    named = re.search(r"opus-mt-(?:tc-\w+-)?([a-z]{2,3})-([a-z]{2,3})$", str(known.get("_name_or_path") or folder.name))
    source, target = known.get("source_lang"), known.get("target_lang")
    if not (isinstance(source, str) and isinstance(target, str) and source and target):
        source, target = (named[1], named[2]) if named else ("", "")
    return _language(source), _language(target)


def _language(code: str) -> Language | None:
    """The language of an ISO code or FLORES code; None for groups of languages such as "gmw" and for unknown codes."""
    fitting = [entry for entry in languages() if code in (entry.code, entry.iso1, entry.iso3)]
    return get_language(code) if code and fitting else None


def _values(path: Path) -> dict[str, object]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
