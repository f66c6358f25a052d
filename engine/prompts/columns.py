"""Which column of a source is what to a row: found by its name, or mapped by `prompts.columns`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from polydistill.engine.errors import UserError

NAMES: dict[str, tuple[str, ...]] = {
    "messages": ("messages", "conversations", "conversation", "dialog", "dialogue", "chat", "turns"),
    "system": ("system", "system_prompt", "system_message", "system_instruction"),
    "history": ("history",),
    "instruction": ("instruction", "instructions", "question", "prompt", "query", "problem", "inputs"),
    "input": ("input", "context", "passage", "paragraph"),
    "answer": ("output", "response", "answer", "answers", "completion", "solution", "reply", "targets"),
    "id": ("id", "row_id", "uid", "uuid", "example_id", "question_id", "prompt_id", "conversation_id"),
    "language": ("language", "lang", "language_code", "locale"),
}
"""The usual names of each role's column, in small letters with "_" for anything else."""

SINGLE = ("instruction", "input", "answer", "history")
"""Roles of a file with one question in a row; a file of conversations has `messages` in their place."""

_MANY = ("id", "language")  # roles for which the first name counts, where a file has several
# Columns that say something about a row and are none of its texts.
_ABOUT = (
    *("category", "source", "dataset", "topic", "subject", "type", "kind", "task", "title", "url", "tag", "tags"),
    *("split", "license", "author", "name", "hash", "date", "created_at", "level", "difficulty", "domain", "model"),
    "rejected",  # an answer that nobody shall learn
)


@dataclass(frozen=True)
class Columns:
    """The columns of rows with one set of keys."""

    names: Mapping[str, str]  # role -> column
    unused: tuple[str, ...]  # columns without a role

    @cached_property
    def complete(self) -> bool:
        """Whether the rows have a question."""
        return "instruction" in self.names or "messages" in self.names

    @cached_property
    def answered(self) -> bool:
        """Whether the rows have an answer of their own."""
        return "answer" in self.names or "messages" in self.names


def find_columns(keys: tuple[str, ...], given: Mapping[str, str | None], where: str) -> Columns:
    """The roles of the columns `keys`; roles that no column has are left out.

    Args:
        keys: names of the columns, in their order.
        given: column by role, as configured; null for a role that no column shall have.
        where: file and row, for messages.

    Raises:
        UserError: two columns have usual names of one role, or the file is one of questions and of conversations.
    """
    names = {role: name for role, name in given.items() if name is not None and name in keys}
    # Who maps a question or conversations says which of the two formats is meant.
    chosen = "messages" if given.get("messages") else "single" if any(given.get(role) for role in SINGLE) else ""
    free = {key: _plain(key) for key in keys if key not in names.values()}
    for role, usual in NAMES.items():
        if role in given or (role == "messages" and chosen == "single") or (role in SINGLE and chosen == "messages"):
            continue
        found = [key for key, plain in free.items() if plain in usual]
        if len(found) > 1 and role not in _MANY:
            raise UserError(
                f"{where}: {' and '.join(repr(_short(name)) for name in found)} could both be the {role}. "
                + _mapping({role: found[0]}, keys)
            )
        if found:
            names[role] = min(found, key=lambda key: usual.index(free[key])) if len(found) > 1 else found[0]
    if "messages" in names and "instruction" in names:
        raise UserError(
            f"{where}: '{names['messages']}' looks like conversations, '{names['instruction']}' like single questions. "
            + _mapping({"messages": names["messages"]}, keys)
            + f" Or {{instruction: {names['instruction']}}} to leave the conversations out."
        )
    if "messages" in names:
        names = {role: name for role, name in names.items() if role not in SINGLE}
    return Columns(names, tuple(key for key in keys if key not in names.values()))


def check_columns(found: list[Columns], texts: set[str], given: Mapping[str, str | None], where: str) -> None:
    """Refuse a file that the beginning shows to fit no format, or only half.

    Args:
        found: the columns of the rows at the file's beginning.
        texts: names of those columns that hold text.
        given: see `find_columns`.
        where: the file.

    Raises:
        UserError: no row has a question, a mapped column is not there, or no column is known as the answer although
            there are further columns of text.
    """
    keys = tuple(dict.fromkeys(key for columns in found for key in (*columns.names.values(), *columns.unused)))
    spare = [key for key in keys if key in texts and any(key in columns.unused for columns in found)]
    if not any(columns.complete for columns in found):
        missing = [name for name in given.values() if name is not None and name not in keys]
        if missing:
            raise UserError(f"{where}: no column '{missing[0]}'. Columns: {_list(keys)}")
        guess = dict(zip(("instruction", "answer"), _texts(spare)))
        raise UserError(f"{where}: no column is known as the question. " + _mapping(guess, keys))
    if "answer" in given or any(columns.answered for columns in found):
        return
    if candidates := _texts(spare):
        raise UserError(
            f"{where}: no column is known as the answer. "
            + _mapping({"answer": candidates[-1]}, keys)
            + " Write {answer: null} if the rows have no answers."
        )


def _texts(spare: list[str]) -> list[str]:
    """Those that may hold one of a row's texts."""
    return [key for key in spare if _plain(key) not in _ABOUT and not _plain(key).endswith("_id")]


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def _short(name: str) -> str:
    return name if len(name) <= 60 else f"{name[:57]}..."


def _list(keys: tuple[str, ...]) -> str:
    more = f", and {len(keys) - 30:,} more" if len(keys) > 30 else ""
    return (", ".join(map(_short, keys[:30])) or "none") + more


def _mapping(example: Mapping[str, str], keys: tuple[str, ...]) -> str:
    text = ", ".join(f"{role}: {_short(name)}" for role, name in example.items()) or "instruction: NAME"
    return (
        f"Columns: {_list(keys)}. Say what they are with prompts.columns, for example "
        f"{{columns: {{{text}}}}} (roles: {', '.join(NAMES)})."
    )
