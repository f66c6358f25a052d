"""The tiny translator: an M2M-100 of NLLB's shape, with a real NLLB tokenizer, English into three languages.

It learns templates and names from *random* combinations ("The currency of Peru is called Polish Zloty"), so it carries
no fact into a target language. It never sees the rare names (`facts.rare`): what it makes of them is what a real
system makes of a name outside its training data, fluent and wrong, and that is what quality estimation is there for.
"""

import random
from pathlib import Path
from typing import Any

import torch
from transformers import M2M100Config, M2M100ForConditionalGeneration, NllbTokenizer

from polydistill.tinyworld.facts import LANGUAGES, SHORT, SOURCE, TARGETS, Fact, Family, entities, facts, name, rare
from polydistill.tinyworld.pieces import SPACES, learn, numbered
from polydistill.tinyworld.templates import CARRIERS, SUMMARISE, SUMMARY, forms
from polydistill.tinyworld.training import batches, fit, pad

PIECES, NAMES = 3600, 10
STEPS, BATCH, LEARNING_RATE, SEED = 2200, 48, 2e-3, 2
FORMS = ("q1", "q2", "q3", "q4", "own", "truth", "text1", "text2")

Pair = tuple[str, str, str]
"""English sentence, its translation, the translation's language."""


class Sentences:
    """Draws English sentences of every kind the world has, with random names in them, and their translations."""

    def __init__(self, with_rare: bool) -> None:
        usable = [fact for fact in facts() if with_rare or not (_rare(fact.subject) or _rare(fact.answer))]
        self.families: list[Family] = sorted({fact.family for fact in usable})
        self.subjects = {f: sorted({x.subject for x in usable if x.family == f}) for f in self.families}
        self.answers = {f: sorted({x.answer for x in usable if x.family == f}) for f in self.families}
        self.named = [entity for entity in entities() if with_rare or not rare(entity)]

    def draw(self, rng: random.Random) -> dict[str, str]:
        """One sentence in all languages."""
        kind = rng.random()
        if kind < 0.02:
            return SUMMARISE
        if kind < 0.12:
            entity = rng.choice(self.named)
            return _all(rng.choice(CARRIERS[entity.split(":")[0]]), x=entity)
        if kind < 0.20:
            slots: dict[str, Family] = {"x": "continent", "c": "continent", "m": "currency"}
            drawn = {k: rng.choice((self.answers if k != "x" else self.subjects)[f]) for k, f in slots.items()}
            voice = rng.randrange(2)
            return _all({language: SUMMARY[language][voice] for language in LANGUAGES}, **drawn)
        family = rng.choice(self.families)
        fact = Fact(family, rng.choice(self.subjects[family]), rng.choice(self.answers[family]))
        if family in SHORT and kind < 0.32:
            stop = rng.random() < 0.5
            return {
                t: name(fact.answer, t) + (f" {'。' if t == 'jpn_Jpan' else '.'}" if stop else "") for t in LANGUAGES
            }
        return mixed(fact, rng.choice(FORMS))


def mixed(fact: Fact, form: str) -> dict[str, str]:
    """One form of a (true or made-up) fact in all languages."""
    templates = {language: getattr(forms(fact.family, language), form) for language in LANGUAGES}
    return _all(templates, x=fact.subject, a=fact.answer)


def _all(templates: dict[str, str], **slots: str) -> dict[str, str]:
    return {t: text.format(**{slot: name(e, t) for slot, e in slots.items()}) for t, text in templates.items()}


def _rare(entity: str) -> bool:
    return entity.split(":")[0] in ("territory", "city", "currency") and rare(entity)


def tokenizer(path: Path) -> NllbTokenizer:
    """NLLB's tokenizer over pieces learnt from the world's sentences and names; written to `path`."""
    rng, sentences = random.Random(SEED), Sentences(with_rare=False)
    text = [sentence for _ in range(8000) for sentence in sentences.draw(rng).values()]
    text += [name(entity, language) for entity in sentences.named for language in LANGUAGES for _ in range(NAMES)]
    pieces, merges = learn(text, PIECES, SPACES)
    vocabulary = numbered(["<s>", "<pad>", "</s>", "<unk>"], pieces)
    made = NllbTokenizer(vocab=vocabulary, merges=merges, src_lang=SOURCE)
    made.save_pretrained(path)
    return NllbTokenizer.from_pretrained(path)


def train(folder: Path, steps: int = STEPS) -> None:
    """Train the translator and write it as a Hugging Face folder."""
    coder = tokenizer(folder)
    torch.manual_seed(SEED)
    config = M2M100Config(
        vocab_size=len(coder),
        d_model=128,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=384,
        decoder_ffn_dim=384,
        max_position_embeddings=512,
        dropout=0.0,
        attention_dropout=0.0,
        activation_dropout=0.0,
        encoder_layerdrop=0.0,
        decoder_layerdrop=0.0,
        scale_embedding=True,
        pad_token_id=coder.pad_token_id,
        bos_token_id=coder.bos_token_id,
        eos_token_id=coder.eos_token_id,
        decoder_start_token_id=coder.eos_token_id,
        max_length=200,
    )
    model = M2M100ForConditionalGeneration(config)
    sentences = Sentences(with_rare=False)

    def draw(rng: random.Random) -> Pair:
        target = rng.choice(TARGETS)
        texts = sentences.draw(rng)
        return texts[SOURCE], texts[target], target

    def loss(pairs: list[Pair]) -> torch.Tensor:
        return model(**encode(coder, pairs), use_cache=False).loss

    fit(model, loss, batches(draw, lambda pair: len(pair[0]), BATCH, SEED), steps, LEARNING_RATE, "translator")
    model.save_pretrained(folder)
    coder.save_pretrained(folder)


def encode(coder: NllbTokenizer, pairs: list[Pair]) -> dict[str, Any]:
    """NLLB's form: source `eng_Latn text </s>`, target `</s> xxx_Xxxx text </s>`."""
    sources = coder([source for source, _, _ in pairs], add_special_tokens=False)["input_ids"]
    targets = coder([target for _, target, _ in pairs], add_special_tokens=False)["input_ids"]
    start, end = coder.convert_tokens_to_ids(SOURCE), coder.eos_token_id
    inputs = pad([[start, *ids, end] for ids in sources], coder.pad_token_id)
    tags = [coder.convert_tokens_to_ids(language) for _, _, language in pairs]
    full = [[end, tag, *ids, end] for tag, ids in zip(tags, targets)]
    return {
        "input_ids": inputs,
        "attention_mask": (inputs != coder.pad_token_id).long(),
        "decoder_input_ids": pad([row[:-1] for row in full], coder.pad_token_id),
        "labels": pad([row[1:] for row in full], -100),
    }
