"""The judge as a stage, with the real lid.176: scores, flags, reasons, and decisions taken again."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from polydistill.engine.config import Judge, Quality, Rules
from polydistill.engine.judging.decision import reasons
from polydistill.engine.judging.stage import JudgeStage
from polydistill.engine.judging.turns import fold
from polydistill.engine.schema import FIELDS, JUDGED, TRANSLATED

GOOD = {
    "instruction": ("Describe the weather in the mountains.", "Beschreibe das Wetter in den Bergen."),
    "input": ("", None),
    "truth": (
        "In the mountains the weather changes quickly, and it often snows in winter.",
        "In den Bergen ändert sich das Wetter schnell, und im Winter schneit es oft.",
    ),
    "self": ("It is cold and windy up there.", "Dort oben ist es kalt und windig."),
}


def table(*rows: dict[str, Any], source: str = "eng_Latn") -> pa.Table:
    """TRANSLATED rows: GOOD with changes; a field is (source, hypothesis) or (source, hypothesis, notes)."""
    values = []
    for number, changes in enumerate(rows):
        row: dict[str, Any] = {"id": f"{number:016x}", "source": source, "origin": f"t:{number}", "target": "deu_Latn"}
        row |= {"self_tokens": 9, "self_error": None}
        for field in FIELDS:
            text, hypothesis, *notes = changes.get(field, GOOD[field])
            row |= {field: text, f"mt_{field}": hypothesis}
            row[f"notes_{field}"] = notes[0] if notes else ([] if text and hypothesis is not None else None)
        values.append(row | {key: value for key, value in changes.items() if key not in FIELDS})
    return pa.Table.from_pylist(values, schema=TRANSLATED)


@pytest.fixture(scope="module")
def stage() -> JudgeStage:
    return JudgeStage(Judge())


ENGLISH = "In the mountains the weather changes quickly, and it often snows in winter."


FRENCH = "Dans les montagnes, le temps change vite et il neige souvent en hiver, dit-on ici."


@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        ({}, "truth", None),
        ({"truth": (ENGLISH, ENGLISH)}, "truth", "off_target"),
        ({"truth": (ENGLISH, FRENCH)}, "truth", "off_target"),
        ({"truth": (ENGLISH, "山では天気が変わりやすく、冬にはよく雪が降ります。")}, "truth", "wrong_script"),
        ({"truth": (ENGLISH + " " + ENGLISH, GOOD["truth"][1] + "\n" + ENGLISH)}, "truth", "mixed_language"),
        ({"truth": (ENGLISH, "Im Winter Schnee.")}, "truth", "length_ratio"),
        ({"truth": (ENGLISH, "Es schneit oft. " * 5)}, "truth", "repetition"),
        ({"truth": (ENGLISH, None, ["error: OutOfMemory"])}, "truth", "error"),
        ({"truth": (ENGLISH, None)}, "truth", "error"),
        ({"truth": (ENGLISH, " ")}, "truth", "empty"),
        ({"truth": (ENGLISH, GOOD["truth"][1], ["truncated"])}, "truth", "truncated"),
        ({"truth": (ENGLISH, GOOD["truth"][1], ["number_lost"])}, "truth", None),
        ({"self_error": "length"}, "self", "source_truncated"),
        ({"instruction": ("Say hello.", "Sag\ufffd hallo.")}, "instruction", "bad_characters"),
    ],
)  # fmt: skip
def test_reasons_of_single_texts(stage: JudgeStage, changes: dict[str, Any], field: str, reason: str | None) -> None:
    judged = stage(table(changes))
    assert judged.schema == JUDGED
    assert judged[f"reason_{field}"].to_pylist() == [reason]
    others = [f for f in FIELDS if f != field]
    assert all(judged[f"reason_{f}"].to_pylist() == [None] for f in others)


def test_translated_correction_tasks_are_found(stage: JudgeStage) -> None:
    fix = {"instruction": ("Correct the sentence.", "Korrigiere den Satz.")}
    wrong, right = ("he go to school", "Er geht zur Schule"), ("He goes to school.", "Er geht zur Schule.")
    mark = ("Are you there", "Bist du da?"), ("Are you there?", "Bist du da?")
    kept = ("Are you there", "Bist du da"), ("Are you there?", "Bist du da?")
    same = ("Red, green", "Rot, grün"), ("Red, green", "Rot, grün")
    rows = [fix | {"input": i, "truth": t, "self": ("", None)} for i, t in [(wrong, right), mark, kept, same]]
    judged = stage(table(*rows))
    assert judged["reason_truth"].to_pylist() == ["equals_input", "equals_input", None, None]
    assert judged["reason"].to_pylist() == ["truth:equals_input", "truth:equals_input", None, None]


def test_reason_of_the_row(stage: JudgeStage) -> None:
    none = ("", None)
    bad = (ENGLISH, ENGLISH)
    judged = stage(
        table(
            {},
            {"truth": bad},  # the other answer will do
            {"self": bad},
            {"truth": bad, "self": bad},
            {"instruction": bad},
            {"input": bad},
            {"truth": none, "self": bad},
            {"truth": none, "self": none},
            {"truth": none, "self": (None, None), "self_error": "engine died"},
        )
    )
    assert judged["reason"].to_pylist() == [
        None,
        None,
        None,
        "truth:off_target",
        "instruction:off_target",
        "input:off_target",
        "self:off_target",
        "answer:missing",
        "answer:missing",
    ]
    scores = judged["scores_truth"].to_pylist()
    assert scores[7] is None and judged["reason_truth"][7].as_py() is None


def test_order_languages_and_repetition_do_not_matter(stage: JudgeStage) -> None:
    one = table({}, {"truth": (ENGLISH, ENGLISH)}, {"input": ("A dog", "Ein Hund")})
    french = pa.Table.from_pylist(
        [
            {**row, "target": "fra_Latn", "mt_self": "Il fait froid et il y a du vent là-haut."}
            for row in one.to_pylist()
        ],
        schema=TRANSLATED,
    )
    apart = [*stage(one).to_pylist(), *stage(french).to_pylist()]
    both = pa.concat_tables([one, french])
    order = [3, 0, 4, 1, 1, 5, 2]
    assert stage(both.take(order)).to_pylist() == [apart[i] for i in order]
    assert stage(both.slice(0, 0)).schema == JUDGED


def test_unknown_target_language_is_only_held_against_the_source() -> None:
    kamba = ("Describe the weather.", "Eleesya nzeve ĩla yĩ ĩĩma-nĩ na mũvaka wa kĩla mũthenya.")
    judge = Judge(rules=Rules(length_ratio=(0.1, 9)))
    rows = pa.Table.from_pylist(
        [
            {**row, "target": "kam_Latn"}
            for row in table(
                dict.fromkeys(("instruction", "truth", "self"), kamba), {"truth": (ENGLISH, ENGLISH)}
            ).to_pylist()
        ],
        schema=TRANSLATED,
    )
    judged = JudgeStage(judge)(rows)
    assert judged["reason_truth"].to_pylist() == [None, "off_target"]
    assert judged["scores_truth"][0].as_py()["target_share"] is None


def test_thresholds_are_chosen_later(stage: JudgeStage) -> None:
    judged = stage(
        table({}, {"truth": (ENGLISH, GOOD["truth"][1], ["number_lost"])}, {"truth": (ENGLISH, "Im Winter.")})
    )
    assert reasons(fold(judged), stage.judge).equals(fold(judged))
    strict = reasons(fold(judged), Judge(rules=Rules(drop=("number_lost",), length_ratio=(0.01, 100))))
    assert strict["reason_truth"].to_pylist() == [None, "number_lost", None]
    assert strict.drop_columns([f"reason_{f}" for f in FIELDS] + ["reason"]).equals(
        fold(judged).drop_columns([f"reason_{f}" for f in FIELDS] + ["reason"])
    )
    scored = reasons(fold(judged), Judge(quality=Quality(model="none")))
    assert set(scored["reason_truth"].to_pylist()) == {"unscored", "length_ratio"}  # never a silent pass


def test_quality_runs_on_what_passed(tmp_path: Path) -> None:
    import importlib.util

    here = Path(__file__).parent / "comet"
    spec = importlib.util.spec_from_file_location("comet_models", here / "models.py")
    assert spec and spec.loader
    models = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(models)
    folder = str(models.write(tmp_path, "kiwi"))
    record = json.loads((here / "scores.json").read_text(encoding="utf-8"))["scores"]["kiwi"]
    chosen = [2, 3, 11]  # a good translation, an untranslated text, one that is too long for the encoder
    rows = table(*({"truth": tuple(models.PAIRS[i][:2]), "self": ("", None)} for i in chosen))
    judged = JudgeStage(Judge(quality=Quality(model=folder, threshold=-10)))(rows)
    scores = judged["scores_truth"].to_pylist()
    assert scores[0]["quality"] == pytest.approx(record[2], abs=1e-4)
    assert scores[1]["quality"] is None and judged["reason_truth"][1].as_py() == "off_target"
    assert "quality_partial" in scores[2]["flags"] and "quality_partial" not in scores[0]["flags"]
    assert judged["reason_truth"][0].as_py() is None
    later = reasons(fold(judged), Judge(quality=Quality(model=folder, threshold=10)))
    assert later["reason_truth"].to_pylist() == ["low_quality", "off_target", "low_quality"]

    broken = JudgeStage(Judge(quality=Quality(model=folder, threshold=-10)))
    broken.estimator = _Half(broken.estimator)
    failed = broken(rows)["reason_truth"].to_pylist()
    assert failed == ["quality_error", "off_target", None]  # a failed judge is not a low score


class _Half:
    """Stands in for a model that cannot score the first text."""

    def __init__(self, comet: Any) -> None:
        self.overlong, self._score = comet.overlong, comet.score

    def score(self, sources: list[str], hypotheses: list[str]) -> np.ndarray:
        scores = self._score(sources, hypotheses)
        scores[[i for i, text in enumerate(sources) if text.startswith("The cat sleeps")]] = np.nan
        return scores


@pytest.mark.data
@pytest.mark.parametrize("system", ["deepl", "openai"])
def test_real_translations_with_answers_equal_to_inputs(data: Path, stage: JudgeStage, system: str) -> None:
    import gzip

    rows = []
    with gzip.open(data / "alpaca_de" / f"alpaca_12k_en_de_{system}.jsonl.gz", "rt", encoding="utf-8") as file:
        for number, line in enumerate(file):
            if system == "deepl" and 540 <= number < 4420:
                continue  # here the German is that of the row 50 further down: a fault of the file
            en, de = (json.loads(line)[key] for key in ("en", "de"))
            equal = de["input"] and de["input"].strip() == de["output"].strip()
            if equal and en["input"].strip() != en["output"].strip():
                fields = (("instruction", "instruction"), ("input", "input"), ("truth", "output"))
                rows.append({f: (en[key], de[key]) for f, key in fields} | {"self": ("", None)})
    judged = stage(table(*rows))
    assert len(rows) > 100
    assert np.mean([reason is not None for reason in judged["reason"].to_pylist()]) >= 0.95
