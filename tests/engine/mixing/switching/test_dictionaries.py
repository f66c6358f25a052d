import gzip
import os
from pathlib import Path

import pytest

from polydistill.engine.config import Dictionaries
from polydistill.engine.errors import UserError
from polydistill.engine.mixing.switching.dictionaries import Dictionary, load_dictionary

DATA = os.environ.get("POLYDISTILL_DATA")


def load(folder: Path, name: str, text: str, source: str = "eng_Latn", target: str = "deu_Latn") -> Dictionary:
    (folder / name).write_text(text, encoding="utf-8")
    found = load_dictionary(Dictionaries(path=str(folder)), source, target)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("lines", "entries", "identical", "malformed"),
    [
        ("the die\nthe der\nhaus Haus\nthe die\n", {"the": ["die", "der"]}, 1, 0),
        ("new york\tNeu-York\nsun\tSonne\n", {"new york": ["Neu-York"], "sun": ["Sonne"]}, 0, 0),
        ("one two three\nsun Sonne\nlonely\n", {"sun": ["Sonne"]}, 0, 2),
        ("sun\tSonne\nmoon Mond\n", {"sun": ["Sonne"], "moon": ["Mond"]}, 0, 0),  # separators mixed in one file
        ("\ufeffsun\tSonne\r\nmoon\tMond\r\n", {"sun": ["Sonne"], "moon": ["Mond"]}, 0, 0),  # BOM, CRLF
        ('but\tAber,\n"sun"\t«Sonne»\n,\tx\n', {"but": ["Aber"], "sun": ["Sonne"]}, 0, 1),
        ("cafe\tCafe\u0301\n", {"cafe": ["Café"]}, 0, 0),  # decomposed: NFC
        ("etc.\tusw.\nc++\tC++-Sprache\n", {"etc.": ["usw."], "c++": ["C++-Sprache"]}, 0, 0),
    ],
)
def test_lines(tmp_path: Path, lines: str, entries: dict, identical: int, malformed: int) -> None:
    found = load(tmp_path, "en-de.txt", lines)
    assert dict(found.entries.rows()) == entries
    assert (found.dropped["identical"], found.dropped["malformed"]) == (identical, malformed)


def test_only_the_languages_script(tmp_path: Path) -> None:
    """A Serbian list in two scripts serves either language, each with its half."""
    text = "sun\tсунце\nsun\tsunce\n24/7\t24/7 ч\nhouse\tкућа\nhouse\tkuća\n7\t8\n"
    cyrillic = load(tmp_path, "en-sr.txt", text, target="srp_Cyrl")
    assert dict(cyrillic.entries.rows()) == {"sun": ["сунце"], "24/7": ["24/7 ч"], "house": ["кућа"], "7": ["8"]}
    assert cyrillic.dropped == {"malformed": 0, "identical": 0, "script": 2}
    back = load_dictionary(Dictionaries(path=str(tmp_path)), "srp_Cyrl", "eng_Latn")
    assert back is not None and back.dropped["script"] == 2 and "сунце" in back.entries["word"].to_list()


def test_turned_round_and_cut(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "en_de.tsv.gz", "wt") as file:
        file.write("the\tdie\nthe\tder\nsun\tSonne\nmoon\tMond\n")
    config = Dictionaries(path=str(tmp_path))
    back = load_dictionary(config, "deu_Latn", "eng_Latn", most_frequent=2)
    assert back is not None
    assert dict(back.entries.rows()) == {"die": ["the"], "der": ["the"], "Sonne": ["sun"]}


def test_muse_folder_as_its_script_fills_it(tmp_path: Path) -> None:
    """The whole list counts, not its train and test parts."""
    whole = [f"word{i} Wort{i}" for i in range(60)]
    for name, lines in (("en-de.txt", whole), ("en-de.0-5000.txt", whole[:50]), ("en-de.5000-6500.txt", whole[50:])):
        (tmp_path / name).write_text("\n".join(lines) + "\n")
    for source, target in (("eng_Latn", "deu_Latn"), ("deu_Latn", "eng_Latn")):
        found = load_dictionary(Dictionaries(path=str(tmp_path)), source, target)
        assert found is not None and Path(found.path).name == "en-de.txt" and found.pairs == 60


def test_nothing_usable_is_explained(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"en-de\.txt: no usable line \(1 malformed, 1 identical\)"):
        load(tmp_path, "en-de.txt", "lonely\nsun sun\n")
    (tmp_path / "en-fr.txt.gz").write_bytes(gzip.compress(b"sun soleil\n" * 100)[:-12])
    with pytest.raises(UserError, match=r"en-fr\.txt\.gz"):
        load_dictionary(Dictionaries(path=str(tmp_path)), "eng_Latn", "fra_Latn")


@pytest.mark.data
@pytest.mark.skipif(not DATA, reason="needs POLYDISTILL_DATA")
@pytest.mark.parametrize("target", ["deu_Latn", "jpn_Jpan", "arb_Arab", "zho_Hans", "ell_Grek"])
def test_cleaning_of_real_lists_is_small(target: str) -> None:
    found = load_dictionary(Dictionaries(path=f"{DATA}/muse"), "eng_Latn", target)
    assert found is not None and found.dropped["malformed"] < 0.01 * found.pairs
    assert found.dropped["script"] < 0.25 * found.pairs
