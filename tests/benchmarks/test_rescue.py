"""The parts of the rescue benchmark that decide what its figures mean."""

import pyarrow as pa

from benchmarks.rescue import _errors, _halves, _right
from polydistill.engine.schema import FIELDS
from polydistill.tinyworld.facts import SOURCE, TARGETS, facts
from polydistill.tinyworld.translator import FORMS, mixed


def test_the_margin_is_chosen_on_other_prompts_than_it_is_measured_on() -> None:
    rows = [{"instruction": f"Question {i}?", "input": "", "output": f"Answer {i}."} for i in range(50)]
    halves = _halves(rows, 20)
    dev, test = ({row["instruction"] for row in halves[part]} for part in ("dev", "test"))
    assert len(dev) == len(test) == 20 and not dev & test
    assert _halves(rows[::-1], 20) == halves  # whatever the order of the file


def test_errors_are_counted_among_kept_texts_whose_right_translation_is_known() -> None:
    texts = mixed(facts()[0], FORMS[0])
    source, right = texts[SOURCE], texts[TARGETS[0]]
    assert right in _right(source, TARGETS[0]) and not _right("An unknown sentence .", TARGETS[0])
    cases = [(source, right, None, None), (source, "Falsch .", None, None), (source, "Falsch .", None, "truth:copied"),
             (source, "Falsch .", "low_quality", None), ("An unknown sentence .", "Falsch .", None, None)]  # fmt: skip
    columns = {"target": [TARGETS[0]] * len(cases), "reason": [row for *_, row in cases]}
    for field in FIELDS:
        own = field == "instruction"
        columns |= {field: [case[0] if own else "" for case in cases]}
        columns |= {f"mt_{field}": [case[1] if own else None for case in cases]}
        columns |= {f"reason_{field}": [case[2] if own else None for case in cases]}
    assert _errors(pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})) == (1, 1)


def test_a_text_is_right_where_each_of_its_sentences_is() -> None:
    first, second = (mixed(fact, FORMS[0]) for fact in facts()[:2])
    text = f"{first[SOURCE]} {second[SOURCE]}"
    assert f"{first['deu_Latn']} {second['deu_Latn']}" in _right(text, "deu_Latn")
    assert f"{first['jpn_Jpan']}{second['jpn_Jpan']}" in _right(text, "jpn_Jpan")
    assert f"{second['deu_Latn']} {first['deu_Latn']}" not in _right(text, "deu_Latn")
    assert not _right(f"{text} Unknown .", "deu_Latn")
