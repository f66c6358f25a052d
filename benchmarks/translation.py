"""Translation is at least 5x Hugging Face `generate` and loses under 5% to a perfectly sorted CTranslate2 call.

Measured on real Alpaca rows (POLYDISTILL_DATA; else tinyworld's), with a model of NLLB-200-600M's shape at half
its width and depth (d 512, 6 + 6 layers, a vocabulary with NLLB's share of the weights) and random
weights, so that three pairs fit into minutes on two cores. A hypothesis is as long as its source, rounded up to
eight tokens: for CTranslate2 that length is forced; `generate` goes on until the longest of its batch is done.

Against: transformers' `generate`, float32, beam 4, batches of 16 sentences in file order; the same CTranslate2 model
given the same distinct sentences, tokenized beforehand and sorted; and for quality, float32 versus int8 on tinyworld's
held-out text.
"""

import gzip
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.common import paired, prompt_table, value
from polydistill.engine.config import Translate
from polydistill.engine.translation.encoder_decoder.seq2seq import Seq2Seq
from polydistill.engine.translation.stage import TranslateStage
from polydistill.engine.translation.translator import SENTENCES, Hypothesis

PACKAGES = ("ctranslate2", "transformers", "torch")
SOURCE, TARGET = "eng_Latn", "deu_Latn"


def run(rows: int = 16, repeats: int = 2) -> list[dict[str, Any]]:
    """Measure; see the module's text."""
    with tempfile.TemporaryDirectory(prefix="polydistill-translation-") as folder:
        texts = _alpaca()
        model = _random_nllb(Path(folder), [row["output"] for row in texts[:6000]])
        config = Translate(model=str(model), compute_type="int8", beam=4)
        translator = TiedLengths(config, cache=folder)
        stage = TranslateStage(config, translator=translator)
        table = prompt_table(texts[:rows], SOURCE)
        sentences = _sentences(table)
        tied = translator.limit(np.array([len(ids) + 2 for ids in translator._tokenize(sentences).values()]))
        amount = int(tied.sum())
        shared: dict[str, Any] = {
            "amount": amount,
            "unit": "target tokens/s",
            "packages": PACKAGES,
            "rows": rows,
            "beam": 4,
        }
        shared |= {"sentences": len(sentences), "parameters": "77M, random", "type": "int8"}
        generate = _huggingface(model, translator, _sentences(table, distinct=False))
        stage(table.slice(0, 4), [TARGET])  # both sides have run once
        generate(16)
        claim = "Translation of Alpaca rows, layout and protected spans included"
        against = "transformers generate, float32, beam 4, batch 16, file order"
        first = paired(
            claim,
            lambda: _none(stage(table, [TARGET])),
            generate,
            against=against,
            goal=5.0,
            warm=False,
            repeats=repeats,
            **shared,
        )
        direct = _direct(translator, sentences)
        against = "CTranslate2 on the same tokens, sorted, nothing else"
        claim = "Share of the raw CTranslate2 call's speed that whole texts get"
        second = paired(
            claim,
            lambda: _none(stage(table, [TARGET])),
            direct,
            against=against,
            goal=0.95,
            repeats=2 * repeats + 1,
            **shared,
        )
        return [first, second, _quality(folder)]


class TiedLengths(Seq2Seq):
    """Seq2Seq with hypotheses as long as their sources, rounded up to eight tokens."""

    def __init__(self, config: Translate, cache: str) -> None:
        super().__init__(config, cache=cache)
        translate = self.translator.translate_batch

        class Forced:
            def translate_batch(self, source: Any, max_decoding_length: int, **options: Any) -> Any:
                length = {"min_decoding_length": max_decoding_length, "max_decoding_length": max_decoding_length}
                return translate(source, **length, **options)

        self.raw, self.translator = self.translator, Forced()

    def limit(self, lengths: np.ndarray) -> np.ndarray:
        """Eight tokens for up to eight, and so on."""
        return np.minimum(-(-np.asarray(lengths) // 8) * 8, self.max_output)


def _huggingface(folder: Path, translator: TiedLengths, sentences: list[str]) -> Any:
    import torch
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

    threads = int(os.environ.get("OMP_NUM_THREADS") or len(os.sched_getaffinity(0)))
    tokenizer = AutoTokenizer.from_pretrained(folder, src_lang=SOURCE)
    model = AutoModelForSeq2SeqLM.from_pretrained(folder, dtype=torch.float32).eval()
    options = {"num_beams": 4, "do_sample": False, "forced_bos_token_id": tokenizer.convert_tokens_to_ids(TARGET)}

    def generate(count: int | None = None) -> None:
        torch.set_num_threads(threads)  # a CTranslate2 translator with one thread per batch leaves one for all OpenMP
        for start in range(0, len(sentences[:count]), 16):
            batch = tokenizer(sentences[start : start + 16], return_tensors="pt", padding=True)
            length = int(translator.limit(batch["attention_mask"].sum(1).numpy()).max())
            output = model.generate(**batch, max_new_tokens=length, min_new_tokens=length, **options)
            tokenizer.batch_decode(output, skip_special_tokens=True)

    return generate


def _direct(translator: TiedLengths, sentences: list[str]) -> Any:
    """The distinct sentences, tokenized, sorted and split by length beforehand, all given to CTranslate2 at once."""
    rows = [[SOURCE, *tokens, "</s>"] for tokens in translator._tokenize(sentences).values()]
    limits = translator.limit(np.array([len(row) for row in rows]))
    groups = {
        int(limit): sorted((row for row, own in zip(rows, limits) if own == limit), key=len, reverse=True)
        for limit in sorted(set(limits.tolist()), reverse=True)
    }

    def direct() -> None:
        running = [
            result
            for limit, group in groups.items()
            for result in translator.raw.translate_batch(
                group, [[TARGET]] * len(group), beam_size=4, max_batch_size=translator.config.batch_tokens,
                batch_type="tokens", max_input_length=0, asynchronous=True,
                max_decoding_length=limit, min_decoding_length=limit,
            )
        ]  # fmt: skip
        for result in running:
            result.result()

    return direct


def _quality(cache: str) -> dict[str, Any]:
    import sacrebleu

    from polydistill.tinyworld.build import build

    world = Path(build(os.environ.get("POLYDISTILL_TINYWORLD", ".cache/tinyworld")))
    read = lambda code: (world / f"eval/flores/devtest/{code}.devtest").read_text(encoding="utf-8").splitlines()  # noqa: E731
    differences, scores = [], {}
    for target, tokenizer in (("deu_Latn", "13a"), ("ind_Latn", "13a"), ("jpn_Jpan", "char")):
        sources, references = read(SOURCE), read(target)
        for compute in ("int8", "float32"):
            translator = Seq2Seq(Translate(model=str(world / "models/nllb"), compute_type=compute), cache=cache)
            hypotheses = translator(sources, [SOURCE] * len(sources), [target] * len(sources))
            bleu = sacrebleu.corpus_bleu(
                [hypothesis.text or "" for hypothesis in hypotheses], [references], tokenize=tokenizer, force=True
            )
            scores[f"{target} {compute}"] = round(bleu.score, 2)
        differences.append(abs(scores[f"{target} int8"] - scores[f"{target} float32"]))
    claim, text = (
        "BLEU that int8 costs",
        "tinyworld FLORES devtest, nrefs:1|case:mixed|eff:no|tok:13a (jpn: char)|smooth:exp",
    )
    return value(
        claim, differences, goal=0.5, unit="BLEU", at_most=True, packages=(*PACKAGES, "sacrebleu"), text=text, **scores
    )


def _alpaca() -> list[dict[str, str]]:
    data = os.environ.get("POLYDISTILL_DATA")
    if data:
        with gzip.open(Path(data) / "alpaca" / "alpaca_28k.jsonl.gz", "rt", encoding="utf-8") as file:
            return [json.loads(line) for line in file]
    from polydistill.tinyworld.build import build

    world = Path(build(os.environ.get("POLYDISTILL_TINYWORLD", ".cache/tinyworld")))
    return json.loads((world / "instructions.json").read_text(encoding="utf-8"))


def _sentences(table: pa.Table, distinct: bool = True) -> list[str]:
    """What the translator is given for these rows: each distinct sentence, or every one in file order."""
    listener = _Listener()
    stage = TranslateStage(Translate(model="-"), translator=listener)
    for part in [table] if distinct else [table.slice(row, 1) for row in range(table.num_rows)]:
        stage(part, [TARGET])
    return listener.given


class _Listener:
    """A translator that gives every sentence back and remembers it."""

    portions = SENTENCES

    def __init__(self) -> None:
        self.given: list[str] = []

    def __call__(self, sentences: list[str], sources: list[str], targets: list[str]) -> list[Hypothesis]:
        self.given += sentences
        return [Hypothesis(sentence) for sentence in sentences]


def _random_nllb(folder: Path, texts: list[str]) -> Path:
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from transformers import M2M100Config, M2M100ForConditionalGeneration, NllbTokenizer

    bpe = Tokenizer(models.BPE(unk_token="<unk>"))
    bpe.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    bpe.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=16_000, special_tokens=special, show_progress=False))
    vocabulary = json.loads(bpe.to_str())["model"]
    merges = [tuple(merge) for merge in vocabulary["merges"]]
    tokenizer = NllbTokenizer(vocab=vocabulary["vocab"], merges=merges, additional_special_tokens=[SOURCE, TARGET])
    tokenizer.save_pretrained(folder / "model")
    torch.manual_seed(0)
    shape = {"d_model": 512, "encoder_layers": 6, "decoder_layers": 6, "vocab_size": 64_000}
    shape |= {
        "encoder_ffn_dim": 2048,
        "decoder_ffn_dim": 2048,
        "encoder_attention_heads": 8,
        "decoder_attention_heads": 8,
    }
    M2M100ForConditionalGeneration(M2M100Config(**shape)).save_pretrained(folder / "model")
    return folder / "model"


def _none(_: object) -> None:
    """Drop a result: `paired` times the call as a whole."""


if __name__ == "__main__":
    print(json.dumps(run(), indent=1))
