"""An evaluation's folder: every metric of every model."""

from dataclasses import dataclass

from polydistill.engine.storage.record import record_values
from polydistill.engine.storage.shards import Folder
from polydistill.eval.scores import Scores, ScoresRecord
from polydistill.inspection.columns import columns


@dataclass(frozen=True)
class ScoresDescription:
    """An evaluation's folder."""

    path: str
    record: ScoresRecord
    kind: str = "scores"

    @classmethod
    def of(cls, place: Folder) -> "ScoresDescription":
        """Describe the evaluation in a folder."""
        return cls(place.root, Scores.open(place).record)

    def values(self) -> dict[str, object]:
        """As JSON values."""
        return {"kind": self.kind, "path": self.path, **record_values(self.record)}

    def text(self) -> str:
        """For people."""
        rows = [
            [each.model, each.set, each.language, each.metric, "-" if each.value is None else f"{each.value:.1f}"]
            for each in self.record.results
        ]
        lines = [f"scores {self.path}  (fingerprint {self.record.fingerprint})"]
        lines += [f"note: {note}" for note in self.record.notes]
        return "\n".join([*lines, *columns(["model", "set", "language", "metric", "value"], rows)])
