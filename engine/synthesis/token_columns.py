"""The tokens that translation took, on their way from the translating to the judging process, which commits them."""

import numpy as np
import pyarrow as pa

from polydistill.engine.translation.translator import TokenCount

TOKENS = pa.schema([pa.field("tokens_read", pa.int64()), pa.field("tokens_written", pa.int64())])
"""Columns behind TRANSLATED: what each language took stands in its first row, 0 in the others."""


def with_tokens(table: pa.Table, used: dict[str, TokenCount]) -> pa.Table:
    """TRANSLATED rows with TOKENS columns; `used` by target language."""
    targets = table["target"].to_pylist()
    values = np.zeros((len(TOKENS), len(targets)), np.int64)
    for target, own in used.items():
        if target in targets:
            values[:, targets.index(target)] = own.read, own.written
    for field, column in zip(TOKENS, values):
        table = table.append_column(field, pa.array(column))
    return table


def tokens_of(table: pa.Table) -> dict[str, TokenCount]:
    """What each target language took, from TOKENS columns."""
    sums = table.group_by("target").aggregate([(name, "sum") for name in TOKENS.names]).to_pylist()
    read, written = (f"{name}_sum" for name in TOKENS.names)
    return {row["target"]: TokenCount(row[read], row[written]) for row in sums}
