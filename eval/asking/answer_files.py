"""Answers on disk. One (model, set, language) is a unit: `<set>/<language>.arrow` and its record.

The record holds the fingerprint of what was asked and the file's digest. A unit whose fingerprint is another's, or
whose file is damaged, counts as not asked. A long unit is kept in parts, `<language>.0000.arrow` and so on, until it is
whole.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from polydistill.engine.config import Student, dump
from polydistill.engine.errors import DamagedError
from polydistill.engine.storage.record import read_record, write_record
from polydistill.engine.storage.shards import Folder, Shard, check_shard, read_shard, write_table
from polydistill.eval.data.sets import Set
from polydistill.eval.question import Answer, Question, from_table, to_table

Key = tuple[str, str]  # set name, language


@dataclass(frozen=True)
class UnitRecord:
    """What was asked, and the file that holds the answers."""

    fingerprint: str
    shard: Shard
    format: int = 1


@dataclass(frozen=True)
class AnswerFolder:
    """The answers of one model."""

    folder: Folder
    damaged: list[str] = field(default_factory=list)  # files that `read` found damaged, one sentence each

    @classmethod
    def of(cls, out: Folder, model: str) -> "AnswerFolder":
        """The folder of a model's answers below an evaluation's folder."""
        return cls(out / f"answers/{slug(model)}")

    def read(self, key: Key, fingerprint: str, part: int | None = None) -> list[Answer] | None:
        """A unit's answers (or those of a part); None where they are not there, another's, or damaged."""
        name = _file(key, part)
        if not self.folder.exists(f"{name}.json"):
            return None
        try:
            record = read_record(self.folder, f"{name}.json", UnitRecord)
            if record.fingerprint != fingerprint:
                return None
            return from_table(read_shard(self.folder, record.shard))[1]
        except DamagedError as error:
            self.damaged.append(str(error))
            return None

    def write(
        self,
        key: Key,
        questions: Sequence[Question],
        answers: Sequence[Answer],
        fingerprint: str,
        part: int | None = None,
    ) -> None:
        """Keep a unit's answers, or those of one part of it. A whole unit's parts are removed."""
        name = _file(key, part)
        shard = write_table(self.folder, f"{name}.arrow", to_table(questions, answers), "zstd")
        write_record(self.folder, f"{name}.json", UnitRecord(fingerprint, shard))
        if part is None:
            for file in self.folder.names(recursive=True):
                if re.fullmatch(re.escape(name) + r"\.\d{4}\.(arrow|json)", file):
                    self.folder.filesystem.delete_file(self.folder.join(file))

    def verify(self, asked: Sequence[Key] = ()) -> list[str]:
        """Read every file whole and compare it with its record. Returns one sentence per problem.

        Args:
            asked: units that must be there.
        """
        names = self.folder.names(recursive=True)
        problems = [
            f"{self.folder.join(file)} is missing"
            for file in (f"{_file(key, None)}.json" for key in asked)
            if file not in names
        ]
        for file in names:
            if file.endswith(".json"):
                try:
                    shard = read_record(self.folder, file, UnitRecord).shard
                    if shard.path != f"{file.removesuffix('json')}arrow":
                        raise DamagedError(f"{self.folder.join(file)}: the record of another unit ({shard.path})")
                    check_shard(self.folder, shard, again=True)
                except DamagedError as error:
                    problems.append(str(error))
        return problems


def _file(key: Key, part: int | None) -> str:
    return f"{key[0]}/{key[1]}" if part is None else f"{key[0]}/{key[1]}.{part:04}"


def slug(model: str) -> str:
    """A model's name as a folder name: "sdrrl/seed0" is "sdrrl--seed0".

    Other characters than letters, digits, dot and dash become underscores; a digest then keeps two names apart.
    """
    safe = re.sub(r"[^\w.-]+|^\.+", "_", model.replace("/", "--"))
    reversible = safe.replace("--", "/") == model and "--" not in model
    return safe if reversible else f"{safe}-{hashlib.sha256(model.encode()).hexdigest()[:8]}"


def unit_fingerprint(entry: Set, identity: str, student: Student) -> str:
    """Digest of what decides a unit's answers: model, questions, examples, template, length, stops, engine settings."""
    settings = dump(student)
    asked = [settings[name] for name in ("prompt", "template", "reasoning", "engine")]
    values = [identity, *asked, entry.max_tokens, entry.stop]
    digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode())
    for question in [*entry.shots, *entry.questions]:
        digest.update(repr(question).encode())
    return digest.hexdigest()[:16]
