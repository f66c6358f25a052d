from typing import Any

import pytest

from polydistill.engine.config import Synthesis, validate
from polydistill.engine.errors import UserError
from polydistill.engine.storage import run_fingerprint
from polydistill.engine.storage.shards import Folder


def config(tmp_path, **changes) -> Synthesis:
    data = {"output": str(tmp_path), "targets": ["de"], "prompts": {"path": "a.json"}, "translate": {"model": "m"}}
    return validate(Synthesis, data | changes, "test")


def test_the_same_configuration_may_go_on(tmp_path):
    folder = Folder.of(tmp_path)
    first = run_fingerprint.bind(folder, values(config(tmp_path)))
    run_fingerprint.compare(folder, values(config(tmp_path)))
    assert run_fingerprint.bind(folder, values(config(tmp_path))) == first


def values(made: Synthesis, prompts: str = "0123456789abcdef") -> dict[str, Any]:
    return run_fingerprint.decisive(made, prompts)


@pytest.mark.parametrize(
    "change",
    [
        {"targets": ["de", "ja"]},
        {"work": {"retries": 5, "translate": {"actors": 3}}},
        {"translate": {"model": "m", "batch_tokens": 512, "threads": 2}},
        {"output": "elsewhere"},
    ],
)
def test_run_time_knobs_may_change(tmp_path, change):
    folder = Folder.of(tmp_path)
    digest = run_fingerprint.bind(folder, values(config(tmp_path)))
    changed = values(config(tmp_path, **change))
    run_fingerprint.compare(folder, changed)
    assert run_fingerprint.bind(folder, changed) == digest


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"translate": {"model": "m", "beam": 1}}, "translate.beam"),
        ({"judge": {"rules": {"repetition": 0.2}}}, "judge.rules.repetition"),
        ({"work": {"unit_rows": 7}}, "work.unit_rows"),
        ({"student": {"model": "s"}}, "student.model"),
    ],
)
def test_what_changes_rows_is_refused_by_name(tmp_path, change, field):
    folder = Folder.of(tmp_path)
    run_fingerprint.bind(folder, values(config(tmp_path)))
    with pytest.raises(UserError, match=rf"{field}: was .*, now "):
        run_fingerprint.compare(folder, values(config(tmp_path, **change)))


@pytest.mark.parametrize("text", ["[]", "null", "{", "", "{}", "flip"])
def test_a_damaged_file_binds_to_nothing_and_is_made_anew(tmp_path, text, capsys):
    folder, mine = Folder.of(tmp_path), values(config(tmp_path))
    run_fingerprint.bind(folder, mine)
    whole = folder.read("fingerprint.json")
    altered = whole.replace(b'"translate.beam": 4', b'"translate.beam": 6') if text == "flip" else text.encode()
    assert altered != whole
    folder.write("fingerprint.json", altered)
    assert run_fingerprint.bound(folder) == {}
    run_fingerprint.compare(folder, mine)
    assert "fingerprint.json: damaged" in capsys.readouterr().err
    run_fingerprint.bind(folder, mine)
    assert folder.read("fingerprint.json") == whole and run_fingerprint.bound(folder) == mine


def test_moved_inputs_are_the_same_and_other_content_is_not(tmp_path):
    for name, content in (("here", b"w"), ("there", b"w"), ("other", b"x")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.safetensors").write_bytes(content)
    made = {
        name: values(config(tmp_path, translate={"model": str(tmp_path / name)})) for name in ("here", "there", "other")
    }
    assert made["here"] == made["there"] and made["here"] != made["other"]
    assert str(tmp_path) not in str(made)
    assert values(config(tmp_path), "0" * 16) != values(config(tmp_path), "1" * 16)


def test_the_seed_counts_only_where_something_is_drawn(tmp_path):
    assert values(config(tmp_path, seed=1)) == values(config(tmp_path))
    student = {"student": {"model": "s"}}
    assert values(config(tmp_path, seed=1, **student)) != values(config(tmp_path, **student))
