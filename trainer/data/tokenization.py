"""A mixture's rows as token ids, with what is learned of them.

Rendering is that of `engine.generation.prompting.tokens`, which generation and evaluation use as well.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from polydistill.engine import seeds
from polydistill.engine.config import Student
from polydistill.engine.errors import UserError
from polydistill.engine.generation.prompting.conversation import answered, conversations
from polydistill.engine.generation.prompting.templates import Template
from polydistill.engine.generation.prompting.tokenizer import Tokenizer
from polydistill.engine.generation.prompting.tokens import PromptTokens, Sample
from polydistill.engine.mixing.mixture import Mixture
from polydistill.engine.storage.fingerprint import fingerprint as digest
from polydistill.trainer.config import Train
from polydistill.trainer.identity import mixture_content

TOKENS = pa.schema(
    [
        pa.field("tokens", pa.list_(pa.int32())),  # prompt, response, end of turn
        pa.field("prompt", pa.int32()),  # how many of them come before the first that is learned
        # Behind that, what is not learned (the user's turns between answers): first and last + 1, first, last + 1, ...
        pa.field("gaps", pa.list_(pa.int32())),
        pa.field("weight", pa.float32()),  # of this sample among those of its subset, usually 1
        pa.field("subset", pa.int16()),  # number of the subset, in the order of the subsets' names
        pa.field("validation", pa.bool_()),  # held out
        pa.field("id", pa.string()),  # the mixture's row
    ]
)


@dataclass(frozen=True)
class Tokenization:
    """What decides how rows become tokens; part of the tokens' fingerprint."""

    template: Template
    max_tokens: int
    too_long: str
    validation: float
    seed: int
    arguments: Mapping[str, object] = field(default_factory=dict)  # of the chat template, `student.template`

    @classmethod
    def of(cls, student: Student, train: Train) -> "Tokenization":
        """What the configuration of a training says."""
        limits = (train.max_tokens, train.too_long, train.validation, train.seed)
        return cls(student.prompt, *limits, arguments=student.template)


def tokenizer_to_train(student: Student, train: Train) -> tuple[Any, list[int]]:
    """The student's tokenizer with `train.new_tokens`, and the ids of those that it did not know.

    Raises:
        UserError: there is no tokenizer, or it has no end token.
    """
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(student.model, trust_remote_code=student.trust_remote_code)
    except (OSError, ValueError) as error:
        raise UserError(f"{student.model}: no tokenizer could be loaded ({error})") from error
    if tokenizer.eos_token_id is None:
        raise UserError(f"{student.model}: the tokenizer names no end token (eos_token). Answers could not end")
    unknown = [token for token in train.new_tokens if token not in tokenizer.get_vocab()]
    tokenizer.add_tokens(unknown)
    return tokenizer, tokenizer.convert_tokens_to_ids(unknown)


def tokenize(
    table: pa.Table, tokenizer: Tokenizer, subsets: Mapping[str, float], how: Tokenization
) -> tuple[pa.Table, Counter[str]]:
    """Make TOKENS rows of MIXTURE rows.

    Args:
        table: MIXTURE rows.
        tokenizer: A fast tokenizer of transformers.
        subsets: Weights of the mixture's subsets; their positions are their numbers.
        how: Template, limits, and the share held out.

    Returns:
        The TOKENS rows, and how many rows were left out or cut, by reason: "no_answer", "too_long", "truncated".
    """
    counts: Counter[str] = Counter()
    rows = table.select(["id", "subset", "response", "weight", "question_language", "answer_language"]).to_pydict()
    prompts = conversations(table)
    answers = [index for index, response in enumerate(rows["response"]) if response]
    counts["no_answer"] = table.num_rows - len(answers)
    tokens_of = PromptTokens(tokenizer, how.template, how.arguments)
    samples = tokens_of.sample_ids([answered(prompts[i], rows["response"][i]) for i in answers])
    number = {name: index for index, name in enumerate(subsets)}
    held = seeds.uniform(how.seed, rows["id"], "validation") < how.validation
    kept, tokens, starts, gaps = [], [], [], []
    for index, sample in zip(answers, samples):
        # Earlier answers stand in the question's language. Where the recipe teaches to answer in another one, they are
        # context only.
        same = rows["question_language"][index] == rows["answer_language"][index]
        start, unlearned = _mask(sample, how.max_tokens) if same else (max(sample.prompt, 1), [])
        if len(sample.ids) > how.max_tokens:
            if how.too_long == "drop" or start + 1 > how.max_tokens:
                counts["too_long"] += 1
                continue
            counts["truncated"] += 1
        kept.append(index)
        tokens.append(sample.ids[: how.max_tokens])
        starts.append(start)
        gaps.append(unlearned)
    columns = {
        "tokens": tokens,
        "prompt": starts,
        "gaps": gaps,
        "weight": [rows["weight"][i] / float(np.float32(subsets[rows["subset"][i]])) for i in kept],
        "subset": [number[rows["subset"][i]] for i in kept],
        "validation": held[kept] if kept else [],
        "id": [rows["id"][i] for i in kept],
    }
    return pa.table({f.name: pa.array(columns[f.name], f.type) for f in TOKENS}, schema=TOKENS), +counts


def fingerprint(mixture: Mixture, tokenizer: Tokenizer, how: Tokenization) -> str:
    """16 hex digits that change when the tokens would."""
    model = [tokenizer.backend_tokenizer.to_str(), tokenizer.chat_template, tokenizer.eos_token_id]
    return digest([mixture_content(mixture.record), model, asdict(how)])


def _mask(sample: Sample, limit: int) -> tuple[int, list[int]]:
    """Position of the first token that is learned, and the gaps behind it (see TOKENS) within `limit` tokens.

    Nothing predicts the very first token of a text.
    """
    start = max(sample.learned.index(True), 1)
    learned = sample.learned[: max(limit, start)]
    edges = [i for i in range(start + 1, len(learned)) if learned[i] != learned[i - 1]]
    return start, edges + [len(learned)] * (len(edges) % 2)
