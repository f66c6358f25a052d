"""The tiny student: a Llama of 0.9M parameters that answers English questions well and no others.

Pre-training text, as a real model's: mostly English, in which it is asked and told everything about the world in
its own voice; some English about names in other languages, for half of the dictionary; a little target-language text,
statements of half of the seen facts. Never a question in a target language, never a held-out fact in one.
"""

import itertools
import random
from pathlib import Path

import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from polydistill.engine.generation.prompting.templates import render
from polydistill.engine.languages import get_language
from polydistill.tinyworld.corpora import carriers, passage, summaries, tasks
from polydistill.tinyworld.facts import LANGUAGES, SOURCE, TARGETS, entities, facts, fraction, name
from polydistill.tinyworld.pieces import SPACES, learn, numbered
from polydistill.tinyworld.templates import NAMING, say
from polydistill.tinyworld.training import batches, fit, pad

PIECES, NAMES = 3200, 10
STEPS, BATCH, LEARNING_RATE, SEED = 2600, 32, 2e-3, 1
SHARES = {"tasks": 0.66, "naming": 0.08, "english": 0.14, "target": 0.12}
"""Shares of the pre-training samples."""

Sample = tuple[str, str]
"""Prompt ("" for running text) and text; both are learnt."""


def corpus() -> dict[str, list[Sample]]:
    """The pre-training samples by kind (the keys of SHARES)."""
    asked = [task for fact in facts() for task in tasks(fact, SOURCE)]
    # More texts to read than the instruction file has: reading is learnt, not single texts.
    for fact, number in itertools.product(facts(), range(1, 4)):
        first = tasks(fact, SOURCE)[0]
        asked.append(type(first)(first.instruction, passage(fact, SOURCE, number), first.own, first.truth))
    asked += [task for split in ("seen", "dev", "test") for _, task in summaries(split, SOURCE)]
    known = [
        (target, entity) for target in TARGETS for entity in entities() if fraction(f"known:{target}:{entity}") < 0.5
    ]
    naming = [
        tuple(text.format(language=get_language(t).name, x=name(e, SOURCE), a=name(e, t)) for text in NAMING)
        for t, e in known
    ]
    some = [f for f in facts() if f.split == "seen" and fraction(f"monolingual:{f}") < 0.5]
    return {
        "tasks": [(render("raw", task.instruction, task.input), task.own) for task in asked],
        "naming": [(render("raw", question), answer) for question, answer in naming],
        "english": [("", say(form, fact, SOURCE)) for fact in facts() for form in ("text1", "text2")]
        + [("", sentence) for _, _, sentence in carriers(SOURCE)],
        "target": [("", say(form, fact, target)) for target in TARGETS for fact in some for form in ("text1", "text2")]
        + [
            ("", sentence)
            for target in TARGETS
            for entity, number, sentence in carriers(target)
            if fraction(f"carrier:{entity}:{number}") < 0.35
        ],
    }


def tokenizer() -> PreTrainedTokenizerFast:
    """A Llama-style BPE (spaces as ▁, bytes for what it does not know) over all four languages' forms and names."""
    text = [name(entity, tongue) for tongue in LANGUAGES for entity in entities() for _ in range(NAMES)]
    for tongue in LANGUAGES:
        for number, fact in enumerate(facts()):  # random pairs, so that no piece holds a fact
            other = facts()[(number * 7 + 3) % len(facts())]
            mixed = type(fact)(fact.family, fact.subject, other.answer)
            text += [say(form, mixed, tongue) for form in ("q1", "q2", "q3", "q4", "own", "truth", "text1", "text2")]
        text += [task.own for _, task in summaries("seen", tongue)]
        text += [sentence for _, _, sentence in carriers(tongue)]
    # A line break stands alone, and what follows it begins like a word after a space: a name has the same tokens
    # at the beginning of an answer as inside a sentence.
    # So it is after a Japanese full stop, which has no space behind it.
    parts = [
        pre_tokenizers.Split(Regex(r"\n+"), "isolated"),
        pre_tokenizers.Split("。", "merged_with_previous"),
        SPACES,
    ]
    split = pre_tokenizers.Sequence(parts)
    pieces, merges = learn([*text, *["\n", "\n\n"] * 1000], PIECES, split)
    # Bytes are ordinary pieces, not special tokens: decoding must not skip them.
    octets = [f"<0x{byte:02X}>" for byte in range(256)]
    vocabulary = numbered(["<unk>", "<s>", "</s>", "<pad>"], octets, pieces)
    core = Tokenizer(models.BPE(vocabulary, merges, unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    core.pre_tokenizer = split
    core.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    core.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        unk_token="<unk>",
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        padding_side="left",
        model_max_length=2048,
        clean_up_tokenization_spaces=False,
    )


def train(folder: Path, steps: int = STEPS) -> None:
    """Pre-train the student and write it as a Hugging Face folder."""
    coder = tokenizer()
    torch.manual_seed(SEED)
    config = LlamaConfig(
        vocab_size=len(coder),
        hidden_size=128,
        intermediate_size=320,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=4,
        head_dim=32,
        max_position_embeddings=2048,
        tie_word_embeddings=True,
        bos_token_id=coder.bos_token_id,
        eos_token_id=coder.eos_token_id,
        pad_token_id=coder.pad_token_id,
    )
    model = LlamaForCausalLM(config)
    samples = {kind: [_ids(coder, sample) for sample in rows] for kind, rows in corpus().items()}

    def draw(rng: random.Random) -> list[int]:
        kind = rng.choices(list(SHARES), list(SHARES.values()))[0]
        return rng.choice(samples[kind])

    def loss(rows: list[list[int]]) -> torch.Tensor:
        ids, labels = pad(rows, config.pad_token_id), pad(rows, -100)
        return model(input_ids=ids, attention_mask=(labels != -100).long(), labels=labels, use_cache=False).loss

    fit(model, loss, batches(draw, len, BATCH, SEED), steps, LEARNING_RATE, "student")
    model.generation_config.do_sample = False
    model.save_pretrained(folder)
    coder.save_pretrained(folder)


def _ids(coder: PreTrainedTokenizerFast, sample: Sample) -> list[int]:
    """<s> prompt text </s>, the two tokenised apart as the trainer does it."""
    prompt, text = sample
    head = coder(prompt)["input_ids"] if prompt else [coder.bos_token_id]
    return [*head, *coder(text, add_special_tokens=False)["input_ids"], coder.eos_token_id]
