"""Language ID with the real lid.176."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from polydistill.engine.config import Judge
from polydistill.engine.errors import UserError
from polydistill.engine.judging.languages.language_id import (
    Identified,
    LanguageID,
    load_language_id,
    unknown_targets,
)

GERMAN = (
    "Die Hauptstadt von Kenia heißt Nairobi und liegt im Süden des Landes. Dort leben mehr als vier Millionen Menschen."
)
ENGLISH = (
    "The capital of Kenya is called Nairobi and lies in the south of the country. "
    "More than four million people live there."
)
JAPANESE = "ケニアの首都はナイロビで、国の南部にあります。四百万人以上の人々が暮らしています。"
INDONESIAN = (
    "Ibu kota Kenya bernama Nairobi dan terletak di bagian selatan negara itu. "
    "Lebih dari empat juta orang tinggal di sana."
)


def identify(texts: list[str], target: str) -> Identified:
    return load_language_id("lid.176").identify(pa.array(texts, pa.string()), target)


def test_whole_texts() -> None:
    for text, code in [(GERMAN, "deu_Latn"), (ENGLISH, "eng_Latn"), (JAPANESE, "jpn_Jpan"), (INDONESIAN, "ind_Latn")]:
        found = identify([text, text.upper()], code)
        assert found.language == [code, code]
        assert (found.score > 0.8).all() and (found.target_share == 1).all()


def test_half_english_answer_is_found() -> None:
    found = identify([f"{GERMAN}\n\n{ENGLISH}", f"{GERMAN} {ENGLISH} {GERMAN}"], "deu_Latn")
    assert 0.4 < found.target_share[0] < 0.6
    assert 0.6 < found.target_share[1] < 0.75


def test_markup_is_not_read() -> None:
    found = identify([f'<div class="the main content of this page">{GERMAN}</div>'], "deu_Latn")
    assert found.target_share[0] == 1


def test_malay_counts_where_indonesian_is_what_lid176_says() -> None:
    lid = load_language_id("lid.176")
    assert lid.accepted("zsm_Latn") >= {"zsm_Latn", "ind_Latn"}
    assert "zsm_Latn" not in lid.accepted("ind_Latn")
    assert lid.covers("zho_Hant") and lid.covers("ary_Arab") and not lid.covers("kam_Latn")
    assert not lid.covers("arb_Latn") and not lid.covers("min_Arab")  # it knows them in the other script only
    assert unknown_targets(Judge(), ["deu_Latn", "kam_Latn", "zho_Hant", "min_Arab"]) == ["kam_Latn", "min_Arab"]


@pytest.mark.parametrize(
    ("target", "text", "language"),
    [
        ("zho_Hans", "我喜歡吃蘋果，他昨天晚上在家裡說這個國家很美麗。", "zho_Hant"),
        ("zho_Hant", "我喜欢吃苹果，他昨天晚上在家里说这个国家很美丽。", "zho_Hans"),
        ("zho_Hant", "我喜歡吃蘋果，他昨天晚上在家裡說這個國家很美麗。", "zho_Hant"),
        ("srp_Cyrl", "Vreme je danas lepo i ljudi šetaju ulicama našeg grada.", "hrv_Latn"),
        ("srp_Cyrl", "Време је данас лепо и људи шетају улицама нашег града.", "srp_Cyrl"),
        ("pan_Guru", "اج موسم چنگا اے تے لوک شہر دیاں سڑکاں تے ٹر رہے نیں۔", "pan_Arab"),
        ("hin_Deva", "आज मौसम अच्छा है और लोग शहर की सड़कों पर घूम रहे हैं।", "hin_Deva"),
        ("kas_Deva", "آج موسم اچھا ہے اور لوگ شہر کی سڑکوں پر گھوم رہے ہیں۔", "urd_Arab"),
    ],
)
def test_scripts_of_one_language_are_told_apart(target: str, text: str, language: str) -> None:
    found = identify([text], target)
    assert found.language == [language]
    assert language == target or not found.target_share[0] > 0


def test_texts_without_anything_to_go_by() -> None:
    found = identify(["", "123", "\n\n", "!?"], "deu_Latn")
    assert (found.score < 0.5).all() and np.isnan(found.target_share).all()
    assert identify([], "deu_Latn").language == []


def test_a_wrong_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such language-ID model"):
        LanguageID(str(tmp_path / "none.bin"))
    (tmp_path / "broken.bin").write_bytes(b"not a model")
    with pytest.raises(UserError, match="not a fastText classifier"):
        LanguageID(str(tmp_path / "broken.bin"))


@pytest.mark.data
@pytest.mark.parametrize("code", ["deu_Latn", "ind_Latn", "jpn_Jpan", "ces_Latn", "kor_Hang", "tha_Thai", "zho_Hans"])
def test_real_sentences_are_rarely_off_target(data: Path, code: str) -> None:
    import gzip

    with gzip.open(data / "sib200" / f"{code}.tsv.gz", "rt", encoding="utf-8") as file:
        texts = [line.split("\t", 1)[1].strip() for line in file if "\t" in line][:400]
    found = identify(texts, code)
    wrong = np.array([language != code for language in found.language]) & (found.score >= 0.5)
    assert wrong.mean() < 0.04
