"""What the labels of language-ID models mean, as FLORES-200 codes.

Three families of labels are known: ISO 639-1 codes (lid.176), FLORES-200 codes (NLLB's model, OpenLID) and ISO 639-3
codes with a script (GlotLID, later OpenLID), which name single languages where FLORES-200 has a macrolanguage's name.
"""

import functools

from polydistill.engine.errors import UserError
from polydistill.engine.languages import language_code, languages

# Labels of other models for languages that FLORES-200 names differently (macrolanguages, retired and local codes).
_OTHER_NAMES = {
    "ara": "arb", "aze": "azj", "cmn": "zho", "ekk": "est", "est": "est", "fas": "pes", "fil": "tgl", "gug": "grn",
    "kur": "kmr", "lav": "lvs", "mlg": "plt", "mon": "khk", "msa": "zsm", "nep": "npi", "nor": "nob", "ori": "ory",
    "orm": "gaz", "pus": "pbt", "que": "quy", "sqi": "als", "swa": "swh", "uzb": "uzn", "yid": "ydd",
    "aym": "ayr", "din": "dik", "ful": "fuv", "hbs": "hrv", "kau": "knc", "kng": "kon", "ktu": "kon", "tmh": "taq",
}  # fmt: skip
# lid.176 labels with a meaning different from the same letters elsewhere.
_LID176 = {"als": "gsw_Latn", "sh": "hrv_Latn", "bh": "bho_Deva", "nah": "nah_Latn", "pnb": "pan_Arab"}

_RELATIVES = """
ace_Arab acm_Arab acq_Arab aeb_Arab ajp_Arab apc_Arab ars_Arab ary_Arab arz_Arab bjn_Arab knc_Arab: arb_Arab
awa_Deva bho_Deva hne_Deva kas_Deva mag_Deva mai_Deva: hin_Deva
afr_Latn lim_Latn: nld_Latn
ast_Latn: spa_Latn
azb_Arab prs_Arab: pes_Arab
bjn_Latn min_Latn zsm_Latn: ind_Latn
bos_Latn hrv_Latn: bos_Latn hrv_Latn srp_Latn
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
yue_Hant: zho_Hant
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

_STAND_INS = {
    "aka_Latn": "twi_Latn", "twi_Latn": "aka_Latn", "ajp_Arab": "apc_Arab", "apc_Arab": "ajp_Arab",
    "prs_Arab": "pes_Arab", "zsm_Latn": "ind_Latn", "nno_Latn": "nob_Latn", "tgl_Latn": "fil_Latn",
}  # fmt: skip
"""Varieties that models merge: where one has no label of its own, that of the other counts."""

SEVERAL_SCRIPTS = frozenset(
    (
        *("ace", "arb", "azj", "bjn", "bos", "ckb", "crh", "hau", "hin", "kas", "kaz", "khk", "kir", "kmr", "knc"),
        *("min", "mni", "pan", "sat", "snd", "srp", "taq", "tat", "tgk", "tuk", "uig", "urd", "uzn", "yue", "zho"),
        "zsm",
    )
)
"""Languages (ISO 639-3) written in several scripts. Labels often do not say which, so the text's letters decide."""


def accepted_codes(target: str, known: frozenset[str], lid176: bool) -> frozenset[str]:
    """Codes that count as `target`.

    Args:
        target: FLORES-200 code.
        known: the codes that the model's labels mean.
        lid176: whether the model is lid.176, which cannot tell some languages apart (`RELATIVES`).
    """
    codes = {target, *(RELATIVES.get(target, ()) if lid176 else ())}
    if target not in known and target in _STAND_INS:
        codes.add(_STAND_INS[target])
    return frozenset(codes)


def same_language(one: str, other: str) -> bool:
    """Whether two codes are equal, or differ in the script only where labels do not tell scripts apart."""
    return one == other or (one[:3] == other[:3] and one[:3] in SEVERAL_SCRIPTS)


def flores(label: str) -> str:
    """FLORES-200 code for a model's label (`de`, `deu_Latn`, `cmn_Hani`); the label itself where there is none."""
    if label in _LID176:
        return _LID176[label]
    known = _codes()
    if label in known:
        return label
    language, _, script = label.replace("-", "_").partition("_")
    if len(language) == 3 and script:
        language = _OTHER_NAMES.get(language, language)
        if script == "Hani":  # GlotLID does not say which form
            script = "Hant" if language == "yue" else "Hans"
        return f"{language}_{script}"
    try:
        code = language_code(language)
    except UserError:
        return label
    return f"{code[:3]}_{script}" if len(script) == 4 else code  # zh-Hant, sr-Latn


@functools.cache
def _codes() -> frozenset[str]:
    return frozenset(language.code for language in languages())
