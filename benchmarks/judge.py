"""Judging: language ID with all rules at 0.7 of the raw fastText call, quality estimation at 3x COMET's predict().

Language ID and rules: `JudgeStage` on 4,000 rows of real German translations of Alpaca, against lid.176's `predict` in
a loop over the same hypotheses and nothing else. Quality estimation: `Comet.score` on real pairs against COMET's own
`predict()` with its own defaults (batch 16, sorted by the source's characters), on the CPU, with the same weights in
the same process, float32; scores must be equal to 1e-4. COMET's model is its own but for the thin subclass of its
encoder without which it does not run under transformers 5.

The models are XLM-R-shaped CometKiwis with random weights, from tinyworld's size to XLM-R base, on two texts: fields of
Alpaca, whose lengths differ much within one of COMET's batches, and the even sentences of MLQE-PE. What the large model
takes minutes for is drawn evenly from the 2,000. Without POLYDISTILL_DATA the texts are made up.
"""

import gzip
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.common import paired, ratio
from polydistill.engine.config import Judge
from polydistill.engine.judging.languages.language_id import load_language_id
from polydistill.engine.judging.stage import JudgeStage
from polydistill.engine.schema import FIELDS, TRANSLATED

SHAPES = ((64, 2, 3, 1), (256, 6, 2, 2), (768, 12, 2, 40))
"""Encoder's width and depth, how many pairs of runs, and of how many pairs of texts one is taken."""


def run(rows: int = 4000, pairs: int = 2000) -> list[dict[str, Any]]:
    """Measure; see the module's text."""
    data = _rows(rows)
    found = [_rules(data)]
    texts = [(row[field], row[f"mt_{field}"]) for row in data for field in FIELDS if row[f"mt_{field}"]]
    kinds = {_source(): texts[:: max(len(texts) // pairs, 1)][:pairs]} | _sentences(pairs)
    with tempfile.TemporaryDirectory(prefix="polydistill-judge-") as folder:
        for width, layers, repeats, share in SHAPES:
            for name, chosen in kinds.items():
                path = _model(
                    Path(folder) / f"{width}-{name}", width, layers, [text for pair in chosen for text in pair]
                )
                found.append(_quality(f"hidden {width}, {layers} layers", name, path, chosen[::share], repeats))
    return found


def _rules(data: list[dict[str, Any]]) -> dict[str, Any]:
    table = pa.Table.from_pylist(data, schema=TRANSLATED)
    stage = JudgeStage(Judge())
    predict = load_language_id("lid.176")._predict
    texts = [text.replace("\n", " ") + "\n" for field in FIELDS for text in table[f"mt_{field}"].to_pylist() if text]

    def raw() -> None:
        for text in texts:
            predict(text, 1, 0.0, "strict")

    def ours() -> None:
        stage(table)

    return paired(
        "language ID with all rules", ours, raw, against="lid.176 predict() on the same texts", goal=0.7,
        amount=len(texts), unit="texts/s", packages=("fasttext-predict", "numba", "pyarrow"), rows=len(data),
        data=_source(),
    )  # fmt: skip


def _quality(shape: str, data: str, path: Path, pairs: list[tuple[str, str]], repeats: int) -> dict[str, Any]:
    import torch

    from polydistill.engine.judging.quality.comet import Comet
    from polydistill.engine.judging.quality.comet_checkpoint import checkpoint

    comet, reference = Comet.load(str(path)), checkpoint(str(path))
    sources, hypotheses = map(list, zip(*pairs))
    samples = [{"src": source, "mt": hypothesis} for source, hypothesis in pairs]
    settings = {"gpus": 0, "progress_bar": False}
    reference.predict(samples[:16], **settings)
    comet.score(sources[:16], hypotheses[:16])
    ours, theirs, difference = [], [], 0.0
    for _ in range(repeats):
        start = time.perf_counter()
        scores = comet.score(sources, hypotheses)
        middle = time.perf_counter()
        expected = np.array(reference.predict(samples, **settings).scores)
        ours.append(len(pairs) / (middle - start))
        theirs.append(len(pairs) / (time.perf_counter() - middle))
        difference = max(difference, float(np.abs(scores - expected).max()))
    row = ratio(
        f"quality estimation, {shape}, {data}", ours, theirs, against="COMET's predict(), its defaults, CPU", goal=3.0,
        unit="pairs/s", packages=("unbabel-comet", "torch", "transformers"), pairs_of_texts=len(pairs), dtype="float32",
        threads=torch.get_num_threads(), largest_difference=difference, data=data,
    )  # fmt: skip
    return row | {"met": row["met"] and difference <= 1e-4}


def _sentences(count: int) -> dict[str, list[tuple[str, str]]]:
    """The first translations of MLQE-PE's en-de and ro-en development sets, half and half; nothing without the data."""
    folder = os.environ.get("POLYDISTILL_DATA")
    if not folder:
        return {}
    from polydistill.engine.judging.calibration import read

    pairs: list[tuple[str, str]] = []
    for languages in ("en-de", "ro-en"):
        data = read(Path(folder) / "mlqe_pe" / f"{languages}-dev.tsv.gz")
        pairs += list(zip(data.originals, data.translations))[: count // 2]
    return {"MLQE-PE": pairs}


def _model(folder: Path, width: int, layers: int, texts: list[str]) -> Path:
    """A CometKiwi-shaped checkpoint with random weights, in COMET's layout, its vocabulary learnt from `texts`."""
    import torch
    import yaml
    from safetensors.torch import save_file
    from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers

    from polydistill.engine.judging.quality.comet_checkpoint import build_model

    encoder = folder / "encoder"
    encoder.mkdir(parents=True)
    (folder / "checkpoints").mkdir()
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    trainer = trainers.UnigramTrainer(vocab_size=8000, special_tokens=special, unk_token="<unk>", show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    tokenizer.save(str(encoder / "tokenizer.json"))
    config = {
        "model_type": "xlm-roberta", "vocab_size": tokenizer.get_vocab_size(), "hidden_size": width,
        "num_hidden_layers": layers, "num_attention_heads": max(width // 64, 1), "intermediate_size": 4 * width,
        "max_position_embeddings": 514, "type_vocab_size": 1, "pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2,
    }  # fmt: skip
    (encoder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    settings = {
        "pretrained_model": str(encoder), "encoder_model": "XLM-RoBERTa", "input_segments": ["mt", "src"],
        "layer_norm": False, "word_layer": layers, "hidden_sizes": [3072, 1024],
    }  # fmt: skip
    torch.manual_seed(0)
    model = build_model("unified_metric", **settings, load_pretrained_weights=False)
    hparams = yaml.safe_dump({**settings, "class_identifier": "unified_metric"})
    (folder / "hparams.yaml").write_text(hparams, encoding="utf-8")
    save_file(
        {name: value.contiguous() for name, value in model.state_dict().items()},
        folder / "checkpoints" / "model.safetensors",
    )
    return folder


def _source() -> str:
    return "alpaca_de (OpenAI)" if os.environ.get("POLYDISTILL_DATA") else "made up"


def _rows(count: int) -> list[dict[str, Any]]:
    """TRANSLATED rows: Alpaca in English and German, without self-generated answers."""
    folder = os.environ.get("POLYDISTILL_DATA")
    texts = _real(Path(folder), count) if folder else _made_up(count)
    rows = []
    for number, fields in enumerate(texts):
        row: dict[str, Any] = {"id": f"{number:016x}", "source": "eng_Latn", "origin": "", "target": "deu_Latn"}
        row |= {"self_tokens": None, "self_error": None, "self": None, "mt_self": None, "notes_self": None}
        for field, (source, hypothesis) in zip(FIELDS, fields):
            given = bool(source)
            row |= {
                field: source,
                f"mt_{field}": hypothesis if given else None,
                f"notes_{field}": [] if given else None,
            }
        rows.append(row)
    return rows


def _real(folder: Path, count: int) -> list[list[tuple[str, str]]]:
    path = folder / "alpaca_de" / "alpaca_12k_en_de_openai.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for _, line in zip(range(count), file)]
    return [[(row["en"][key], row["de"][key]) for key in ("instruction", "input", "output")] for row in rows]


def _made_up(count: int) -> list[list[tuple[str, str]]]:
    draw = np.random.default_rng(0)
    english = "the a house river reads writes old young often never because with under some people"
    german = "das ein Haus Fluss liest schreibt alt jung oft nie weil mit unter einige Menschen"

    def text(length: int) -> tuple[str, str]:
        words = draw.integers(0, 15, length)
        return " ".join(english.split()[i] for i in words) + ".", " ".join(german.split()[i] for i in words) + "."

    return [[text(int(n)) for n in np.maximum(draw.lognormal([2.3, 1.5, 3], 0.7), 1)] for _ in range(count)]


if __name__ == "__main__":
    print(json.dumps(run(), indent=1))
