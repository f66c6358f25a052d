"""Metrics against the tools they claim to equal."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from polydistill.eval.scoring.metrics import bleu, chrf, comet, mean, off_target, rouge
from polydistill.eval.scoring.sacrebleu_tokenizers import tokenizer_of

HYPOTHESES = ["Der Hund bellt laut .", "Ein Haus", "", "Das ist ein sehr langer Satz über nichts."]
REFERENCES = ["Der Hund bellt .", "Ein großes Haus steht hier", "Etwas", "Das ist ein langer Satz über gar nichts."]
JAPANESE = ["東京は日本の首都です。", "猫が好きです。"]
JAPANESE_REFERENCES = ["東京は日本の首都である。", "私は猫が好きです。"]
IDS = ["0", "1", "2", "3"]


def sacrebleu_cli(tmp_path: Path, hypotheses: list[str], references: list[str], *options: str) -> dict:
    (tmp_path / "hyp").write_text("\n".join(hypotheses) + "\n", encoding="utf-8")
    (tmp_path / "ref").write_text("\n".join(references) + "\n", encoding="utf-8")
    command = [sys.executable, "-m", "sacrebleu", tmp_path / "ref", "-i", tmp_path / "hyp", "-w", "6", *options]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def test_bleu_equals_sacrebleus_command(tmp_path: Path) -> None:
    found = bleu(IDS, HYPOTHESES, REFERENCES, "13a")
    official = sacrebleu_cli(tmp_path, HYPOTHESES, REFERENCES, "-m", "bleu", "-tok", "13a")
    assert found.value == pytest.approx(official["score"], abs=1e-5)
    for part in official["signature"].split("|"):
        assert part in found.signature.split("|")


def test_bleu_of_japanese_by_character_equals_sacrebleus_command(tmp_path: Path) -> None:
    found = bleu(IDS[:2], JAPANESE, JAPANESE_REFERENCES, tokenizer_of("language", "jpn_Jpan"))
    official = sacrebleu_cli(tmp_path, JAPANESE, JAPANESE_REFERENCES, "-m", "bleu", "-tok", "char")
    assert found.value == pytest.approx(official["score"], abs=1e-5)


def test_chrf_equals_sacrebleus_command(tmp_path: Path) -> None:
    found = chrf(IDS, HYPOTHESES, REFERENCES)
    official = sacrebleu_cli(tmp_path, HYPOTHESES, REFERENCES, "-m", "chrf", "--chrf-word-order", "2")
    assert found.value == pytest.approx(official["score"], abs=1e-5)
    assert "nw:2" in found.signature


def test_the_statistics_of_a_part_give_the_score_of_that_part() -> None:
    whole = bleu(IDS, HYPOTHESES, REFERENCES, "13a")
    part = bleu(IDS[:2], HYPOTHESES[:2], REFERENCES[:2], "13a")
    assert whole.reduce(whole.stats[:2].sum(0, keepdims=True))[0] == pytest.approx(part.value)


def test_empty_sets_have_no_value() -> None:
    assert np.isnan(bleu([], [], [], "13a").value)
    assert np.isnan(mean("f1", [], []).value)


def test_unscored_rows_are_left_out_of_comet() -> None:
    found = comet(["a", "b", "c"], np.array([0.8, np.nan, 0.6], np.float32), "m")
    assert found.ids == ["a", "c"]
    assert found.value == pytest.approx(70)
    assert "n:2" in found.signature


def test_off_target_counts_other_languages_and_empty_answers() -> None:
    found = off_target(
        IDS, ["ja", "nein", " ", "oui"], ["deu_Latn", "gsw_Latn", "deu_Latn", None], {"deu_Latn"}, "deu_Latn", "m"
    )
    assert found.rows.tolist() == [0, 100, 100, 100]
    assert not found.higher_is_better


@pytest.mark.parametrize(
    "text", ["東京は日本の首都です。", "ประเทศไทยสวยงามมาก", "Москва — столица России.", "北京是中国的首都"]
)
def test_rouge_of_a_text_with_itself_is_100_in_any_script(text: str) -> None:
    language = {"東": "jpn_Jpan", "ป": "tha_Thai", "М": "rus_Cyrl", "北": "zho_Hans"}[text[0]]
    assert [found.value for found in rouge(["0"], [text], [text], language)] == [100, 100, 100]


def test_rouge_of_words_by_hand() -> None:
    # 4 words against 3, of which 3 in common and in order; bigrams: 1 of 3 against 2.
    one, two, longest = rouge(["0"], ["der große Hund bellt"], ["der Hund bellt"], "deu_Latn")
    assert one.value == pytest.approx(100 * 6 / 7)
    assert two.value == pytest.approx(100 * 2 / 5)
    assert longest.value == pytest.approx(100 * 6 / 7)
