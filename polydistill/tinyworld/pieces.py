"""Subword pieces learnt from the world's text, for all three tokenizers."""

import json
from collections.abc import Iterable

from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from polydistill.tinyworld.facts import LANGUAGES, entities, name

Merge = tuple[str, str]

SPACES = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always", split=True)
"""Words begin with ▁, also the first one."""


def learn(text: list[str], size: int, pre_tokenizer: pre_tokenizers.PreTokenizer) -> tuple[list[str], list[Merge]]:
    """The pieces (most basic first) and merges of a BPE over `text`; every letter of every name is a piece."""
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizer
    letters = {letter for entity in entities() for language in LANGUAGES for letter in name(entity, language)} - {" "}
    trainer = trainers.BpeTrainer(vocab_size=size, initial_alphabet=sorted(letters), show_progress=False)
    core.train_from_iterator(text, trainer)
    learnt = json.loads(core.to_str())["model"]
    return list(learnt["vocab"]), [tuple(pair) for pair in learnt["merges"]]


def numbered(*pieces: Iterable[str]) -> dict[str, int]:
    """A vocabulary: the pieces in order, each once."""
    return {piece: index for index, piece in enumerate(dict.fromkeys(p for group in pieces for p in group))}
