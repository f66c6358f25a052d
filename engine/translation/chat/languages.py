"""The languages that each family of translating language models was trained on, from model cards and papers.

A prompt can name any language, and a model that never saw it still writes something. So the list decides.
"""

from collections.abc import Iterable

from polydistill.engine.errors import UserError
from polydistill.engine.languages import get_language
from polydistill.engine.translation.chat.prompts import Family


def _codes(text: str) -> frozenset[str]:
    return frozenset(text.split())


LANGUAGES: dict[Family, frozenset[str]] = {
    # The languages and regions of WMT24++ (arXiv 2502.12404), as the card of the data set google/wmt24pp lists them.
    # The model's own card was not at hand.
    "translategemma": _codes(
        "eng_Latn arb_Arab arz_Arab ars_Arab bul_Cyrl ben_Beng cat_Latn ces_Latn dan_Latn deu_Latn ell_Grek spa_Latn "
        "est_Latn pes_Arab fin_Latn fra_Latn guj_Gujr heb_Hebr hin_Deva hrv_Latn hun_Latn ind_Latn isl_Latn ita_Latn "
        "jpn_Jpan kan_Knda kor_Hang lit_Latn lvs_Latn mal_Mlym mar_Deva nld_Latn nob_Latn pan_Guru pol_Latn por_Latn "
        "ron_Latn rus_Cyrl slk_Latn slv_Latn srp_Cyrl swe_Latn swh_Latn tam_Taml tel_Telu tgl_Latn tha_Thai tur_Latn "
        "ukr_Cyrl urd_Arab vie_Latn zho_Hans zho_Hant zul_Latn"
    ),
    # Model card of Unbabel/Tower-Plus-9B (arXiv 2506.17080). The ten of TowerInstruct are among them.
    "tower": _codes(
        "eng_Latn deu_Latn spa_Latn fra_Latn ita_Latn kor_Hang nld_Latn rus_Cyrl por_Latn zho_Hans zho_Hant ces_Latn "
        "ukr_Cyrl hin_Deva isl_Latn jpn_Jpan pol_Latn swe_Latn hun_Latn ron_Latn dan_Latn nno_Latn nob_Latn fin_Latn"
    ),
    # tencent/Hunyuan-MT-7B (arXiv 2509.05209), of whose card parts were at hand. It names languages and not scripts, so
    # that Kazakh and Mongolian stand here as FLORES-200 writes them.
    "hunyuan": _codes(
        "zho_Hans zho_Hant yue_Hant eng_Latn fra_Latn por_Latn spa_Latn jpn_Jpan tur_Latn rus_Cyrl arb_Arab kor_Hang "
        "tha_Thai ita_Latn deu_Latn vie_Latn zsm_Latn ind_Latn tgl_Latn hin_Deva pol_Latn ces_Latn nld_Latn khm_Khmr "
        "mya_Mymr pes_Arab guj_Gujr urd_Arab tel_Telu mar_Deva heb_Hebr ben_Beng tam_Taml ukr_Cyrl bod_Tibt kaz_Cyrl "
        "khk_Cyrl uig_Arab"
    ),
    # The FAQ of github.com/fe1ixxu/ALMA names ten directions (arXiv 2309.11674).
    "alma": _codes("eng_Latn ces_Latn deu_Latn isl_Latn rus_Cyrl zho_Hans"),
    # Model cards of haoranxu/X-ALMA-13B-Group2 to Group8 (arXiv 2410.03115). The first group's was not at hand.
    "xalma": _codes(
        "eng_Latn dan_Latn nld_Latn deu_Latn isl_Latn nob_Latn swe_Latn afr_Latn cat_Latn ron_Latn glg_Latn ita_Latn "
        "por_Latn spa_Latn bul_Cyrl mkd_Cyrl srp_Cyrl ukr_Cyrl rus_Cyrl ind_Latn zsm_Latn tha_Thai vie_Latn plt_Latn "
        "fra_Latn hun_Latn ell_Grek ces_Latn pol_Latn lit_Latn lvs_Latn kat_Geor zho_Hans jpn_Jpan kor_Hang fin_Latn "
        "est_Latn guj_Gujr hin_Deva mar_Deva npi_Deva urd_Arab azj_Latn kaz_Cyrl kir_Cyrl tur_Latn uzn_Latn arb_Arab "
        "heb_Hebr pes_Arab"
    ),
}
"""FLORES-200 codes by family. The general family is in no list: its model may know any language."""

ENGLISH_CENTRIC: frozenset[Family] = frozenset({"alma", "xalma"})
"""Families that translate from English and into English only."""


def check_languages(family: Family, source: str, targets: Iterable[str]) -> None:
    """Whether a family was trained on a direction.

    Args:
        family: of the model.
        source: FLORES-200 code.
        targets: FLORES-200 codes.

    Raises:
        UserError: it was not, for at least one target.
    """
    known = LANGUAGES.get(family)
    if known is None:
        return
    wanted = [target for target in targets if target != source]
    unknown = [code for code in dict.fromkeys([source, *wanted]) if code not in known]
    way_out = "Take another model, or set `family: chat` to ask for it in general words"
    if wanted and unknown:
        names = ", ".join(f"{get_language(code).name} ({code})" for code in unknown)
        raise UserError(f"models of the family `{family}` were not trained on {names}. {way_out}")
    foreign = [target for target in wanted if "eng_Latn" not in (source, target)]
    if family in ENGLISH_CENTRIC and foreign:
        raise UserError(
            f"models of the family `{family}` translate from English and into English only, not from {source} into "
            f"{', '.join(foreign)}. {way_out}"
        )
