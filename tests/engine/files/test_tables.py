"""CSV, TSV and plain lines: what was written is read, with the number of the line where a row begins."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polydistill.engine.errors import UserError
from polydistill.engine.files.batch import ROWS, Broken
from polydistill.engine.files.source import File
from polydistill.engine.files.tables import INDEX, csv_rows, read_cells, text_rows, tsv_rows

TEXT = st.text(st.sampled_from('ab,;|\t"\n ü'), max_size=6)


def values(path: Path, read: object = csv_rows) -> list:
    return [value for rows in read(File.of(path)) for value in rows.values]  # type: ignore[operator]


def numbers(path: Path, read: object = csv_rows) -> list[int]:
    return [number for rows in read(File.of(path)) for number in rows.numbers]  # type: ignore[operator]


@settings(max_examples=30)
@given(rows=st.lists(st.tuples(TEXT, TEXT), max_size=5), delimiter=st.sampled_from(",;|\t"))
def test_what_pythons_writer_writes_is_read(
    rows: list, delimiter: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerows([("q", "a"), *rows])
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    path.write_text(text.getvalue(), newline="")
    assert values(path) == [{"q": q, "a": a} for q, a in rows]
    begins, line = [], 2
    for row in rows:
        begins.append(line)
        line += 1 + sum(cell.count("\n") for cell in row)
    assert numbers(path) == begins


def test_the_row_numbers_that_pandas_writes_are_a_column(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(",q,a\n0,x,y\n")
    (tmp_path / "a.tsv").write_text("\tq\n0\tx\n")
    assert values(tmp_path / "a.csv") == [{INDEX: "0", "q": "x", "a": "y"}]
    assert values(tmp_path / "a.tsv", tsv_rows) == [{INDEX: "0", "q": "x"}]


@pytest.mark.parametrize("first", ["sep=;", '"sep=;"', "sep=;\r"])
def test_excel_names_its_separator_above_the_header(tmp_path: Path, first: str) -> None:
    (tmp_path / "a.csv").write_text(f"{first}\nq, r;a\n1;2\n\n3\n", newline="")
    assert values(tmp_path / "a.csv") == [{"q, r": "1", "a": "2"}, Broken("wrong_cells", "3")]
    assert numbers(tmp_path / "a.csv") == [3, 5]


def test_a_row_of_another_width_costs_itself(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('q,a\n1,2\nfew\n\n1,2,3\n"x\ny",z\n')
    assert values(tmp_path / "a.csv") == [
        {"q": "1", "a": "2"},
        Broken("wrong_cells", "few"),
        Broken("wrong_cells", "1\t2\t3"),
        {"q": "x\ny", "a": "z"},
    ]
    assert numbers(tmp_path / "a.csv") == [2, 3, 5, 6]


def test_a_quotation_mark_without_end_names_where_its_row_begins(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('q,a\n1,2\n"x\n,3\n4,5\n')
    with pytest.raises(UserError, match=r"a\.csv:3: broken CSV in the row that begins here"):
        values(tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("header", "message"), [("a,a", "names a column twice: a, a"), ("a,,b", "leaves a column without a name")]
)
def test_headers_are_checked(header: str, message: str, tmp_path: Path) -> None:
    for name, read, text in (("a.csv", csv_rows, header), ("a.tsv", tsv_rows, header.replace(",", "\t"))):
        (tmp_path / name).write_text(f"{text}\n1\n")
        with pytest.raises(UserError, match=rf"{name}:1: the header {message}"):
            values(tmp_path / name, read)


def test_quotation_marks_of_tsv_are_text(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text('q\ta\n"one\ttwo"\n')
    assert values(tmp_path / "a.tsv", tsv_rows) == [{"q": '"one', "a": 'two"'}]
    assert list(read_cells(File.of(tmp_path / "a.tsv"))) == [["q", "a"], ['"one', 'two"']]


def test_many_lines_come_in_batches_without_a_loss(tmp_path: Path) -> None:
    count = 2 * ROWS + 5
    (tmp_path / "a.txt").write_text("".join(f"{i}\n" for i in range(count)))
    batches = list(text_rows(File.of(tmp_path / "a.txt")))
    assert [len(batch.values) for batch in batches] == [ROWS, ROWS, 5]
    assert [value["text"] for batch in batches for value in batch.values] == [str(i) for i in range(count)]
    assert [n for batch in batches for n in batch.numbers] == list(range(1, count + 1))


def test_bytes_that_are_no_utf8_are_an_error_of_cells_without_a_header(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_bytes(b"a\tb\n\xff\tc\n")
    with pytest.raises(UserError, match=r"a\.tsv"):
        list(read_cells(File.of(tmp_path / "a.tsv")))
