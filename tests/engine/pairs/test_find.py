"""Archives as they are published: which files of them are the parallel text of a pair."""

from pathlib import Path

import pytest

from polydistill.engine.errors import UserError
from polydistill.engine.languages import languages
from polydistill.engine.pairs.find import find_corpora, find_one

EN, DE, ID, NB = "eng_Latn", "deu_Latn", "ind_Latn", "nob_Latn"


def found(folder: Path, names: list[str], source: str, target: str, **options: list[str]) -> list[tuple[str, ...]]:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    files = find_corpora(str(folder), source, target, **options)
    return [tuple(str(path.relative_to(folder)) for path in file.paths) for file in files]


MOSES = ["X.de-en.de", "X.de-en.en", "X.de-en.ids", "X.de-en.xml", "X.de-en.scores", "README", "LICENSE"]


@pytest.mark.parametrize(
    ("names", "source", "target", "expected"),
    [
        (MOSES, EN, DE, [("X.de-en.en", "X.de-en.de")]),
        (["opus.en-id-train.en", "opus.en-id-train.id"], EN, ID, [("opus.en-id-train.en", "opus.en-id-train.id")]),
        (["OpenSubtitles.en-id.id", "OpenSubtitles.en-id.en", "OpenSubtitles.en-id.ids"], ID, EN,
         [("OpenSubtitles.en-id.id", "OpenSubtitles.en-id.en")]),
        (["en-id/train-00000-of-00001.parquet", "en-id/test-00000-of-00001.parquet", "en-de/train-00000.parquet"],
         EN, ID, [("en-id/train-00000-of-00001.parquet",)]),
        (["train.en-id.tsv", "dev.en-id.tsv", "test.en-id.tsv"], EN, ID, [("train.en-id.tsv",)]),
        (["dev.en-id.en", "dev.en-id.id", "train.en-id.en", "train.en-id.id"], EN, ID,
         [("train.en-id.en", "train.en-id.id")]),
        (["WikiMatrix.en-id.tsv.gz"], EN, ID, [("WikiMatrix.en-id.tsv.gz",)]),
        (["newstest2019-src.eng.txt", "newstest2019-ref.deu.txt", "newstest2019-ref.fra.txt"], EN, DE,
         [("newstest2019-src.eng.txt", "newstest2019-ref.deu.txt")]),
        (["newstest2019-src.eng.txt", "newstest2019-ref.zho-CN.txt", "newstest2019-ref.zho-TW.txt"], EN, "zho_Hant",
         [("newstest2019-src.eng.txt", "newstest2019-ref.zho-TW.txt")]),
        (["newstest2019-src.eng.txt", "newstest2019-ref.zho-TW.txt", "newstest2019-ref.srp-Latn.txt"], EN, "zho_Hans",
         []),
        (["TED2020.en-zh_tw.en", "TED2020.en-zh_tw.zh_tw"], EN, "zho_Hant",
         [("TED2020.en-zh_tw.en", "TED2020.en-zh_tw.zh_tw")]),
        (["newstest2014-deen-src.en", "newstest2014-deen-ref.de"], EN, DE,
         [("newstest2014-deen-src.en", "newstest2014-deen-ref.de")]),
        (["news-commentary-v18.de-en.tsv.gz"], EN, DE, [("news-commentary-v18.de-en.tsv.gz",)]),
        (["Tatoeba.en-no.en", "Tatoeba.en-no.no"], EN, NB, [("Tatoeba.en-no.en", "Tatoeba.en-no.no")]),
        (["deu-eng/train.src.gz", "deu-eng/train.trg.gz", "deu-eng/train.id.gz", "deu-eng/test.txt"], EN, DE,
         [("deu-eng/train.trg.gz", "deu-eng/train.src.gz")]),
        (["train.de", "train.en", "train.fr"], EN, DE, [("train.en", "train.de")]),
        (["WikiMatrix.de-en.de", "WikiMatrix.de-en.en", "NewsCommentary.de-en.de", "NewsCommentary.de-en.en"], EN, DE,
         [("NewsCommentary.de-en.en", "NewsCommentary.de-en.de"), ("WikiMatrix.de-en.en", "WikiMatrix.de-en.de")]),
        # Halves of different corpora are no pair.
        (["A.de-en.de", "B.de-en.en"], EN, DE, []),
        (["A.de-en.de", "A.de-en.en", "B.de-en.en"], EN, DE, [("A.de-en.en", "A.de-en.de")]),
        (["en-fil.tsv"], EN, "tgl_Latn", [("en-fil.tsv",)]),
        (["en-tl.tsv"], EN, "tgl_Latn", [("en-tl.tsv",)]),
        (["en-iw.tsv"], EN, "heb_Hebr", [("en-iw.tsv",)]),
        (["en-zh_cn.tsv", "en-zh_tw.tsv"], EN, "zho_Hans", [("en-zh_cn.tsv",)]),
        (["en-zh_cn.tsv", "en-zh_tw.tsv"], EN, "zho_Hant", [("en-zh_tw.tsv",)]),
        (["en-pt_br.tsv"], EN, "por_Latn", [("en-pt_br.tsv",)]),
        (["eng-ara.txt", "eng-fas.txt", "eng-cmn.txt"], EN, "pes_Arab", [("eng-fas.txt",)]),
        (["eng-swa.txt", "eng-lav.txt", "eng-sqi.txt", "eng-ori.txt"], EN, "ory_Orya", [("eng-ori.txt",)]),
        # A mixture written beside the text is none.
        (["out/parallel-eng_Latn-deu_Latn-00.arrow", "out/manifest.json", "en-de.tsv"], EN, DE, [("en-de.tsv",)]),
        (["de-en.en", "de-en.de"], EN, DE, [("de-en.en", "de-en.de")]),
    ],
)  # fmt: skip
def test_published_names(
    tmp_path: Path, names: list[str], source: str, target: str, expected: list[tuple[str, ...]]
) -> None:
    assert found(tmp_path, names, source, target) == expected


@pytest.mark.data
def test_every_language_of_ntrex_is_found(data: Path) -> None:
    """Both Chinese ones apart; what FLORES-200 does not have is not taken for another language."""
    names = sorted(path.name for path in (data / "ntrex128").iterdir())
    found = {}
    for language in languages():
        if language.code != EN and (files := find_corpora(str(data / "ntrex128"), EN, language.code)):
            found[language.code] = [path.name.split(".")[1] for file in files for path in file.paths]
    assert found["zho_Hant"] == ["eng", "zho-TW"] and found["zho_Hans"] == ["eng", "zho-CN"]
    assert found["spa_Latn"] == ["eng", "spa"] and found["fra_Latn"] == ["eng", "fra"]
    assert found["srp_Cyrl"] == ["eng", "srp-Cyrl"] and len(found) > 105
    taken = {name for pair in found.values() for name in pair}
    every = {name.split(".")[1] for name in names}
    regions = {"eng-GB", "eng-IN", "eng-US", "fra-CA", "por-BR", "spa-MX"}  # of languages that are there without one
    none = {"div", "fuc", "hmn", "mey", "nde", "shi", "tah", "ton", "ven", "srp-Latn"}
    assert every - taken <= regions | none and not taken & none


def test_a_corpus_is_chosen_by_its_name(tmp_path: Path) -> None:
    names = ["WikiMatrix.de-en.tsv", "NewsCommentary.de-en.tsv"]
    assert found(tmp_path, names, EN, DE, corpora=["WikiMatrix"]) == [("WikiMatrix.de-en.tsv",)]


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file or folder"):
        find_corpora(str(tmp_path / "nowhere"), EN, DE)


def test_one_file_is_the_plainest_of_this_direction(tmp_path: Path) -> None:
    for name in ("de-en.txt", "en-de.0-5000.txt", "en-de.5000-6500.txt"):
        (tmp_path / name).touch()
    file = find_one(str(tmp_path), EN, DE)
    assert file is not None and file.path.name == "en-de.0-5000.txt" and not file.inverted
    (tmp_path / "en-de.txt").touch()
    file = find_one(str(tmp_path), EN, DE)
    assert file is not None and file.path.name == "en-de.txt"
    file = find_one(str(tmp_path), DE, EN)
    assert file is not None and file.path.name == "de-en.txt"
