"""The five things that a stranger tries first in a notebook, with the names of docs/api.md alone."""

import json

import pytest

import polydistill
from polydistill.inspection.describe import describe


@pytest.fixture
def models(tiny):
    """tinyworld's three models by what they are for."""
    return {name: str((tiny / "models" / name).resolve()) for name in ("student", "nllb", "comet")}


@pytest.mark.slow
def test_synthesize_a_list_of_dicts(models, tiny, tmp_path, local_ray):
    rows = json.loads((tiny / "instructions.json").read_text())[:20]
    settings = {
        "output": str(tmp_path / "run"),
        "targets": "de",
        "translate": {"model": models["nllb"], "beam": 1, "max_output_tokens": 64},
        "judge": {"rules": {"copied": 1.0}},
    }
    run = polydistill.Run(settings, rows=rows)
    pool = run.synthesize()
    assert pool.targets == ["deu_Latn"] and pool.rows("deu_Latn") == len(rows)
    table = next(pool.tables("deu_Latn"))
    assert table["mt_instruction"].null_count == 0
    again = polydistill.Run(run.output)  # from the folder alone
    assert again.pool.rows("deu_Latn") == len(rows)


def test_translate_a_list_of_texts_with_protected_spans(models):
    made = polydistill.translate_texts(
        ["Who wrote the book ? See https://example.org/a?b=1 .", ""], "German", {"model": models["nllb"]}
    )
    assert "https://example.org/a?b=1" in made[0].text
    assert made[0].text != "Who wrote the book ? See https://example.org/a?b=1 ."
    assert made[1].text in (None, "")


def test_judge_two_lists_of_strings():
    right, copied = polydistill.judge_pairs(
        ["Where is the library?"] * 2, ["Wo ist die Bibliothek?", "Where is the library?"], "en", "de"
    )
    assert right.usable and not copied.usable


def test_pack_lengths():
    packs = polydistill.pack([5, 3, 8, 2], 10)
    assert sorted(sample for pack in range(len(packs)) for sample in packs[pack]) == [0, 1, 2, 3]
    assert len(packs) == 2


@pytest.mark.slow
def test_evaluate_a_model_on_a_file(models, tiny, tmp_path):
    student = {
        "model": models["student"],
        "prompt": "raw",
        "engine": {"max_model_len": 256, "max_num_seqs": 16, "enforce_eager": True, "dtype": "float32"},
    }
    evaluation = {
        "tasks": [{"task": "mkqa", "path": str((tiny / "eval/mkqa").resolve()), "limit": 4}],
        "targets": ["de"],
    }
    found = polydistill.evaluate({"base": models["student"]}, evaluation, student, str(tmp_path / "report"))
    assert [result.set for result in found.record.results if result.language == "deu_Latn"]
    assert found.record.models.keys() == {"base"}
    assert (tmp_path / "report/report.html").is_file()
    text = describe(str(tmp_path / "report")).text()
    assert "mkqa  deu_Latn" in text and "fingerprint" in text
