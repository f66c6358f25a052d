"""An instruction model as a translator, in this process (vLLM) or behind an OpenAI-compatible server."""

from collections.abc import Callable, Mapping, Sequence

from polydistill.engine.config import Endpoint, Translator
from polydistill.engine.errors import UserError
from polydistill.engine.generation.prompting.tokenizer import Tokenizer
from polydistill.engine.languages import get_language
from polydistill.engine.schema import Note
from polydistill.engine.translation.chat.answers import parse_translation
from polydistill.engine.translation.chat.prompts import (
    PLAIN,
    Content,
    Family,
    family_for,
    language_content,
    takes_languages,
    translation_prompt,
)
from polydistill.engine.translation.local_model import LocalModel, Written
from polydistill.engine.translation.terms import NO_TERMS, Terms
from polydistill.engine.translation.translator import Hypothesis, Portions, TokenCount, error

WHOLE = 1_000_000
"""Characters of a line that `documents` gives in one piece: any line."""


Ask = Callable[[list[Content]], list[Written]]


class ChatTranslator:
    """The `Translator` of method `chat`."""

    def __init__(
        self, ask: Ask, family: Family, documents: bool = False, terms: Terms = NO_TERMS, by_codes: bool = False
    ) -> None:
        """Translate by asking a model.

        Args:
            ask: prompts -> what the model wrote, in order.
            family: decides the wording.
            documents: whether lines are given whole and not sentence by sentence.
            terms: those that the model is told of.
            by_codes: whether the model's chat template writes the wording itself, see `takes_languages`.
        """
        self._ask, self._family, self._terms, self._by_codes = ask, family, terms, by_codes
        self.portions = Portions(WHOLE if documents else 0)

    def __call__(self, sentences: list[str], sources: list[str], targets: list[str]) -> list[Hypothesis]:
        """See `Translator`."""
        rows = list(zip(sentences, sources, targets))
        if not rows:
            return []
        written = self._ask([self._content(*row) for row in rows])
        return [_hypothesis(sentence, target, own) for (sentence, _, target), own in zip(rows, written)]

    def _content(self, sentence: str, source: str, target: str) -> Content:
        if self._by_codes:
            return language_content(sentence, source, target)
        return translation_prompt(sentence, source, target, self._family, self._told(sentence, target))

    def _told(self, sentence: str, target: str) -> list[tuple[str, str]]:
        return [(sentence[start:stop], made) for start, stop, made in self._terms.find(sentence, target)]


def _hypothesis(sentence: str, target: str, written: Written) -> Hypothesis:
    if written.finish.startswith(Note.ERROR):
        return error(written.finish.removeprefix(f"{Note.ERROR}: "))
    language = get_language(target)
    made = parse_translation(sentence, written.text, language.name, language.script)
    notes = (Note.TRUNCATED, *made.notes) if written.finish == "length" else made.notes
    return Hypothesis(made.text, notes, tokens=written.tokens)


def load_chat_translator(config: Translator, device: str = "cpu", terms: Terms = NO_TERMS) -> ChatTranslator:
    """The translator that the configuration describes, told of `terms`.

    Raises:
        UserError: a model that vLLM cannot load, one without a chat template, a server that does not answer.
    """
    family = family_for(config)
    if config.endpoint:
        return ChatTranslator(_server(config, config.endpoint, family), family, config.documents, terms)
    ask, by_codes = _engine(config, device, family)
    return ChatTranslator(ask, family, config.documents, terms, by_codes)


def _server(config: Translator, endpoint: Endpoint, family: Family) -> Ask:
    from polydistill.engine.generation.endpoint import EndpointClient

    client = EndpointClient(endpoint)
    settings = {"model": client.model(), "temperature": config.temperature, "max_tokens": config.max_output_tokens}
    arguments = {"chat_template_kwargs": config.template} if config.template else {}

    def ask(prompts: list[Content]) -> list[Written]:
        if family in PLAIN:
            replies = client.ask("completions", [settings | {"prompt": text, "stop": ["\n"]} for text in prompts])
        else:
            bodies = [settings | arguments | {"messages": [{"role": "user", "content": text}]} for text in prompts]
            replies = client.ask("chat/completions", bodies)
        return [Written(one.text, one.finish, TokenCount(one.prompt_tokens, one.tokens)) for one in replies]

    return ask


def _engine(config: Translator, device: str, family: Family) -> tuple[Ask, bool]:
    """vLLM in this process, and whether the model's chat template takes languages by their codes."""
    model = LocalModel(config, device)
    if family in PLAIN:
        return lambda prompts: model.write(
            [model.tokenizer(text)["input_ids"] for text in prompts], config.max_output_tokens, ["\n"]
        ), False
    template = chat_template(config, model.tokenizer)

    def ask(prompts: list[Content]) -> list[Written]:
        ids = [_token_ids(model.tokenizer, text, config.template) for text in prompts]
        return model.write(ids, config.max_output_tokens)

    return ask, takes_languages(template)


def chat_template(config: Translator, tokenizer: Tokenizer) -> str:
    """The chat template that the model is asked in.

    Raises:
        UserError: its tokenizer has none.
    """
    if not tokenizer.chat_template:
        raise UserError(
            f"{config.model}: no chat template, which translation by method `chat` needs. Expected an "
            "instruction-tuned model. A base model translates with method `self`, from examples"
        )
    return tokenizer.get_chat_template()


def _token_ids(tokenizer: Tokenizer, content: Content, template: Mapping[str, object]) -> Sequence[int]:
    messages = [{"role": "user", "content": content}]
    return tokenizer.apply_chat_template(
        messages, add_generation_prompt=True, tokenize=True, return_dict=False, **template
    )
