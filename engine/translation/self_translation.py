"""The student as its own translator (Self-Translate-Train, arXiv 2407.00454, sections 3.1 and 4.1).

Eight parallel examples show the task; the hypothesis is what the model writes up to the closing back-tick:

    en: `How many apples are left?`
    de: `Wie viele Äpfel sind übrig?`
    ...                                        (eight pairs)
    en: `It rains today.`
    de: `

A field is given whole, with its line breaks and the marks of its answer; long ones sentence by sentence. Each field
has its own examples and length limit. Prompts and parsing are pure functions; the model is a callable
`generate(prompts, max_tokens, stop)`.
"""

import functools
from collections.abc import Callable, Sequence

from polydistill.engine.config import FieldPrompts, Translate
from polydistill.engine.languages import get_language
from polydistill.engine.schema import FIELDS, Note
from polydistill.engine.translation.local_model import LocalModel, Written
from polydistill.engine.translation.shots import Pair, Shots
from polydistill.engine.translation.translator import Hypothesis, Part, Portions

MARKS = frozenset({"<answer>", "</answer>"})
"""Spans that the model sees: its examples show that they are kept (see `engine.translation.marked_answers`)."""


Generate = Callable[[list[str], int, str], list[Written]]


def prompt(text: str, source: str, target: str, pairs: Sequence[Pair]) -> str:
    """The few-shot prompt for one text. Back-ticks delimit, so those in texts become apostrophes."""
    names = get_language(source).locale, get_language(target).locale
    lines = [f"{name}: `{_plain(side)}`" for pair in pairs for name, side in zip(names, pair)]
    return "\n".join([*lines, f"{names[0]}: `{_plain(text)}`", f"{names[1]}: `"])


def parse(completion: Written, source: str = "") -> Hypothesis:
    """The hypothesis in a completion: TRUNCATED at the token limit, NO_END without the closing back-tick.

    Line breaks are kept where the source has some.
    """
    if completion.finish.startswith(Note.ERROR):
        return Hypothesis(None, (completion.finish,))
    notes = {"stop": (), "length": (Note.TRUNCATED,)}.get(completion.finish, (Note.NO_END,))
    lines = [" ".join(line.split()) for line in completion.text.strip().split("\n")]
    text = "\n".join(lines) if "\n" in source else " ".join(line for line in lines if line)
    return Hypothesis(text, notes, tokens=completion.tokens)


class SelfTranslator:
    """The `Translator` of method `self`, for fields that share examples and limits."""

    def __init__(
        self,
        generate: Generate,
        pairs: Callable[[str, str], Sequence[Pair]],
        max_tokens: int = 512,
        whole_chars: int = 600,
    ) -> None:
        """Translate by `generate`.

        Args:
            generate: writes on behind prompts.
            pairs: (source, target) -> the examples of that direction.
            max_tokens: maximum length of a hypothesis.
            whole_chars: maximum length of a text that is given in one piece.
        """
        self._generate, self._pairs, self._max_tokens = generate, pairs, max_tokens
        self.portions = Portions(whole_chars, breaks=True, shown=MARKS)

    def __call__(self, sentences: list[str], sources: list[str], targets: list[str]) -> list[Hypothesis]:
        """Translate sentence i from sources[i] to targets[i] (FLORES-200 codes)."""
        prompts = [
            prompt(sentence, source, target, self._pairs(source, target))
            for sentence, source, target in zip(sentences, sources, targets)
        ]
        completions = self._generate(prompts, self._max_tokens, "`") if prompts else []
        return [parse(completion, sentence) for completion, sentence in zip(completions, sentences)]


def load_self_translators(config: Translate, device: str = "cpu") -> list[Part]:
    """The translators that the configuration describes, run by one vLLM engine in this process.

    Raises:
        UserError: a model that vLLM cannot load, a GPU that is not there.
    """
    return self_translators(config, vllm_generate(config, device))


def self_translators(config: Translate, generate: Generate) -> list[Part]:
    """A translator for each group of fields with the same examples and limits."""
    shots = Shots(config.examples or "")
    limits: dict[str, FieldPrompts] = dict(config.fields.items())
    groups: dict[tuple[str, FieldPrompts], list[str]] = {}
    for field in FIELDS:
        groups.setdefault((shots.kind(field), limits.get(field, FieldPrompts())), []).append(field)
    return [
        Part(
            tuple(fields),
            SelfTranslator(
                generate,
                functools.partial(shots.pairs, kind),
                own.max_output_tokens or config.max_output_tokens,
                own.whole_chars,
            ),
        )
        for (kind, own), fields in groups.items()
    ]


def vllm_generate(config: Translate, device: str = "cpu") -> Generate:
    """`generate` by a vLLM engine, greedy. Prompts of a direction share their examples, which vLLM caches."""
    model = LocalModel(config.model_copy(update={"temperature": 0.0}), device)

    def generate(prompts: list[str], max_tokens: int, stop: str) -> list[Written]:
        return model.write(model.tokenizer(prompts)["input_ids"], max_tokens, [stop])

    return generate


def _plain(text: str) -> str:
    return text.replace("`", "'")
