import gzip
import json
from pathlib import Path

import pytest

from polydistill.engine.config import GivenTranslations, PromptSource, Synthesis, validate
from polydistill.engine.errors import UserError
from polydistill.engine.prompts.artifact import open_prompts
from polydistill.engine.prompts.prepare import prepare
from polydistill.engine.storage.shards import Folder

EN = [{"instruction": f"Say {i}.", "input": "", "output": f"It is {i}."} for i in range(5)]
DE = [{"instruction": f"Sag {i}.", "input": "", "output": f"Es ist {i}."} for i in range(5)]


def write(path: Path, rows: list) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def run(path, out, unit_rows=2, **options):
    options["translations"] = {"de": GivenTranslations(**options.pop("de"))}
    prompts = prepare([PromptSource(path=str(path), **options)], "en", Folder.of(out), unit_rows)
    rows = [row for table in prompts.tables() for row in table.to_pylist()]
    units = range(len(prompts.record.units))
    given = [row for unit in units for row in prompts.given(unit, ["deu_Latn"])["deu_Latn"].to_pylist()]
    return prompts, rows, given


def check(rows: list, given: list) -> None:
    assert [row["instruction"] for row in rows] == [row["instruction"] for row in EN]
    assert given == [{"instruction": row["instruction"], "input": None, "truth": row["output"]} for row in DE]


def test_under_a_key_of_each_row(tmp_path):
    path = write(tmp_path / "a.jsonl", [{"en": en, "de": de, "note": "n"} for en, de in zip(EN, DE)])
    prompts, rows, given = run(path, tmp_path / "out", key="en", de={"key": "de"})
    check(rows, given)
    assert prompts.record.unused == {"a.jsonl": {"note": 5}} and prompts.record.translated == {"deu_Latn": 5}
    assert prompts.verify() == []


def test_in_columns_of_the_same_row(tmp_path):
    both = [en | {"q_de": de["instruction"], "a_de": de["output"]} for en, de in zip(EN, DE)]
    path = write(tmp_path / "a.jsonl", both)
    prompts, rows, given = run(path, tmp_path / "out", de={"columns": {"instruction": "q_de", "answer": "a_de"}})
    check(rows, given)
    assert prompts.record.unused == {}


def test_in_a_file_by_position(tmp_path):
    path, other = write(tmp_path / "a.jsonl", [*EN, EN[0]]), write(tmp_path / "de.jsonl", [*DE, DE[1]])
    check(*run(path, tmp_path / "out", de={"path": other})[1:])
    for rows, said in ((DE[:3], "has 3 rows, fewer"), ([*DE, *DE], "has 10 rows, more")):
        wrong = write(tmp_path / "wrong.jsonl", rows)
        with pytest.raises(UserError, match=rf"wrong\.jsonl: {said} than its source"):
            run(path, tmp_path / "other", de={"path": wrong})
    # The first rows of the source take the first rows of the file.
    assert len(run(path, tmp_path / "limited", limit=3, de={"path": wrong})[1]) == 3


def test_in_a_file_by_id(tmp_path):
    path = write(tmp_path / "a.jsonl", [row | {"id": f"r{i}"} for i, row in enumerate(EN)])
    turned = [row | {"id": f"r{i}"} for i, row in enumerate(DE) if i != 3][::-1]
    prompts, rows, given = run(path, tmp_path / "out", de={"path": write(tmp_path / "de.jsonl", turned)})
    assert given[3] == {"instruction": None, "input": None, "truth": None}
    check(rows, [*given[:3], {"instruction": "Sag 3.", "input": None, "truth": "Es ist 3."}, given[4]])
    assert prompts.record.translated == {"deu_Latn": 4}
    twice = write(tmp_path / "twice.jsonl", turned + turned[:1])
    with pytest.raises(UserError, match=r"twice\.jsonl: the id 'r4' is there twice"):
        run(path, tmp_path / "other", de={"path": twice})


def test_translations_that_are_not_used_are_counted_and_named(tmp_path, capsys):
    path = write(tmp_path / "a.jsonl", [row | {"id": f"r{i}"} for i, row in enumerate(EN)])
    rows = [row | {"id": f"r{i}"} for i, row in enumerate(DE)]
    rows[1]["instruction"] = ["no text"]
    rows[2]["output"] = "x" * 200
    others = [DE[0] | {"id": "r9"}, DE[0] | {"id": "r8"}, DE[0] | {"id": None}]
    other = write(tmp_path / "de.jsonl", [*rows, *others])
    prompts, _, given = run(path, tmp_path / "out", max_chars=100, de={"path": other})
    lost = {"no_id": 1, "no_row_with_this_id": 2, "too_long": 1, "wrong_type": 1}
    assert prompts.record.translations_lost == {"deu_Latn": lost}
    assert [texts["instruction"] for texts in given] == ["Sag 0.", None, None, "Sag 3.", "Sag 4."]
    said = "translations into deu_Latn: not used: no_id (1 rows), no_row_with_this_id (2 rows), too_long (1 rows)"
    assert said in capsys.readouterr().err
    assert open_prompts(Folder.of(tmp_path / "out")).record == prompts.record


def test_rows_without_their_translation_are_counted(tmp_path):
    both = [{"en": en, "de": de} for en, de in zip(EN, DE)]
    del both[1]["de"]
    both[2]["de"] = {"output": "Nur die Antwort."}
    path = write(tmp_path / "a.jsonl", both)
    prompts, _, given = run(path, tmp_path / "out", key="en", de={"key": "de"})
    assert prompts.record.translations_lost == {"deu_Latn": {"missing": 1}}
    assert given[2] == {"instruction": None, "input": None, "truth": "Nur die Antwort."}


def test_other_translations_are_other_prompts(tmp_path):
    path, other = write(tmp_path / "a.jsonl", EN), write(tmp_path / "de.jsonl", DE)
    first, _, _ = run(path, tmp_path / "out", de={"path": other})
    assert run(path, tmp_path / "out", de={"path": other})[0].record == first.record
    write(tmp_path / "de.jsonl", DE[::-1])
    with pytest.raises(UserError, match=r"translations of a\.jsonl"):
        run(path, tmp_path / "out", de={"path": other})


def test_a_run_without_translator_needs_all_translations():
    base = {"output": "o", "targets": ["de"], "prompts": {"path": "a.json"}}
    with pytest.raises(UserError, match=r"`translate` is missing, and a\.json has no translations into deu_Latn"):
        validate(Synthesis, base, "run.yaml")
    given = {"path": "a.json", "translations": {"de": {"key": "de"}}}
    assert validate(Synthesis, base | {"prompts": given}, "run.yaml").translate is None
    with pytest.raises(UserError, match="say where the translations are"):
        validate(Synthesis, base | {"prompts": {"path": "a", "translations": {"de": {}}}}, "run.yaml")


@pytest.mark.data
def test_12000_rows_that_deepl_translated(data, tmp_path):
    path = data / "alpaca_de" / "alpaca_12k_en_de_deepl.jsonl.gz"
    prompts, rows, given = run(path, tmp_path / "out", unit_rows=4000, key="en", de={"key": "de"})
    assert prompts.record.rows_read == 12_000 == len(rows) + sum(prompts.record.dropped.values())
    assert prompts.record.translated["deu_Latn"] == len(rows) == len(given)
    with gzip.open(path) as file:
        lines = [json.loads(line) for line in file]
    for row, german in list(zip(rows, given))[::997]:
        source = lines[int(row["origin"].rpartition(":")[2]) - 1]
        assert source["en"]["instruction"].strip() == row["instruction"]
        assert source["de"]["instruction"].strip() == german["instruction"]
