"""Samples on disk: those written, over shards and ranks."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from polydistill.engine.errors import UserError
from polydistill.engine.mixing.mixture import Mixture
from polydistill.engine.storage.shards import Folder
from polydistill.trainer.data import samples
from polydistill.trainer.data.samples import Samples
from polydistill.trainer.data.tokenization import Tokenization, fingerprint
from polydistill.trainer.records import SubsetFigures, TokensRecord
from tests.engine.mixture_fixture import write_mixture
from tests.trainer.conftest import mixture_rows


@pytest.fixture(scope="module")
def tokenizer(student: str) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(student)


def prepared(root: Path, tokenizer: Any, how: Tokenization, *tables: pa.Table) -> TokensRecord:
    mixture, target = Mixture.open(write_mixture(root / "mixture", *tables)), Folder.of(root / "tokens")
    key = fingerprint(mixture, tokenizer, how)
    for rank in range(2):
        samples.write_part(mixture, target, tokenizer, how, rank, 2, key)
    return samples.write_manifest(mixture, target, key)


def test_samples_are_those_written(tokenizer: Any, tmp_path: Path) -> None:
    """Over several shards and ranks, an empty shard among them."""
    how = Tokenization("raw", 512, "drop", 0.0, 0)
    tables = [mixture_rows(*[(f"q{i}{j}", "", "a" * j) for j in range(1, 5)]) for i in range(3)]
    manifest = prepared(tmp_path, tokenizer, how, tables[0], tables[1][:0], tables[2])
    opened = Samples.open(Folder.of(tmp_path / "tokens"), manifest)
    assert len(opened.length) == 8 and opened.answer.tolist() == [2, 3, 4, 5] * 2
    assert tokenizer.decode(opened.tokens(6)) == "<s>q23\naaa</s>"
    assert opened.row_id(6) == f"{2:016x}"
    assert opened.tokens(6).base is not None  # a view, not a copy
    assert manifest.figures["LL"] == SubsetFigures(samples=8, answer_tokens=28, validation_samples=0)


def test_empty_subsets_are_refused(tokenizer: Any, tmp_path: Path) -> None:
    how = Tokenization("raw", 24, "drop", 0.0, 0)
    with pytest.raises(UserError, match=r"no sample is left of subset mt \(too_long 1\)"):
        prepared(
            tmp_path / "a", tokenizer, how, mixture_rows(("q", "", "a")), mixture_rows(("q" * 50, "", "a"), subset="mt")
        )
    with pytest.raises(UserError, match=r"no sample is left to train on \(no_answer 1\)"):
        prepared(tmp_path / "b", tokenizer, how, mixture_rows(("q", "", "")))
