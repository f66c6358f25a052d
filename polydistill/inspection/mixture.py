"""A mixture's folder: samples by subset and language, what was left out, and the words that were switched."""

from dataclasses import dataclass

from polydistill.engine.mixing.mixture import Mixture, MixtureRecord
from polydistill.engine.storage.record import record_values
from polydistill.engine.storage.shards import Folder
from polydistill.inspection.columns import columns, reasons


@dataclass(frozen=True)
class MixtureDescription:
    """A mixture's folder."""

    path: str
    record: MixtureRecord
    kind: str = "mixture"

    @classmethod
    def of(cls, place: Folder) -> "MixtureDescription":
        """Describe the mixture in a folder."""
        return cls(place.root, Mixture.open(place).record)

    @property
    def bytes(self) -> int:
        """Of all shards."""
        return sum(shard.bytes for shard in self.record.shards)

    def values(self) -> dict[str, object]:
        """As JSON values."""
        figures = {"shards": len(self.record.shards), "bytes": self.bytes}
        return {"kind": self.kind, "path": self.path, **record_values(self.record), **figures}

    def text(self) -> str:
        """For people."""
        record = self.record
        lines = [
            f"mixture {self.path}  (fingerprint {record.fingerprint})",
            f"{record.rows:,} samples of recipe {record.recipe.name}, seed {record.seed}, "
            f"{len(record.shards):,} shards, {self.bytes / 2**20:,.1f} MiB, from {', '.join(record.runs)}",
        ]
        if record.missing_units:
            lines.append(f"the pool was not finished: {record.missing_units:,} units were missing")
        targets = sorted({target for subset in record.subsets for target in subset.targets})
        rows = [
            [subset.name, f"{subset.weight:g}", f"{subset.rows:,}"]
            + [f"{subset.targets.get(target, 0):,}" for target in targets]
            + [reasons(subset.dropped)]
            for subset in record.subsets
        ]
        lines += columns(["subset", "weight", "rows", *targets, "left out"], rows)
        for switch in record.code_switch:
            rate = "nothing to switch" if switch.rate is None else f"{switch.rate:.1%}"
            lines.append(
                f"code-switching {switch.text} -> {switch.replacements}: {rate} of {switch.switchable:,} words"
            )
        return "\n".join(lines)
