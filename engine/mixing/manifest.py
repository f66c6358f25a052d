"""A mixture's manifest: what is in it, what was left out and why, and what it was made of."""

import hashlib
import json
from collections import Counter
from typing import Any

from polydistill.engine.config import dump
from polydistill.engine.errors import UserError
from polydistill.engine.mixing import pair_files
from polydistill.engine.mixing.worker import Done, Job
from polydistill.engine.storage.shards import Folder, to_json


def origin(job: Job) -> dict[str, Any]:
    """Everything that the mixture's content depends on, files by their checksums."""
    dictionaries, parallel = {}, {}
    for source in job.sources:
        for target in job.targets:
            if source == target:
                continue
            if job.dictionaries and job.recipe.needs_dictionaries:
                for a, b in ((source, target), (target, source)):
                    dictionaries[f"{a} -> {b}"] = _digest(pair_files.find(job.dictionaries.path, a, b))
            if job.parallel and job.recipe.needs_parallel:
                parallel[f"{source}-{target}"] = _digest(pair_files.find(job.parallel.path, source, target))
    units = [
        {
            target: [pool.shard(target, unit).sha256 for unit in pool.units]
            for target in pool.targets
            if target in job.targets
        }
        for pool in job.pools
    ]
    return {
        "recipe": _hash(dump(job.recipe)),
        "seed": job.seed,
        "pools": [_hash(unit) for unit in units],
        "targets": job.targets,
        "dictionaries": {
            "files": dictionaries,
            "missing": job.dictionaries.missing if dictionaries and job.dictionaries else None,
        },
        "parallel": {"files": parallel, "rows": job.parallel.rows if parallel and job.parallel else None},
        "judge": dump(job.judge) if job.judge else None,
        "leakage": job.evaluation.signature() if job.evaluation else None,
    }


def _digest(file: pair_files.PairFile | None) -> str | None:
    if file is None:
        return None
    digest = hashlib.sha256()
    for path in filter(None, (file.path, file.other)):
        with open(path, "rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def present(out: Folder, made_of: dict[str, Any]) -> dict[str, Any] | None:
    """The manifest of this very mixture where `out` holds it.

    Raises:
        UserError: `out` holds another one.
    """
    if not out.exists("manifest.json"):
        return None
    found = out.read_json("manifest.json")
    before = found.get("origin", {})
    differ = [key for key in made_of if before.get(key) != json.loads(json.dumps(made_of[key]))]
    if differ:
        raise UserError(
            f"{out.root} holds another mixture (differs in: {', '.join(differ)}); delete it or give another --out"
        )
    return found


def manifest(job: Job, total: Done, made_of: dict[str, Any]) -> dict[str, Any]:
    """The manifest of what the tasks have written together.

    Raises:
        UserError: a subset has no sample, which its mean could not be taken of.
    """
    counts = total.counts
    subsets = {}
    for name, subset in job.recipe.subsets.items():
        by_target = {target: n for (s, target), n in sorted(counts.rows.items()) if s == name}
        dropped: Counter = Counter()
        for (s, _, reason), n in counts.dropped.items():
            dropped.update({reason: n} if s == name else {})
        subsets[name] = {
            "rows": sum(by_target.values()),
            "targets": by_target,
            "dropped": dict(dropped.most_common()),
            "weight": subset.weight,
        }
    empty = [name for name, subset in subsets.items() if not subset["rows"]]
    if empty:
        raise UserError(
            f"{job.recipe.name}: subset {empty[0]} is empty (dropped: {subsets[empty[0]]['dropped']}); see the pool "
            f"with `polydistill inspect`, or leave the subset out with --set subsets.{empty[0]}=null"
        )
    every: Counter = Counter()
    for (_, _, reason), n in counts.dropped.items():
        every[reason] += n
    switching = {
        f"{a} -> {b}": {
            "switched": counts.switched[a, b],
            "switchable": n,
            "rate": counts.switched[a, b] / n if n else None,
        }
        for (a, b), n in sorted(counts.switchable.items())
    }
    return {
        "recipe": dump(job.recipe),
        "seed": job.seed,
        "rows": sum(subset["rows"] for subset in subsets.values()),
        "subsets": subsets,
        "dropped": dict(every.most_common()),
        "code_switch": switching,
        "dictionaries": dict(sorted(total.dictionaries.items())),
        "parallel": dict(sorted(total.parallel.items())),
        "runs": [pool.place.root for pool in job.pools],
        "sources": job.sources,
        "targets": job.targets,
        "origin": made_of,
        "fingerprint": _hash(made_of),
        "shards": to_json(sorted(total.shards, key=lambda shard: shard.path)),
    }
