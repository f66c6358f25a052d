from pathlib import Path

import pytest

from polydistill.engine.errors import UserError
from polydistill.engine.mixing.recipe import RECIPES, load_recipe, names


def test_every_recipe_opens_with_what_it_is_and_how_to_run_it() -> None:
    assert len(names()) >= 15
    for name in names():
        text = (RECIPES / f"{name}.yaml").read_text(encoding="utf-8")
        comment = [line for line in text.splitlines() if line.startswith("#")]
        assert f"polydistill mix RUN --recipe {name}" in comment[-1]
        assert "arXiv" in " ".join(comment)
        assert load_recipe(name).name == name


def test_sdrrl_is_the_papers() -> None:
    recipe = load_recipe("sdrrl")
    assert recipe.answers.truth == 0.5 and recipe.objective == "subset_mean"
    assert {name: recipe.probability(subset) for name, subset in recipe.subsets.items()} == dict.fromkeys(
        recipe.subsets, 0.15
    )
    assert recipe.subsets["LL"].source_only and not recipe.subsets["LT"].source_only


def test_one_line_makes_an_ablation(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("extends: sdrrl\nsubsets: {comp: null, TT: {weight: 2}}\n")
    mine = load_recipe(tmp_path / "mine.yaml", ["code_switch.questions=0.3"])
    assert mine.name == "mine" and list(mine.subsets) == ["LL", "TL", "LT", "TT", "mt"]
    assert mine.subsets["TT"].weight == 2 and mine.subsets["TT"].question == "target"
    assert mine.probability(mine.subsets["TT"]) == 0.3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("subsets: {A: {question: source}}", "say `question` and `answer`"),
        ("subsets: {A: {question: source, answers: source}}", "A.answers"),
        ("subsets: {}", "at least one subset"),
        ("subsets: {A: {task: translate, question: source}}", "takes no question"),
        ("subsets: {A: {task: translate, templates: 'to {tongue}'}}", "no other fields"),
        ("subsets: {A: {question: source, answer: target, part: x}}", "part 'x'"),
        ("parts: {x: 0.5}\nsubsets: {A: {question: source, answer: target, part: x}}", "add up to 1"),
        ("objektive: token_mean\nsubsets: {A: {question: source, answer: target}}", "did you mean 'objective'"),
        ("answers: {truth: 0}\nsubsets: {A: {question: source, answer: target}}", "add up to 1"),
        ("extends: loop.yaml", "circle"),
        ("extends: ../recipes/sdrrl", "no recipe"),
        (f"extends: {'x' * 5000}", "no recipe 'x{60}'"),
        (f"extends: {'x' * 5000}.yaml", "cannot be read .File name too long"),
        ('extends: "x\\0.yaml"', "cannot be read .embedded null byte"),
        ("extends: sdrrl\nsubsets: {Comp: null}", "no subset Comp to remove.*did you mean comp"),
        ("subsets: {A: {question: source, answer: target}, B: null}", "no subset B to remove"),
        ("answers: {truth: 1, self: 1}\nsubsets: {A: {question: source, answer: target}}", "add up to 1, not 2"),
        ("format: 'Q: {question}'\nsubsets: {A: {question: source, answer: target}}", "fields {instruction} and"),
        ("name: ../../x\nsubsets: {A: {question: source, answer: target}}", "cannot be a file's name"),
        ("subsets: {a/b: {question: source, answer: target}}", "cannot be a file's name"),
    ],
)
def test_mistakes_are_explained(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "loop.yaml").write_text(text)
    with pytest.raises(UserError, match=message):
        load_recipe(tmp_path / "loop.yaml")


def test_unknown_recipe() -> None:
    with pytest.raises(UserError, match="did you mean 'sdrrl'"):
        load_recipe("sdrll")


def test_a_coin_replaces_the_one_it_extends(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("extends: sdrrl\nanswers: {self: 1}\n")
    mine = load_recipe(tmp_path / "mine.yaml")
    assert (mine.answers.truth, mine.answers.self) == (0, 1)
    with pytest.raises(UserError, match=r"answers: truth and self must add up to 1, not 1\.5"):
        load_recipe("sdrrl", ["answers.self=1"])


def test_a_removed_subset_must_exist() -> None:
    with pytest.raises(UserError, match=r"--set subsets.TX=null: there is no subset TX to remove \(there are: LL,"):
        load_recipe("sdrrl", ["subsets.TX=null"])
    assert "TT" not in load_recipe("sdrrl", ["subsets.TT=null", "subsets.comp=null"]).subsets
