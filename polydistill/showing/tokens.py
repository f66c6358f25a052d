"""A mixture's rows as the trainer sees them: tokens, and which of them are learned."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from polydistill.engine.config import override, validate
from polydistill.engine.errors import UserError
from polydistill.engine.generation.prompting.tokenizer import Tokenizer
from polydistill.engine.mixing.mixture import Mixture
from polydistill.engine.schema import MIXTURE
from polydistill.engine.screen import visible
from polydistill.engine.storage.configuration import CONFIG, read_configuration
from polydistill.engine.storage.shards import Folder
from polydistill.run_config import TrainSections, read_run_file
from polydistill.trainer.data.tokenization import Tokenization, tokenize, tokenizer_to_train


def training(mixture: Mixture, config: Path | None, student: str | None, prompt: str | None) -> TrainSections:
    """The sections that decide the tokens.

    Args:
        mixture: its run's config.yaml is read where no file is given and it lies in the run's folder.
        config: a run's file.
        student: model in place of the file's.
        prompt: template in place of the file's.

    Raises:
        UserError: no model is named, a value is wrong, or the run's config.yaml is damaged.
    """
    run = Folder(mixture.folder.filesystem, str(Path(mixture.folder.root).parent.parent))
    data: dict[str, object] = {}
    if config is not None:
        data = read_run_file(config)
    elif student is None and run.exists(CONFIG):
        data = read_configuration(run)
    for key, value in (("model", student), ("prompt", prompt)):
        if value is not None:
            override(data, f"student.{key}={value}")
    sections = validate(TrainSections, data, str(config or "configuration"))
    if sections.student is None:
        raise UserError("--tokens: which tokenizer? Give --student MODEL, or --config FILE with a section `student`.")
    return sections


def token_printer(mixture: Mixture, sections: TrainSections) -> Callable[[Mapping[str, object]], str]:
    """A function from a MIXTURE row to its tokens as text.

    Raises:
        UserError: the tokenizer cannot be loaded, or does not fit the template.
    """
    assert sections.student is not None
    tokenizer, _ = tokenizer_to_train(sections.student, sections.train)
    how = Tokenization.of(sections.student, sections.train)

    def text(row: Mapping[str, object]) -> str:
        tokens, counts = tokenize(pa.Table.from_pylist([row], MIXTURE), tokenizer, mixture.record.weights, how)
        if not tokens.num_rows:
            return f"tokens: none, the trainer leaves this row out ({', '.join(counts)}; max_tokens {how.max_tokens:,})"
        return "\n".join(_lines(tokens.to_pylist()[0], tokenizer, bool(counts["truncated"]), how.max_tokens))

    return text


def mask(count: int, prompt: int, gaps: Sequence[int]) -> list[bool]:
    """Whether each token of a sample is learned.

    Args:
        count: tokens.
        prompt: tokens before the first that is learned.
        gaps: begin and end of every later stretch that is not, one after the other (the column `gaps` of TOKENS).
    """
    learned = [index >= prompt for index in range(count)]
    for first, last in zip(gaps[::2], gaps[1::2]):
        learned[first:last] = [False] * len(learned[first:last])
    return learned


def _lines(tokens: Mapping[str, Any], tokenizer: Tokenizer, truncated: bool, limit: int) -> Iterator[str]:
    """The lines of a TOKENS row."""
    ids: list[int] = tokens["tokens"]
    learned = mask(len(ids), tokens["prompt"], tokens["gaps"])
    notes = [f"cut at max_tokens {limit:,}"] * truncated + ["held out for validation"] * tokens["validation"]
    yield f"tokens: {len(ids):,}, of them {sum(learned):,} learned" + "".join(f"; {note}" for note in notes)
    start = 0
    for stop in range(1, len(ids) + 1):
        if stop == len(ids) or learned[stop] != learned[start]:
            name = "learned" if learned[start] else "not learned"
            yield f"  {name}, {stop - start:,} tokens: " + "|".join(_piece(tokenizer, one) for one in ids[start:stop])
            yield "    ids: " + " ".join(map(str, ids[start:stop]))
            start = stop


def _piece(tokenizer: Tokenizer, token: int) -> str:
    """A token's text. One that is a part of a character has the vocabulary's spelling."""
    text = tokenizer.decode([token], clean_up_tokenization_spaces=False)
    if "\ufffd" in text:
        text = str(tokenizer.convert_ids_to_tokens(token))
    return visible(text.replace("\n", "\\n"))
