"""Tokens travel with the rows of their language."""

import pyarrow as pa

from polydistill.engine.synthesis.token_columns import TOKENS, tokens_of, with_tokens
from polydistill.engine.translation.translator import TokenCount


def test_what_a_language_took_stands_in_one_of_its_rows() -> None:
    used = {"deu_Latn": TokenCount(5, 7), "jpn_Jpan": TokenCount(3, 2)}
    made = with_tokens(pa.table({"target": ["deu_Latn", "deu_Latn", "jpn_Jpan", "ind_Latn"]}), used)
    assert made["tokens_read"].to_pylist() == [5, 0, 3, 0] and made["tokens_written"].to_pylist() == [7, 0, 2, 0]
    assert tokens_of(made) == used | {"ind_Latn": TokenCount()}


def test_nothing_was_used() -> None:
    made = with_tokens(pa.table({"target": pa.array([], pa.string())}), {"deu_Latn": TokenCount(1, 1)})
    assert made.column_names == ["target", *TOKENS.names] and tokens_of(made) == {}
