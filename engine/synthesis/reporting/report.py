"""What a synthesis run made: a table for the terminal, `report.json`, and `report.html` to open in a browser."""

import hashlib
import sys
from collections.abc import Sequence
from dataclasses import replace

from polydistill.engine.errors import DamagedError
from polydistill.engine.generation.answers import Answers
from polydistill.engine.prompts.artifact import open_prompts
from polydistill.engine.storage.figures import merge
from polydistill.engine.storage.pool import open_pool
from polydistill.engine.storage.record import read_record, write_record
from polydistill.engine.storage.run_folder import GENERATED
from polydistill.engine.storage.shards import Folder
from polydistill.engine.synthesis.reporting.figures import PromptFigures, Report, as_text
from polydistill.engine.synthesis.reporting.page import page
from polydistill.engine.synthesis.reporting.samples import samples
from polydistill.engine.synthesis.reporting.thresholds import thresholds
from polydistill.engine.synthesis.summary import SynthesisRecord, read_summary

RECORD, PAGE = "report.json", "report.html"


def known_report(location: str | Folder) -> str | None:
    """The table for the terminal of a whole report about the whole pool. None where there is no such report."""
    folder = Folder.of(location)
    if not (folder.exists(RECORD) and folder.exists(PAGE)):
        return None
    try:
        report = read_record(folder, RECORD, Report)
    except DamagedError:
        return None
    pool = open_pool(folder)
    whole = {target: merge(unit.figures for unit in units.values()) for target, units in pool.records.items()}
    if report.languages != whole or report.page != _digest(folder.read(PAGE)):
        return None
    return as_text(report, folder.root)


def write_report(location: str | Folder, unidentified: Sequence[str] = ()) -> str:
    """Write `report.json` and `report.html` into the run's folder; return the table for the terminal.

    Reads the units' records. For the samples, it reads the reasons of all rows and the shards that rows are drawn from.

    Args:
        location: the run's folder.
        unidentified: targets without a label in the language-ID model (`language_id.unknown_targets`).
    """
    folder = Folder.of(location)
    pool = open_pool(folder)
    prompts = open_prompts(folder).record
    summary = _summary(folder)
    report = Report(
        PromptFigures(prompts.rows_read, prompts.rows_kept, prompts.dropped),
        {target: merge(record.figures for record in units.values()) for target, units in pool.records.items()},
        summary.curve if summary else [],
        Answers(folder / GENERATED).figures(),
        [target for target in pool.targets if target in unidentified],
        thresholds(folder, pool.targets),
    )
    html = page(report, samples(pool), folder.root).encode()
    folder.write(PAGE, html)
    write_record(folder, RECORD, replace(report, page=_digest(html)))
    return as_text(report, folder.root)


def _digest(html: bytes) -> str:
    return hashlib.sha256(html).hexdigest()


def _summary(folder: Folder) -> SynthesisRecord | None:
    """The figures of the last call. Their damage costs a curve in the report, not the report."""
    try:
        return read_summary(folder)
    except DamagedError as error:
        print(f"{error}. The report has no figures of the last call.", file=sys.stderr)
        return None
