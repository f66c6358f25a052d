"""mLAMA: the objects of a relation are ranked, and relations count alike."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from polydistill.engine.errors import UserError
from polydistill.eval.question import Answer
from tests.eval.tasks.reading import jsonl, load, values


def test_mlama_ranks_the_objects_of_a_relation(tmp_path: Path) -> None:
    jsonl(
        tmp_path / "de/templates.jsonl",
        {"relation": "P36", "template": "Die Hauptstadt von [X] ist [Y] ."},
        {"relation": "P0", "template": "[X] [Y]"},
    )
    jsonl(
        tmp_path / "de/P36.jsonl",
        {"sub_label": "Japan", "obj_label": "Tokio", "lineid": 1},
        {"sub_label": "Italien", "obj_label": "Rom", "lineid": 2},
    )
    questions = load(tmp_path, task="mlama")["mlama"]
    assert questions[0].instruction == "Die Hauptstadt von Japan ist" and questions[0].choices == (" Rom .", " Tokio .")
    assert [q.right for q in questions] == [1, 0]


def test_mlama_is_a_mean_over_relations_by_tokens(tmp_path: Path) -> None:
    """Three facts of one relation right, one of another wrong: 50, not 75. The longer candidate wins per token."""
    templates = [{"relation": name, "template": "[X] ist [Y] ."} for name in ("P1", "P2")]
    jsonl(tmp_path / "de/templates.jsonl", *templates)
    jsonl(
        tmp_path / "de/P1.jsonl",
        *({"sub_label": f"s{i}", "obj_label": "ja"} for i in range(3)),
        {"sub_label": "t", "obj_label": "nein"},
    )
    jsonl(tmp_path / "de/P2.jsonl", {"sub_label": "s", "obj_label": "x"}, {"sub_label": "t", "obj_label": "y"})
    questions = load(tmp_path, task="mlama")["mlama"]
    answers = [Answer(scores=(-6.0, -4.0), lengths=(4, 2)) for _ in questions]  # per token -1.5 and -2: the first
    found = values(questions, answers, task="mlama")
    assert found == {"accuracy": pytest.approx(100 * (3 / 4 + 1 / 2) / 2), "accuracy_micro": pytest.approx(100 * 4 / 6)}


NAMES = st.text(st.sampled_from("aP1_-./\\ \0\n~é"), min_size=1, max_size=8)
ESCAPES = ["../secret", "/etc/secret", "..", ".", "a/../../secret", "de/../../secret", "x\0", "", "P1\n", "a\\b", "~/x"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A benchmark's folder, and beside it and around it files that none of its relations may reach."""
    root = tmp_path_factory.mktemp("mlama")
    fact = {"sub_label": "s", "obj_label": "stolen"}
    for place in ("", "data/", "data/de/deep/", "data/en/"):
        jsonl(root / f"{place}secret.jsonl", fact)
    return root


@example("../secret").via("the folder above")
@example("../en/secret").via("another language")
@example("deep/secret").via("a folder below")
@given(NAMES | st.sampled_from(ESCAPES))
def test_a_relation_names_a_file_in_its_folder_or_is_refused(folders: Path, name: str) -> None:
    jsonl(folders / "data/de/templates.jsonl", {"relation": name, "template": "[X] ist [Y] ."})
    with suppress(UserError):
        assert load(folders / "data", task="mlama") == {"mlama": []}
        assert (folders / "data/de" / f"{name}.jsonl").resolve().parent == (folders / "data/de").resolve()


@pytest.mark.parametrize("name", [*ESCAPES, "../en/secret", "deep/secret", "x" * 300])
def test_a_path_as_a_relation_is_refused(folders: Path, name: str) -> None:
    jsonl(folders / "data/de/templates.jsonl", {"relation": name, "template": "[X] ist [Y] ."})
    with pytest.raises(UserError, match="cannot be a file's name"):
        load(folders / "data", task="mlama")
