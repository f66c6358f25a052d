"""The report's table: what each step took, in each language."""

from polydistill.engine.config import Price
from polydistill.engine.generation.answers import AnswerFigures
from polydistill.engine.storage.figures import RowFigures, TokenFigures, merge
from polydistill.engine.synthesis.reporting.figures import PromptFigures, Report, as_text, spending


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
