import gzip
import json
from pathlib import Path

import pytest

from polydistill.engine.config import Leakage, Parallel
from polydistill.engine.errors import UserError
from polydistill.engine.mixing.leakage import Index
from polydistill.engine.pairs.draw import draw

PAIRS = [(f"This is sentence {i}.", f"Das ist Satz {i}.") for i in range(50)]


def write(folder: Path, layout: str) -> None:
    english, german = ("".join(f"{pair[i]}\n" for pair in PAIRS) for i in (0, 1))
    if layout == "moses":
        (folder / "corpus.de-en.en").write_text(english)
        (folder / "corpus.de-en.de").write_text(german)
    elif layout == "moses.gz":
        for name, text in (("de-en.en.gz", english), ("de-en.de.gz", german)):
            with gzip.open(folder / name, "wt") as file:
                file.write(text)
    elif layout == "tsv":
        (folder / "eng_Latn-deu_Latn.tsv").write_text("".join(f"{a}\t{b}\n" for a, b in PAIRS))
    elif layout == "turned":
        (folder / "de-en.tsv").write_text("".join(f"{b}\t{a}\n" for a, b in PAIRS))
    else:
        wrapped = ({"translation": {"de": b, "en": a}} if layout == "opus" else {"deu": b, "eng": a} for a, b in PAIRS)
        (folder / "opus.en-de.jsonl").write_text("".join(json.dumps(line) + "\n" for line in wrapped))


@pytest.mark.parametrize("layout", ["moses", "moses.gz", "tsv", "turned", "opus", "jsonl"])
def test_every_layout_gives_the_same_draw(tmp_path: Path, layout: str) -> None:
    write(tmp_path, layout)
    drawn = draw(Parallel(path=str(tmp_path)), "eng_Latn", "deu_Latn", 10, seed=3)
    assert set(drawn.frame.select("source", "target").rows()) < set(PAIRS)
    assert len(drawn.frame) == 10 and [corpus.lines for corpus in drawn.corpora] == [50]
    (tmp_path / "other").mkdir()
    write(tmp_path / "other", "tsv")
    again = draw(Parallel(path=str(tmp_path / "other")), "eng_Latn", "deu_Latn", 10, seed=3)
    assert drawn.frame.equals(again.frame)
    assert not drawn.frame.equals(draw(Parallel(path=str(tmp_path)), "eng_Latn", "deu_Latn", 10, seed=4).frame)


def test_every_line_is_accounted_for(tmp_path: Path) -> None:
    (tmp_path / "en-de.tsv").write_text(
        "a b\tc d\na b\tc d\n\tx\nno tab\nheld out words of an evaluation set, all\tja\n"
    )
    held = tmp_path / "held.txt"
    held.write_text("Held out words of an evaluation set, all!\n")
    guard = Index.of(Leakage(against=[str(held)], ngram=6))
    drawn = draw(Parallel(path=str(tmp_path / "en-de.tsv")), "eng_Latn", "deu_Latn", None, 0, guard.leaks)
    (corpus,) = drawn.corpora
    assert corpus.dropped == {"malformed": 1, "empty": 1, "duplicate": 1, "leakage": 1}
    assert corpus.lines == len(drawn.frame) + sum(corpus.dropped.values())


def test_errors_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no parallel text.*en-de"):
        draw(Parallel(path=str(tmp_path)), "eng_Latn", "deu_Latn", 5, 0)
    write(tmp_path, "tsv")
    with pytest.raises(UserError, match=r"requested 51 pairs but only 50 are usable"):
        draw(Parallel(path=str(tmp_path)), "eng_Latn", "deu_Latn", 51, 0)
    (tmp_path / "x.en-fr.en").write_text("a\nb\n")
    (tmp_path / "x.en-fr.fr").write_text("a\n")
    with pytest.raises(UserError, match="different numbers of lines"):
        draw(Parallel(path=str(tmp_path)), "eng_Latn", "fra_Latn", 1, 0)
    (tmp_path / "en-id.tsv").write_bytes(b"caf\xe9\tx\n")
    with pytest.raises(UserError, match="not UTF-8"):
        draw(Parallel(path=str(tmp_path)), "eng_Latn", "ind_Latn", 1, 0)


def test_line_separators_inside_a_sentence_end_no_line(tmp_path: Path) -> None:
    (tmp_path / "x.en-de.en").write_text("one\u2028two\nthree\n", encoding="utf-8")
    (tmp_path / "x.en-de.de").write_text("eins zwei\ndrei\n", encoding="utf-8")
    drawn = draw(Parallel(path=str(tmp_path)), "eng_Latn", "deu_Latn", 2, 0)
    assert ("three", "drei") in drawn.frame.select("source", "target").rows()


def test_corpora_of_a_pair_are_united(tmp_path: Path) -> None:
    """Each pair once, whichever corpora have it; by name only one of them."""
    (tmp_path / "A.en-de.tsv").write_text("".join(f"{a}\t{b}\n" for a, b in PAIRS[:30]))
    (tmp_path / "B.de-en.tsv").write_text("".join(f"{b}\t{a}\n" for a, b in PAIRS[20:]))
    drawn = draw(Parallel(path=str(tmp_path)), "eng_Latn", "deu_Latn", None, 0)
    assert set(drawn.frame.select("source", "target").rows()) == set(PAIRS) and len(drawn.frame) == 50
    assert [corpus.dropped["duplicate"] for corpus in drawn.corpora] == [0, 10]
    one = draw(Parallel(path=str(tmp_path), corpora=["B."]), "eng_Latn", "deu_Latn", None, 0)
    assert len(one.frame) == 30
    with pytest.raises(UserError, match=r"no parallel text .* with a name of C"):
        draw(Parallel(path=str(tmp_path), corpora=["C"]), "eng_Latn", "deu_Latn", None, 0)
