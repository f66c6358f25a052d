"""Fingerprints: what went into an artifact, as one short digest, and in words what differs.

Every artifact uses these functions. Files and models count by their content, never by their path, so that a moved
or copied input is the same input.
"""

import hashlib
import json
from collections.abc import Mapping


def fingerprint(value: object) -> str:
    """16 hex digits of JSON values; the order of keys does not count."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def flatten(value: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    """Nested mappings as one, with dotted keys: {"a": {"b": 1}} -> {"a.b": 1}."""
    flat: dict[str, object] = {}
    for key, item in value.items():
        flat |= flatten(item, f"{prefix}{key}.") if isinstance(item, dict) else {f"{prefix}{key}": item}
    return flat


def differences(before: Mapping[str, object], now: Mapping[str, object]) -> list[str]:
    """One line for each key whose value is another, e.g. "translate.beam: was 4, now 1"; sorted by key."""
    keys = sorted(before.keys() | now.keys())
    return [f"{key}: was {before.get(key)!r}, now {now.get(key)!r}" for key in keys if before.get(key) != now.get(key)]
