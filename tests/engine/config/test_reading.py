"""YAML to sections: overrides, and every problem at once."""

import pytest

from polydistill.engine.config import Synthesis, Translate, dump, load, validate
from polydistill.engine.errors import UserError

MINIMAL = {
    "output": "out",
    "targets": ["de", "Japanese"],
    "prompts": {"path": "a.json"},
    "translate": {"model": "nllb"},
}


def test_every_problem_is_told_at_once_with_its_key_and_the_nearest_known_one():
    bad = MINIMAL | {"translate": {"model": "x", "beem": 4}, "judge": {"language_score": 2}, "targets": ["klingon"]}
    with pytest.raises(UserError) as error:
        validate(Synthesis, bad, "run.yaml")
    text = str(error.value)
    assert text.startswith("run.yaml:")
    assert "translate.beem: unknown key; did you mean 'beam'?" in text
    assert "judge.language_score:" in text and "less than or equal to 1 (found 2)" in text
    assert "targets.0: unknown language 'klingon'" in text


def test_file_with_overrides(tmp_path):
    path = tmp_path / "run.yaml"
    path.write_text("output: out\ntargets: [deu_Latn]\nprompts: {path: a.json}\ntranslate: {model: nllb, beam: 2}\n")
    run = load(
        Synthesis, path, ["translate.beam=1", "judge.quality.model=kiwi", "targets=[id, ja]", "judge.language_id=x=y"]
    )
    assert run.translate.beam == 1 and run.targets == ["ind_Latn", "jpn_Jpan"]
    assert run.judge.quality is not None and run.judge.quality.model == "kiwi"
    assert run.judge.language_id == "x=y"


@pytest.mark.parametrize(
    ("content", "overrides", "message"),
    [
        ("a: [1", [], "not valid YAML"),
        ("- a", [], "expected keys and values, found list"),
        ("model: x", ["beam"], r"--set beam: expected key=value"),
        ("model: x", ["model.beam=1"], r"'model' is a value, not a section"),
    ],
)
def test_unusable_files_and_overrides(content, overrides, message, tmp_path):
    (tmp_path / "a.yaml").write_text(content)
    with pytest.raises(UserError, match=message):
        load(Translate, tmp_path / "a.yaml", overrides)


def test_missing_file():
    with pytest.raises(UserError, match=r"nowhere\.yaml: cannot be read \(No such file"):
        load(Translate, "nowhere.yaml")


def test_yaml_cannot_make_objects(tmp_path):
    (tmp_path / "a.yaml").write_text("model: !!python/object/apply:os.getcwd []")
    with pytest.raises(UserError, match="not valid YAML"):
        load(Translate, tmp_path / "a.yaml")


def test_dump_is_plain_and_reads_back():
    run = validate(Synthesis, MINIMAL, "test")
    assert validate(Synthesis, dump(run), "again") == run
