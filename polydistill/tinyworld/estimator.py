"""The tiny quality estimator: COMET's UnifiedMetric over (translation, source), as CometKiwi is, on a tiny XLM-R.

Trained as CometKiwi was, on sentence scores and on word tags together (Rei et al. 2022, arXiv 2209.06243). Its
examples are references, references with errors put in, and what the tiny translator really makes of sentences,
the names that it never saw included. Scores come from how far the words agree with the reference's.
"""

import random
from collections import Counter
from pathlib import Path
from typing import Any

import torch
import yaml
from transformers import M2M100ForConditionalGeneration, NllbTokenizer, XLMRobertaConfig, XLMRobertaTokenizer

from polydistill.engine.judging.quality.comet_checkpoint import build_model
from polydistill.tinyworld.facts import LANGUAGES, SOURCE, TARGETS, entities, name
from polydistill.tinyworld.pieces import SPACES, learn
from polydistill.tinyworld.training import batches, fit
from polydistill.tinyworld.translator import Sentences

PIECES, NAMES = 3800, 10
STEPS, BATCH, LEARNING_RATE, SEED = 3000, 64, 1e-3, 3
TRANSLATED = 6000
"""Sentences whose real translations are examples, half of them with a rare name."""

Example = tuple[str, str, str]
"""Source, hypothesis, reference."""


def tokenizer(path: Path) -> XLMRobertaTokenizer:
    """XLM-R's tokenizer over pieces learnt from the world's sentences and names; written to `path`."""
    rng, sentences = random.Random(SEED), Sentences(with_rare=True)
    text = [sentence for _ in range(8000) for sentence in sentences.draw(rng).values()]
    text += [name(entity, language) for entity in entities() for language in LANGUAGES for _ in range(NAMES)]
    pieces, _ = learn(text, PIECES, SPACES)
    specials = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    # A Unigram model in which the fewest pieces win, among equals the earlier learnt.
    vocabulary = [(piece, 0.0) for piece in specials] + [(p, -10 - i / len(pieces)) for i, p in enumerate(pieces)]
    XLMRobertaTokenizer(vocab=vocabulary).save_pretrained(path)
    return XLMRobertaTokenizer.from_pretrained(path)


def score(hypothesis: str, reference: str) -> float:
    """1 for the reference itself, else at most 0.7: 0.7 times the words' F1."""
    if hypothesis == reference:
        return 1.0
    ours, theirs = Counter(hypothesis.split()), Counter(reference.split())
    return 1.4 * (ours & theirs).total() / max(1, ours.total() + theirs.total())


def wrong_words(hypothesis: str, reference: str) -> list[bool]:
    """Which of the hypothesis' words the reference has not (again)."""
    left = Counter(reference.split())
    tags = []
    for word in hypothesis.split():
        tags.append(left[word] <= 0)
        left[word] -= 1
    return tags


class Examples:
    """Draws (source, hypothesis, reference)."""

    def __init__(self, translated: list[Example]) -> None:
        self.sentences = Sentences(with_rare=True)
        self.translated = translated
        self.names = {t: sorted({name(e, t) for e in self.sentences.named}, key=len) for t in TARGETS}

    def draw(self, rng: random.Random) -> Example:
        """Half right translations, a third with errors put in, the rest the translator's own."""
        kind = rng.random()
        if kind < 0.25 and self.translated:
            return rng.choice(self.translated)
        texts, target = self.sentences.draw(rng), rng.choice(TARGETS)
        source, reference = texts[SOURCE], texts[target]
        return source, self._damage(reference, target, source, rng) if kind < 0.6 else reference, reference

    def _damage(self, text: str, target: str, source: str, rng: random.Random) -> str:
        how = rng.random()
        words = text.split()
        if how < 0.55:  # another name
            inside = [n for n in self.names[target] if f" {n} " in f" {text} "]
            if inside:
                old = rng.choice(inside[-3:])
                new = rng.choice(self.names[target])
                if rng.random() < 0.4:  # or one made of two names' halves, as translators do with unknown names
                    new = old[: len(old) // 2] + new[len(new) // 2 :]
                return f" {text} ".replace(f" {old} ", f" {new} ").strip()
        if how < 0.8:  # another sentence
            return self.sentences.draw(rng)[target]
        if how < 0.86:
            return source
        if how < 0.94:
            return " ".join(words[: rng.randrange(1, len(words) + 1)])
        at = rng.randrange(len(words))
        return " ".join(words[:at] + words[at : at + 2] * 3 + words[at + 2 :])


def translate(folder: Path, count: int) -> list[Example]:
    """What the translator in `folder` makes of `count` sentences (greedy), every second one with a rare name."""
    coder = NllbTokenizer.from_pretrained(folder)
    model = M2M100ForConditionalGeneration.from_pretrained(folder).eval()
    rng, sentences = random.Random(SEED), Sentences(with_rare=True)
    unknown = {name(e, SOURCE) for e in entities()} - {name(e, SOURCE) for e in Sentences(with_rare=False).named}
    rows: list[tuple[str, str, str]] = []
    while len(rows) < count:
        texts = sentences.draw(rng)
        if len(rows) % 2 == 0 or any(f" {word} " in f" {texts[SOURCE]} " for word in unknown):
            target = TARGETS[len(rows) // 2 % len(TARGETS)]
            rows.append((texts[SOURCE], texts[target], target))
    rows.sort(key=lambda row: (row[2], len(row[0])))
    examples = []
    for target in TARGETS:
        tag = coder.convert_tokens_to_ids(target)
        part = [row for row in rows if row[2] == target]
        for start in range(0, len(part), 128):
            batch = part[start : start + 128]
            inputs = coder([source for source, _, _ in batch], return_tensors="pt", padding=True)
            made = model.generate(**inputs, forced_bos_token_id=tag, num_beams=1, max_new_tokens=48)
            texts = coder.batch_decode(made, skip_special_tokens=True)
            examples += [(source, text, reference) for (source, reference, _), text in zip(batch, texts)]
    return examples


def train(folder: Path, translator: Path, steps: int = STEPS) -> None:
    """Train the estimator and write it as a COMET checkpoint folder with its encoder's files beside it."""
    encoder = folder / "encoder"
    coder = tokenizer(encoder)
    XLMRobertaConfig(
        vocab_size=len(coder),
        hidden_size=128,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=320,
        max_position_embeddings=514,
        type_vocab_size=1,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        layer_norm_eps=1e-5,
    ).save_pretrained(encoder)
    torch.manual_seed(SEED)
    settings: dict[str, Any] = {
        "nr_frozen_epochs": 0,
        "keep_embeddings_frozen": False,
        "encoder_model": "XLM-RoBERTa",
        "pretrained_model": str(encoder),
        "sent_layer": "mix",
        "layer_transformation": "softmax",
        "layer_norm": False,
        "word_layer": 3,
        "dropout": 0.0,
        "hidden_sizes": [128, 64],
        "activations": "Tanh",
        "final_activation": "Sigmoid",
        "input_segments": ["mt", "src"],
        "word_level_training": True,
        "loss_lambda": 0.65,
        "error_labels": ["major"],
        "load_pretrained_weights": False,
        "local_files_only": True,
    }
    model = build_model("unified_metric", **settings)
    examples = Examples(translate(translator, TRANSLATED))
    batcher = Batcher(coder)

    def loss(rows: list[Example]) -> torch.Tensor:
        ids, mask, tags, scores = batcher(rows)
        made = model(ids, mask)
        # UnifiedMetric.compute_loss's sum; that method itself moves the tags to a GPU.
        words = model.wordloss(made.logits.flatten(0, 1), tags.flatten())
        share = settings["loss_lambda"]
        return (1 - share) * model.sentloss(made.score, scores) + share * words

    draw = batches(examples.draw, lambda row: len(row[0]) + len(row[1]), BATCH, SEED)
    fit(model, loss, draw, steps, LEARNING_RATE, "estimator")
    save(folder, model.state_dict(), settings)


def save(folder: Path, weights: dict[str, torch.Tensor], settings: dict[str, Any]) -> None:
    """Write COMET's layout: hparams.yaml and checkpoints/model.ckpt."""
    (folder / "checkpoints").mkdir(parents=True, exist_ok=True)
    torch.save({"state_dict": weights}, folder / "checkpoints" / "model.ckpt")
    # A hub id stands there in published checkpoints; here the encoder's files lie in the folder itself.
    hparams = {**settings, "pretrained_model": "encoder", "class_identifier": "unified_metric"}
    (folder / "hparams.yaml").write_text(yaml.safe_dump(hparams), encoding="utf-8")


class Batcher:
    """Turns examples into COMET's joint sequences `<s> hypothesis </s></s> source </s>` with word tags and scores."""

    def __init__(self, coder: XLMRobertaTokenizer) -> None:
        self.coder = coder
        self.words: dict[str, list[int]] = {}

    def __call__(self, rows: list[Example]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """ids, mask, tags (0 right, 1 wrong, -1 not the hypothesis): (rows, longest); scores: (rows,)."""
        start, end, gap = self.coder.cls_token_id, self.coder.sep_token_id, self.coder.pad_token_id
        sequences, tags = [], []
        for source, hypothesis, reference in rows:
            pieces = [self._pieces(word) for word in hypothesis.split()]
            marks = wrong_words(hypothesis, reference)
            tags.append([-1, *(int(mark) for word, mark in zip(pieces, marks) for _ in word)])
            theirs = [piece for word in source.split() for piece in self._pieces(word)]
            sequences.append([start, *(piece for word in pieces for piece in word), end, end, *theirs, end])
        width = max(map(len, sequences))
        ids = torch.tensor([row + [gap] * (width - len(row)) for row in sequences])
        labels = torch.tensor([row + [-1] * (width - len(row)) for row in tags])
        scores = torch.tensor([score(hypothesis, reference) for _, hypothesis, reference in rows])
        return ids, ids != gap, labels, scores

    def _pieces(self, word: str) -> list[int]:
        # XLM-R's tokenizer splits at spaces first, so words can be encoded one by one.
        if word not in self.words:
            self.words[word] = self.coder(word, add_special_tokens=False)["input_ids"]
        return self.words[word]
