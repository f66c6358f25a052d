"""The report's table: what each step took, in each language."""

from polydistill.engine.config import Price
from polydistill.engine.generation.answers import AnswerFigures
from polydistill.engine.storage.figures import FieldFigures, RescueFigures, RowFigures, TokenFigures, merge
from polydistill.engine.synthesis.reporting.figures import PromptFigures, Report, as_text, chances, spending


def test_tokens_and_cost_are_told_by_step_and_language() -> None:
    price = Price(prompt=2.0, answer=8.0)  # for a million
    german = TokenFigures.of(1_000_000, 250_000, price)
    assert german.cost == 2 + 2
    rows = RowFigures(rows=10, kept=9, reasons={"self:low_quality": 1}, translation=german)
    languages = {"deu_Latn": merge([rows, rows]), "jpn_Jpan": RowFigures(rows=20, kept=20)}
    answers = AnswerFigures(rows=20, answered=20, candidates=20, prompt_tokens=500, answer_tokens=900, cost=1.5)
    report = Report(PromptFigures(20, 20, {}), languages, [], answers)
    assert spending(report) == [
        ("answers", TokenFigures(500, 900, 1.5)),
        ("translation, deu_Latn", TokenFigures(2_000_000, 500_000, 8.0)),
    ]
    lines = as_text(report, "run").splitlines()
    assert lines[1].endswith("500 prompt tokens, 900 generated; cost 1.50")
    assert lines[3].strip() == "translation: 2,000,000 tokens read, 500,000 written, cost 8.00"
    assert lines[-1].strip() == "cost of all models: 9.50"


def test_nothing_is_told_of_costs_without_a_price() -> None:
    assert TokenFigures.of(10, 20, None) == TokenFigures(10, 20, 0.0)
    report = Report(PromptFigures(1, 1, {}), {"deu_Latn": RowFigures(translation=TokenFigures(10, 20))}, [])
    assert "cost" not in as_text(report, "run") and "10 tokens read, 20 written" in as_text(report, "run")


def test_each_chance_is_told_with_what_it_kept_and_cost() -> None:
    rescue = RescueFigures(
        kept_without_rescue=50, kept_without_fallback=60, estimates=200, estimates_beam=20, estimates_fallback=7,
        texts_fallback=9, characters=1000, characters_fallback=80, tokens_fallback=410,
        seconds=2.0, seconds_beam=0.5, seconds_fallback=1.25,
    )  # fmt: skip
    rows = RowFigures(rows=100, kept=66, rescue=rescue)
    assert [(step.kept, step.estimates, step.seconds) for step in chances(rescue, 66)] == [
        *((50, 200, 2.0), (60, 20, 0.5), (66, 7, 1.25))
    ]
    lines = as_text(Report(PromptFigures(100, 100, {}), {"deu_Latn": rows}, []), "run").splitlines()
    assert [line.strip() for line in lines[2:]] == [
        "first hypotheses: 50.0% kept, 200 quality estimates, 2.0 s",
        "with the next best: 60.0% kept, 20 quality estimates, 0.5 s",
        "with the fallback: 66.0% kept, 7 quality estimates, 1.2 s, 9 texts (8.0% of all characters), 410 tokens",
    ]


def test_what_translation_noticed_is_counted() -> None:
    fields = {
        "instruction": FieldFigures(notes={"preamble": 3, "answered": 1}),
        "truth": FieldFigures(notes={"preamble": 2, "remark": 1}),
    }
    rows = RowFigures(rows=10, kept=10, fields=fields)
    assert rows.notes() == {"preamble": 5, "answered": 1, "remark": 1}
    text = as_text(Report(PromptFigures(10, 10, {}), {"deu_Latn": merge([rows, rows])}, []), "run")
    assert "noticed in translation: preamble 10, answered 2, remark 2" in text
