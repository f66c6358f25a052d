import pyarrow as pa

from polydistill.engine.schema import FIELDS, GIVEN, TRANSLATED, Note
from polydistill.engine.translation.given import WithGiven, attach, untranslated


class Upper:
    """A translation stage that shouts, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[list[str], list[str | None]]] = []

    def __call__(self, rows: pa.Table, targets: list[str], /) -> pa.Table:
        self.asked.append((targets, rows["instruction"].to_pylist()))
        parts = []
        for target in targets:
            part = rows.append_column("target", pa.array([target] * rows.num_rows))
            for field in FIELDS:
                texts = [text and text.upper() for text in rows[field].to_pylist()]
                part = part.append_column(f"mt_{field}", pa.array([text or None for text in texts], pa.string()))
            for field in FIELDS:
                notes = [[] if text else None for text in rows[field].to_pylist()]
                part = part.append_column(f"notes_{field}", pa.array(notes, pa.list_(pa.string())))
            parts.append(part.select(TRANSLATED.names))
        return pa.concat_tables(parts)


def given(*rows: tuple[str | None, str | None, str | None]) -> pa.Table:
    return pa.Table.from_pylist([dict(zip(GIVEN.names, row)) for row in rows], schema=GIVEN)


def test_given_texts_are_taken_and_the_others_translated(table_of):
    rows = table_of("yes", "no", instruction=["a", "b"], self=["own", None])
    stage = Upper()
    german = given(("A auf Deutsch", "nothing to translate", None), (None, None, "nein"))
    made = WithGiven(stage)(attach(rows, {"deu_Latn": german}), ["ind_Latn", "deu_Latn"])
    assert made.schema == TRANSLATED and made["target"].to_pylist() == ["ind_Latn"] * 2 + ["deu_Latn"] * 2
    assert made["mt_instruction"].to_pylist() == ["A", "B", "A auf Deutsch", "B"]
    assert made["mt_input"].to_pylist() == [None] * 4
    assert made["mt_truth"].to_pylist() == ["YES", "NO", "YES", "nein"]
    assert made["mt_self"].to_pylist() == ["OWN", None, "OWN", None]
    assert made["notes_instruction"].to_pylist() == [[], [], [Note.GIVEN], []]
    assert made["notes_truth"].to_pylist() == [[], [], [], [Note.GIVEN]]
    assert made["instruction"].to_pylist() == ["a", "b"] * 2
    assert stage.asked == [(["ind_Latn"], ["a", "b"]), (["deu_Latn"], [None, "b"])]


def test_without_given_texts_the_stage_is_called_as_ever(table_of):
    rows, stage = table_of("yes"), Upper()
    assert WithGiven(stage)(rows, ["deu_Latn", "ind_Latn"]) == Upper()(rows, ["deu_Latn", "ind_Latn"])
    assert stage.asked == [(["deu_Latn", "ind_Latn"], ["Do it."])]


def test_without_a_translator_texts_are_given_or_said_to_be_missing(table_of):
    rows = table_of("yes", "ja", instruction=["a", "b"], source=["eng_Latn", "deu_Latn"])
    made = WithGiven(None)(attach(rows, {"deu_Latn": given(("A!", None, None), (None, None, None))}), ["deu_Latn"])
    assert made.schema == TRANSLATED
    assert made["mt_instruction"].to_pylist() == ["A!", "b"]  # a row in the target language is given back
    assert made["mt_truth"].to_pylist() == [None, "ja"]
    assert made["notes_truth"].to_pylist() == [[Note.NOT_GIVEN], []]
    assert untranslated(rows, []).num_rows == 0
