"""Questions and answers as they are saved."""

from polydistill.eval.question import Answer, Question, from_table, to_table


def test_questions_and_answers_survive_the_file() -> None:
    questions = [
        Question("a", "deu_Latn", "i", "x", ("g",), ("A", "B"), 1, parts=(1.0, 2.0)),
        Question("b", "jpn_Jpan", "i", gold=("g", "h"), answer_language="jpn_Jpan", source="s", plain=True),
    ]
    answers = [Answer("B", 1, (-2.0, -1.0), finish="choice"), Answer("x", logprob=-0.5, tokens=3, finish="stop")]
    assert from_table(to_table(questions, answers)) == (questions, answers)
