"""From questions to token ids, with solved examples before them where the task asks for some.

Rendering is that of `engine.generation.prompting.tokens`: a question with examples is a conversation with earlier
turns.
"""

from collections.abc import Sequence

from polydistill.engine.generation.prompting.conversation import Message
from polydistill.engine.generation.prompting.tokens import PromptTokens
from polydistill.eval.question import Question


def prompt_tokens(questions: Sequence[Question], shots: Sequence[Question], tokens: PromptTokens) -> list[list[int]]:
    """Token ids of each prompt: examples with their answers, then the question.

    Examples are the same for every question, so that an engine with prefix caching reads them once.
    """
    prompts: list[list[int]] = [[]] * len(questions)
    for plain in (False, True):
        chosen = [i for i, question in enumerate(questions) if question.plain == plain]
        ids = tokens.prompt_ids([_asked(questions[i], shots) for i in chosen], bare=plain) if chosen else []
        for i, found in zip(chosen, ids):
            prompts[i] = found
    return prompts


def choice_tokens(question: Question, shots: Sequence[Question], tokens: PromptTokens) -> list[list[int]]:
    """Token ids of each of the question's choices as they stand after the prompt."""
    return tokens.answer_ids(_asked(question, shots), question.choices, bare=question.plain)


def _asked(question: Question, shots: Sequence[Question]) -> list[Message]:
    turns = []
    for shot in shots:
        turns += [Message("user", shot.instruction, shot.input), Message("assistant", _gold(shot))]
    return [*turns, Message("user", question.instruction, question.input)]


def _gold(shot: Question) -> str:
    return shot.choices[shot.right] if shot.choices else shot.gold[0]
