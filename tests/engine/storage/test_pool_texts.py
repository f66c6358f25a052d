"""A pool row's texts, with what belongs to each."""

from polydistill.engine.storage.pool_texts import texts
from tests.engine.pool_fixture import row


def test_each_text_has_its_own_scores_and_reasons() -> None:
    scores = {"quality": 0.5, "language": "deu_Latn", "script": None, "flags": ["digits"]}
    turns = [
        {"role": "user", "content": "Hi", "payload": None},
        {"role": "assistant", "content": None, "payload": '{"tool_calls": []}'},
        {"role": "user", "content": None, "payload": None},
    ]
    found = list(
        texts(
            row(
                0,
                "deu_Latn",
                system="Be brief.",
                history=turns,
                notes_truth=["number_lost"],
                scores_truth=scores,
                reason_truth="low_quality",
                reason_history=["off_target", None, None],
            )
        )
    )
    assert [text.name for text in found] == [
        *("system", "history 1 (user)", "history 2 (assistant)", "history 3 (user)"),
        *("instruction", "truth", "self"),
    ]
    by_name = {text.name: text for text in found}
    assert by_name["system"].hypothesis == "de:Be brief."
    assert by_name["history 1 (user)"].reason == "off_target"
    assert by_name["history 2 (assistant)"].payload == '{"tool_calls": []}'
    assert by_name["truth"].facts() == {
        "notes": "number_lost",
        "scores": "quality 0.5, language deu_Latn",
        "flags": "digits",
        "reason": "low_quality",
    }
    assert by_name["self"].facts() == {}
