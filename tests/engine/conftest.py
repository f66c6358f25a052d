"""Tiny translation models of the real architectures with random weights, written by the real libraries."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from polydistill.engine.schema import FIELDS, GENERATED, HISTORY

TEXT = [
    *("The cat sat on the mat.", "Where is the library?", "She bought 12 apples and 3 pears.", "It rains today."),
    *("Read the file and print the result.", "Der Hund schläft.", "Guten Morgen, wie geht es dir?", "Selamat pagi."),
    *(
        "今日は良い天気です。",
        "図書館はどこですか。",
        "Name, age and city (2024): [1] [2] {x} !",
        "a b c d e f g h i j k l m n o p",
    ),
]


@pytest.fixture(scope="session")
def nllb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Hugging Face folder of an NLLB model that has learnt nothing: it never stops by itself."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from transformers import M2M100Config, M2M100ForConditionalGeneration, NllbTokenizer

    folder = tmp_path_factory.mktemp("nllb")
    bpe = Tokenizer(models.BPE(unk_token="<unk>"))
    bpe.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    bpe.train_from_iterator(TEXT, trainers.BpeTrainer(vocab_size=400, special_tokens=special, show_progress=False))
    model = json.loads(bpe.to_str())["model"]
    tokenizer = NllbTokenizer(
        vocab=model["vocab"],
        merges=[tuple(merge) for merge in model["merges"]],
        additional_special_tokens=["eng_Latn", "deu_Latn", "ind_Latn", "jpn_Jpan"],
    )
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    size = {"d_model": 32, "encoder_ffn_dim": 64, "decoder_ffn_dim": 64}
    layers = {"encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2, "decoder_attention_heads": 2}
    config = M2M100Config(vocab_size=len(tokenizer), max_position_embeddings=128, init_std=0.3, **size, **layers)
    M2M100ForConditionalGeneration(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def conversions(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A cache of converted models that the tests share."""
    return str(tmp_path_factory.mktemp("conversions"))


@pytest.fixture
def save_family(tmp_path: Path) -> Callable[[str], Path]:
    """Writes a tiny model of a family other than NLLB and returns its folder."""

    def save(family: str) -> Path:
        folder = tmp_path / family
        folder.mkdir()
        {"m2m100": save_m2m100, "madlad": save_madlad, "marian": save_marian}[family](folder)
        return folder

    return save


def sentencepiece_model(path: Path, symbols: list[str]) -> Path:
    """Train a SentencePiece model on TEXT; `symbols` become pieces of their own."""
    import sentencepiece

    buffer = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXT * 5),
        model_writer=buffer,
        vocab_size=300,
        hard_vocab_limit=False,
        user_defined_symbols=symbols,
        minloglevel=2,
        **{"pad_id": 0, "eos_id": 1, "unk_id": 2, "bos_id": -1},
    )
    path.write_bytes(buffer.getvalue())
    return path


def save_marian(folder: Path) -> None:
    """A multilingual Marian model, >>deu<< and >>ind<< being its targets."""
    import sentencepiece
    from transformers import MarianConfig, MarianMTModel, MarianTokenizer

    source = sentencepiece_model(folder / "source.spm", [])
    target = sentencepiece_model(folder / "target.spm", [])
    model = sentencepiece.SentencePieceProcessor(model_file=str(source))
    pieces = [model.IdToPiece(index) for index in range(len(model))]
    names = ["</s>", "<unk>", *(piece for piece in pieces if piece not in ("</s>", "<unk>", "<pad>"))]
    names += [">>deu<<", ">>ind<<", "<pad>"]
    (folder / "vocab.json").write_text(json.dumps({name: index for index, name in enumerate(names)}))
    tokenizer = MarianTokenizer(str(source), str(target), str(folder / "vocab.json"))
    tokenizer.save_pretrained(folder)
    size = {"d_model": 32, "encoder_ffn_dim": 64, "decoder_ffn_dim": 64, "max_position_embeddings": 64}
    layers = {"encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2, "decoder_attention_heads": 2}
    ids = {"pad_token_id": len(names) - 1, "eos_token_id": 0, "decoder_start_token_id": len(names) - 1}
    MarianMTModel(MarianConfig(vocab_size=len(names), **size, **layers, **ids)).save_pretrained(folder)


def save_m2m100(folder: Path) -> None:
    """An M2M-100 model with its hundred languages."""
    import sentencepiece
    from transformers import M2M100Config, M2M100ForConditionalGeneration, M2M100Tokenizer

    path = sentencepiece_model(folder / "spm.model", [])
    model = sentencepiece.SentencePieceProcessor(model_file=str(path))
    pieces = [model.IdToPiece(index) for index in range(len(model))]
    names = ["<s>", "<pad>", "</s>", "<unk>", *(piece for piece in pieces if not piece.startswith("<"))]
    (folder / "vocab.json").write_text(json.dumps({name: index for index, name in enumerate(names)}))
    tokenizer = M2M100Tokenizer(str(folder / "vocab.json"), str(path))
    tokenizer.save_pretrained(folder)
    size = {"d_model": 32, "encoder_ffn_dim": 64, "decoder_ffn_dim": 64, "max_position_embeddings": 64}
    layers = {"encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2, "decoder_attention_heads": 2}
    count = len(names) + len(tokenizer.lang_token_to_id) + tokenizer.num_madeup_words
    M2M100ForConditionalGeneration(M2M100Config(vocab_size=count, **size, **layers)).save_pretrained(folder)


def save_madlad(folder: Path) -> None:
    """A T5 model with MADLAD's tags <2de>, <2id> and <2ja>."""
    from transformers import T5Config, T5ForConditionalGeneration, T5Tokenizer

    path = sentencepiece_model(folder / "spiece.model", ["<2de>", "<2id>", "<2ja>"])
    tokenizer = T5Tokenizer.from_pretrained(str(folder), vocab_file=str(path), extra_ids=0)
    tokenizer.save_pretrained(folder)
    size = {"d_model": 32, "d_kv": 16, "d_ff": 64, "num_layers": 1, "num_decoder_layers": 1, "num_heads": 2}
    config = T5Config(
        vocab_size=len(tokenizer), feed_forward_proj="gated-gelu", tie_word_embeddings=False,
        decoder_start_token_id=0, pad_token_id=0, eos_token_id=1, **size,
    )  # fmt: skip
    T5ForConditionalGeneration(config).save_pretrained(folder)


def generated_table(*truths: str, source: str | list[str] = "eng_Latn", **fields: list[str | None]) -> pa.Table:
    """A GENERATED table with these answers; other fields as given, else plain."""
    rows = len(truths)
    columns = {"truth": list(truths), "instruction": ["Do it."] * rows, "input": [""] * rows, "self": [None] * rows}
    return (
        pa.table(
            {
                "id": [f"{row:016x}" for row in range(rows)],
                "source": [source] * rows if isinstance(source, str) else source,
                "origin": [f"test:{row}" for row in range(rows)],
                **{name: pa.array(fields.get(name, columns[name]), pa.string()) for name in FIELDS},
                "system": pa.nulls(rows, pa.string()),
                "history": pa.nulls(rows, HISTORY),
                "self_tokens": pa.array([None] * rows, pa.int32()),
                "self_error": pa.array([None] * rows, pa.string()),
                "self_reasoning": pa.nulls(rows, pa.string()),
                "self_candidates": pa.nulls(rows, GENERATED.field("self_candidates").type),
            }
        )
        .select(GENERATED.names)
        .cast(GENERATED)
    )


@pytest.fixture(scope="session")
def table_of() -> Callable[..., pa.Table]:
    """`generated_table`, for tests (which cannot import each other's modules)."""
    return generated_table
