"""`polydistill check` on translators of the real architectures."""

import pytest

from polydistill.checks.models import translator
from polydistill.run_config import RunConfig


def problems(model, targets):
    sections = {"output": "out", "prompts": {"path": "p.json"}, "translate": {"model": str(model)}, "targets": targets}
    return [f"{problem}" for problem in translator(RunConfig.model_validate(sections))]


@pytest.mark.parametrize(
    ("family", "known", "unknown"), [("m2m100", "de", "bod_Tibt"), ("madlad", "de", "fr"), ("marian", "id", "fr")]
)
def test_languages_of_each_family(save_family, family, known, unknown):
    model = save_family(family)
    assert problems(model, [known]) == []
    (problem,) = problems(model, [known, unknown])
    assert problem.startswith("targets: the translation model has no token for")


def test_a_damaged_configuration(nllb, tmp_path):
    (tmp_path / "config.json").write_text("[]")
    (problem,) = problems(tmp_path, ["de"])
    assert problem.startswith(f"translate.model: {tmp_path}/config.json: not a model's configuration")
    assert problems(nllb, ["de", "id", "ja"]) == []
