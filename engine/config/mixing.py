"""`dictionaries:`, `parallel:` and `leakage:` of mixing."""

from typing import Literal

from pydantic import (
    Field,
    NonNegativeInt,
)

from polydistill.engine.config.base import Config


class Dictionaries(Config):
    """Bilingual word lists for code-switching: MUSE, GATITOS or plain TSV, one file for each pair of languages."""

    path: str | list[str] = Field(
        description="Folder(s) of files like en-de.txt, en_de.tsv, eng_Latn-deu_Latn.tsv(.gz)"
    )
    missing: Literal["error", "skip"] = Field(
        "error", description="For a pair without a file: stop, or leave its questions unswitched and report it"
    )


class Parallel(Config):
    """Parallel text for the tasks translate (mt) and complete (comp)."""

    path: str | list[str] = Field(
        description="Folder(s) or files of parallel text, named by their languages: line by line (OPUS, Moses, WMT, "
        "NTREX), TSV, CSV, JSON lines or Parquet"
    )
    corpora: list[str] | None = Field(
        None, description="Use only files whose path contains one of these names. `null`: all corpora of a pair, merged"
    )
    rows: NonNegativeInt | dict[str, NonNegativeInt] | None = Field(
        1000,
        description="Number of random sentence pairs per language, or numbers by target language. `null`: all",
    )
    allocation: str | None = Field(None, description="JSON of `polydistill allocate`: its counts instead of `rows`")


class Leakage(Config):
    """Keeps rows that are too close to an evaluation set out of the mixture."""

    against: list[str] = Field(description="Evaluation files or folders (JSON, JSONL, TSV or plain text, also .gz)")
    ngram: int = Field(8, ge=2, description="Length of the n-grams compared, words")
    overlap: float = Field(
        0.5, gt=0, le=1, description="A text is dropped if at least this share of its n-grams is found there"
    )
