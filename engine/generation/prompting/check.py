"""Looks at a student's prompt template before anything expensive starts."""

from dataclasses import dataclass

from polydistill.engine.config import Student
from polydistill.engine.generation.prompting.chat_template import ChatTemplate, may_think
from polydistill.engine.generation.prompting.conversation import Message
from polydistill.engine.generation.prompting.probe import probe
from polydistill.engine.generation.prompting.templates import load_tokenizer
from polydistill.engine.generation.prompting.tokens import PromptTokens


@dataclass(frozen=True)
class TemplateReport:
    """What a template does that a user should know."""

    end: str  # the token that ends an answer, e.g. "<|im_end|>"
    system: str  # "turn", or "merged": the system text stands before the first question
    notes: tuple[str, ...]  # sentences


def check_template(student: Student) -> TemplateReport:
    """Render and tokenize a short conversation as generation, training and evaluation will.

    Raises:
        UserError: there is no tokenizer or template, the template fails or is hostile, leaves out the assistant's
            turn, or cannot be used for training; the message is one sentence with the way out.
    """
    tokenizer = load_tokenizer(student.model, student.trust_remote_code)
    if student.prompt == "chat" and tokenizer.chat_template:
        source = tokenizer.get_chat_template()
        probe(source, {**tokenizer.special_tokens_map, **student.template}, student.model)
    tokens = PromptTokens(tokenizer, student.prompt, student.template)
    (sample,) = tokens.sample_ids([[Message("user", "Which?"), Message("assistant", "This.")]])
    notes = []
    system = "turn"
    if isinstance(tokens.renderer, ChatTemplate):
        if not tokens.renderer.has_system:
            system = "merged"
            notes.append("The chat template takes no system turn: a system text is put before the first question.")
        if tokens.renderer.dated:
            notes.append("The chat template writes today's date: it is fixed to 26 July 2024.")
        if may_think(tokens.renderer.source, student.template):
            notes.append(
                "The student may think before each answer, and `max_tokens` counts that. "
                "`student.template: {enable_thinking: false}` turns it off."
            )
    return TemplateReport(tokenizer.convert_ids_to_tokens(sample.ids[-1]), system, tuple(notes))
