"""What the multiple-choice benchmarks share: how candidates are asked, and how the answers are counted."""

from collections.abc import Sequence

from polydistill.eval.benchmark import Wanted
from polydistill.eval.question import Answer, Question
from polydistill.eval.scoring.letters import read_letter
from polydistill.eval.scoring.metrics import Measure, mean

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def multiple_choice(
    wanted: Wanted,
    identity: str,
    instruction: str,
    shown: str,
    answers: tuple[str, ...],
    right: int,
    how: str,
    plain: bool = False,
) -> Question:
    """A question with candidates, asked by `how`: letter, text or generate."""
    letters = tuple(LETTERS[: len(answers)])
    if how == "generate":
        gold = (letters[right],)
        return Question(
            identity, wanted.language, instruction, shown, gold, right=right, letters="".join(letters), plain=plain
        )
    choices = letters if how == "letter" else answers
    divide = how == "text" and wanted.task.normalize == "characters"
    parts = lengths(choices) if divide else ()
    gold = (choices[right],)
    return Question(identity, wanted.language, instruction, shown, gold, choices, right, plain=plain, parts=parts)


def lengths(choices: Sequence[str]) -> tuple[float, ...]:
    """Characters of each candidate. The space that joins it to the prompt does not count (lm-eval's acc_norm)."""
    return tuple(float(max(1, len(choice.lstrip(" ")))) for choice in choices)


def accuracy(questions: list[Question], answers: list[Answer], how: str) -> list[Measure]:
    """Share of questions whose right candidate was chosen, in percent.

    `accuracy` compares summed log-likelihoods. For texts `accuracy_norm` compares them divided by the candidates'
    lengths in characters. Candidates that tie for the first place share it: the right one counts 1/k.
    """
    ids = [question.id for question in questions]
    if how == "generate":
        hits = [float(read_letter(a.text, q.letters) == q.gold[0]) for q, a in zip(questions, answers)]
        return [mean("accuracy", ids, hits, "choices:generate")]
    pairs = list(zip(questions, answers))
    summed = [credit(q, a, (1.0,) * len(q.choices)) for q, a in pairs]
    measures = [mean("accuracy", ids, summed, f"choices:{how}|norm:none|ties:shared")]
    if how == "text":
        divided = [credit(q, a, lengths(q.choices)) for q, a in pairs]
        measures.append(mean("accuracy_norm", ids, divided, f"choices:{how}|norm:characters|ties:shared"))
    return measures


def credit(question: Question, answer: Answer, parts: Sequence[float]) -> float:
    """1 where the right candidate alone has the highest score divided by its part, 1/k where k have it, else 0."""
    if not answer.scores:
        return float(answer.choice == question.right)
    values = [score / part for score, part in zip(answer.scores, parts)]
    best = max(values)
    return float(values[question.right] == best) / values.count(best)
