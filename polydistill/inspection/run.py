"""A run's folder: prompts, answers, and the pool's units in each language."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace

from polydistill.engine.generation.answers import AnswerFigures, Answers
from polydistill.engine.prompts.artifact import PromptsRecord, open_prompts
from polydistill.engine.storage.configuration import CONFIG, read_configuration
from polydistill.engine.storage.figures import RowFigures, merge
from polydistill.engine.storage.pool import UnitRecord, open_pool
from polydistill.engine.storage.run_folder import GENERATED, MIXTURES, UNITS
from polydistill.engine.storage.shards import Folder
from polydistill.engine.synthesis.absent import GO_ON, absent
from polydistill.inspection.columns import columns, reasons


@dataclass(frozen=True)
class Language:
    """The committed units of one target language."""

    units: int
    figures: RowFigures  # its reasons, the most frequent first


@dataclass(frozen=True)
class RunDescription:
    """A run's folder."""

    path: str
    prompts: PromptsRecord
    generated_units: int
    answers: AnswerFigures
    languages: dict[str, Language]  # by FLORES-200 code
    fingerprints: tuple[str, ...]  # of the units: one, or none yet
    versions: dict[str, str]  # library -> version that made the units
    mixtures: tuple[str, ...]
    absent: tuple[str, ...] = ()  # records that a finished run would have as well
    kind: str = "run"

    @classmethod
    def of(cls, place: Folder) -> "RunDescription":
        """Describe the run in a folder."""
        answers = Answers(place / GENERATED)
        pool = open_pool(place).records if (place / UNITS).names(recursive=True) else {}
        records = [record for units in pool.values() for record in units.values()]
        mixtures = (place / MIXTURES).names(recursive=True)
        return cls(
            path=place.root,
            prompts=open_prompts(place).record,
            generated_units=len(answers.names()),
            answers=answers.figures(),
            languages={target: _language(units.values()) for target, units in pool.items()},
            fingerprints=tuple(dict.fromkeys(record.fingerprint for record in records)),
            versions={name: version for record in records for name, version in record.versions.items()},
            mixtures=tuple(name.removesuffix("/manifest.json") for name in mixtures if name.endswith("/manifest.json")),
            absent=tuple(absent(place, read_configuration(place) if place.exists(CONFIG) else {})),
        )

    def values(self) -> dict[str, object]:
        """As JSON values."""
        total = len(self.prompts.units)
        keys = ("rows_read", "rows_kept", "dropped", "mended", "unused", "translated", "translations_lost")
        return {
            "kind": self.kind,
            "path": self.path,
            "prompts": {key: getattr(self.prompts, key) for key in (*keys, "fingerprint")} | {"units": total},
            "generated_units": self.generated_units,
            "answers": asdict(self.answers) | {"text": self.answers.text()},
            "languages": {
                target: {"units": found.units, "of_units": total} | asdict(found.figures)
                for target, found in self.languages.items()
            },
            "fingerprints": list(self.fingerprints),
            "versions": self.versions,
            "mixtures": list(self.mixtures),
            "absent": {"records": len(self.absent), "first": self.absent[0] if self.absent else None},
        }

    def text(self) -> str:
        """For people."""
        prompts, total = self.prompts, len(self.prompts.units)
        dropped = reasons(prompts.dropped)
        lines = [
            f"run {self.path}  (fingerprint {', '.join(self.fingerprints) or 'none yet'})",
            f"prompts  {prompts.rows_read:,} read, {prompts.rows_kept:,} usable in {total:,} units"
            + (f"; dropped: {dropped}" if dropped else ""),
            *(f"         {line}" for line in prompts.left_out()),
            *(f"         {n:,} questions came translated into {t}" for t, n in prompts.translated.items()),
            f"answers  {self.generated_units:,} units" + (f": {self.answers.text()}" if self.answers.rows else ""),
        ]
        rows = [_row(target, found, total) for target, found in self.languages.items()]
        lines += columns(["language", "units", "rows", "kept", "", "dropped"], rows) if rows else ["pool     empty"]
        if self.absent:
            more = f" and {len(self.absent) - 1:,} more" if len(self.absent) > 1 else ""
            lines.append(f"missing  {self.absent[0]}{more}. {GO_ON}")
        return "\n".join([*lines, f"mixtures {', '.join(self.mixtures) or 'none'}"])


def _language(units: Iterable[UnitRecord]) -> Language:
    records = list(units)
    figures = merge(record.figures for record in records)
    return Language(len(records), replace(figures, reasons=dict(Counter(figures.reasons).most_common())))


def _row(target: str, found: Language, total: int) -> list[str]:
    figures = found.figures
    share = figures.kept / max(figures.rows, 1)
    counts = [f"{found.units:,}/{total:,}", f"{figures.rows:,}", f"{figures.kept:,}", f"{share:.1%}"]
    return [target, *counts, reasons(figures.reasons)]
