import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydistill.engine.errors import UserError
from polydistill.engine.pairs.find import find_corpora
from polydistill.engine.pairs.read import Pair, read_pairs

EN, DE = "eng_Latn", "deu_Latn"
WANTED = [("One sun.", "Eine Sonne."), ("Two moons.", "Zwei Monde.")]


def pairs(folder: Path) -> list[Pair | None]:
    (file,) = find_corpora(str(folder), EN, DE)
    return list(read_pairs(file, EN, DE))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("en-de.tsv", "One sun.\tEine Sonne.\nTwo moons.\tZwei Monde.\n"),
        ("de-en.tsv", "Eine Sonne.\tOne sun.\nZwei Monde.\tTwo moons.\n"),
        ("en-de.tsv", "\ufeffOne sun.\tEine Sonne.\r\nTwo moons.\tZwei Monde.\r\n"),
        ("en-de.tsv", "en\tde\nOne sun.\tEine Sonne.\nTwo moons.\tZwei Monde.\n"),
        ("en-de.tsv", "de\ten\nEine Sonne.\tOne sun.\nZwei Monde.\tTwo moons.\n"),  # the header knows better
        ("en-de.tsv", "source\ttarget\nOne sun.\tEine Sonne.\nTwo moons.\tZwei Monde.\n"),
        ("WikiMatrix.de-en.tsv", "1.2\tEine Sonne.\tOne sun.\n1.1\tZwei Monde.\tTwo moons.\n"),
        ("en-de.tsv", "One sun.\tEine Sonne.\t0.9\nTwo moons.\tZwei Monde.\t0.8\n"),
        ("en-de.txt", "One sun.\tEine Sonne.\tCC-BY 2.0 x\nTwo moons.\tZwei Monde.\tCC-BY 2.0 y\n"),
        ("Sentence pairs in English-German - 2024.tsv", "1\tOne sun.\t7\tEine Sonne.\n2\tTwo moons.\t8\tZwei Monde.\n"),
        ("test.deu-eng.txt", "deu\teng\tEine Sonne.\tOne sun.\ndeu\teng\tZwei Monde.\tTwo moons.\n"),
        ("en-de.csv", 'en,de\n"One sun.","Eine Sonne."\nTwo moons.,Zwei Monde.\n'),
        ("x.de-en.json", json.dumps([{"de": b, "en": a} for a, b in WANTED])),
        ("x.en-de.json", "".join(json.dumps({"translation": {"en": a, "de": b}}) + "\n" for a, b in WANTED)),
        ("x.en-de.jsonl", "".join(json.dumps({"eng": a, "deu": b, "score": 1}) + "\n" for a, b in WANTED)),
        ("x.de-en.jsonl", "".join(json.dumps({"source": b, "target": a}) + "\n" for a, b in WANTED)),
    ],
)
def test_layouts(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert pairs(tmp_path) == WANTED
    (tmp_path / f"{name}.gz").write_bytes(gzip.compress((tmp_path / name).read_bytes()))
    (tmp_path / name).unlink()
    assert pairs(tmp_path) == WANTED


def test_opus_on_the_hub(tmp_path: Path) -> None:
    (tmp_path / "de-en").mkdir()
    table = pa.table({"translation": [{"de": b, "en": a} for a, b in WANTED]})
    for split in ("train", "test"):
        pq.write_table(table, tmp_path / f"de-en/{split}-00000-of-00001.parquet")
    assert pairs(tmp_path) == WANTED


def test_line_by_line(tmp_path: Path) -> None:
    for ending, side in (("en", 0), ("de", 1)):
        (tmp_path / f"X.de-en.{ending}").write_text("".join(f"{pair[side]}\n" for pair in WANTED))
    (tmp_path / "X.de-en.ids").write_text("1\t2\n3\t4\n")
    assert pairs(tmp_path) == WANTED
    (tmp_path / "X.de-en.de").write_text("Eine Sonne.\n")
    with pytest.raises(UserError, match="different numbers of lines"):
        pairs(tmp_path)


def test_lines_that_are_no_pair(tmp_path: Path) -> None:
    (tmp_path / "en-de.tsv").write_text("a b\tc d\nno tab\na\tb\tc\n\tx\n")
    assert pairs(tmp_path) == [("a b", "c d"), None, None, ("", "x")]
    (tmp_path / "en-de.tsv").unlink()
    (tmp_path / "en-de.jsonl").write_text('{"en": "a", "de": "b"}\n{"en": "a"}\n{"en": 1, "de": "b"}\nnot json\n[1]\n'
                                         '{"en": "\\ud800", "de": "b"}\n')  # fmt: skip
    assert pairs(tmp_path) == [("a", "b"), None, None, None, None, None]


def test_columns_that_nobody_knows(tmp_path: Path) -> None:
    (tmp_path / "en-de.tsv").write_text("a\tb\tc\td\te\n" * 3)
    with pytest.raises(UserError, match=r"no line is a pair.*id, text, id, text"):
        pairs(tmp_path)


text = st.text(st.characters(codec="utf-8", exclude_characters="\n\r\t\0", exclude_categories=("Cs", "Cc")), min_size=1)


@given(st.lists(st.tuples(text, text), min_size=1, max_size=20))
def test_lines_are_pairs(tmp_path_factory: pytest.TempPathFactory, written: list[tuple[str, str]]) -> None:
    folder = tmp_path_factory.mktemp("pairs")
    (folder / "en-de.tsv").write_bytes("".join(f"{a}\t{b}\n" for a, b in [("x", "y z"), *written]).encode())
    assert pairs(folder) == [("x", "y z"), *((a.strip(), b.strip()) for a, b in written)]
