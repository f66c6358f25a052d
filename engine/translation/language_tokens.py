"""How each family of translation models is told its languages."""

from polydistill.engine.errors import UserError
from polydistill.engine.languages import Language, get_language

Tokens = list[str]

# What each family calls a language; the first form that the vocabulary has, counts.
_PREFIX = ("{code}", "{nllb}", "__{iso1}__", "__{other}__", "{mbart}")
_TAG = (
    *("<2{iso1}>", "<2{iso3}>", "<2{other}>", "<2{iso3}_{script}>"),
    *(">>{code}<<", ">>{iso3}<<", ">>{iso1}<<", ">>{other}<<"),
)
# M2M-100, MADLAD and Marian keep some codes of the macrolanguage.
_OTHER = {
    "nob": "no", "tgl": "fil", "arb": "ara", "pbt": "pus", "swh": "swa", "pes": "fas", "zsm": "msa",
    "zho_Hans": "cmn_Hans", "zho_Hant": "cmn_Hant", "yue_Hant": "zh",
}  # fmt: skip


class LanguageTokens:
    """How a model is told its languages, read from its vocabulary.

    NLLB, M2M-100 and mBART-50: a token before the source and one before the hypothesis. MADLAD and multilingual
    Marian: a token for the target before the source. Bilingual Marian: nothing.
    """

    def __init__(self, vocabulary: set[str]) -> None:
        self._vocabulary = vocabulary
        self._mbart = {
            token[:2]: token for token in vocabulary if len(token) == 5 and token[2] == "_" and token[3:].isupper()
        }
        tags = any(token.startswith(("<2", ">>")) and token.endswith((">", "<<")) for token in vocabulary)
        probe = ("eng_Latn", "fra_Latn", "deu_Latn", "spa_Latn", "zho_Hans")
        prefixed = any(self._find(get_language(code), _PREFIX) for code in probe)
        self.style = "prefix" if prefixed else "tag" if tags else "none"
        self._found: dict[str, str] = {}

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
        token = self._found.get(code) or self._find(get_language(code), forms)
        if not token:
            raise UserError(f"the translation model has no token for {get_language(code).name} ({code})")
        self._found[code] = token
        return token

    def _find(self, entry: Language, forms: tuple[str, ...]) -> str:
        other = _OTHER.get(entry.code) or _OTHER.get(entry.iso3) or entry.iso1
        names = {
            "code": entry.code, "iso1": entry.iso1, "iso3": entry.iso3, "script": entry.script,
            "nllb": {"sat_Olck": "sat_Beng"}.get(entry.code, ""),
            "other": other, "mbart": self._mbart.get(entry.iso1, ""),
        }  # fmt: skip
        for form in forms:
            token = form.format(**names)
            if token in self._vocabulary and token not in ("____", "<2>", ">><<"):
                return token
        return ""
