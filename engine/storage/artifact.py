"""What the six artifacts have in common: Prompts, Answers, Pool, Mixture, Checkpoint, Scores.

Each artifact is a class in the folder that makes it. It owns its schema, its record, its fingerprint and its state;
steps are functions from one artifact to the next.
"""

from enum import StrEnum
from typing import Protocol

from polydistill.engine.storage.shards import Folder


class State(StrEnum):
    """What stands in an artifact's folder."""

    ABSENT = "absent"
    PARTIAL = "partial"  # begun; the same command goes on with it
    COMPLETE = "complete"
    FOREIGN = "foreign"  # made from other inputs or under another configuration


class Artifact(Protocol):
    """An opened artifact."""

    @property
    def folder(self) -> Folder:
        """Where it stands."""

    def verify(self) -> list[str]:
        """Read every file whole and compare with the record. Returns one sentence per problem."""
