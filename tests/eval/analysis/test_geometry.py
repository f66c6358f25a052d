import numpy as np
import pytest

from polydistill.eval.analysis.geometry import measure, retrieval, tsne
from polydistill.eval.config import Eval, Geometry

GENERATOR = np.random.default_rng(0)
SOURCE = GENERATOR.standard_normal((50, 16))


def test_translations_at_the_same_place_are_found() -> None:
    assert retrieval(SOURCE, 3 * SOURCE) == (100, 1)


def test_vectors_without_relation_are_at_chance() -> None:
    accuracy, rank = retrieval(SOURCE, GENERATOR.standard_normal((50, 16)))
    assert accuracy <= 10 and 18 <= rank <= 33


def test_vectors_that_are_all_alike_find_nothing() -> None:
    assert retrieval(np.ones((50, 16)), np.ones((50, 16))) == (0, 50)


def test_each_sentence_is_ranked_by_its_own_translation() -> None:
    source = np.eye(3)
    # The second finds the third first and itself second.
    target = np.array([[1.0, 0, 0], [0, 0.5, 1], [0, 0, 1]])
    accuracy, rank = retrieval(source, target)
    assert accuracy == pytest.approx(200 / 3) and rank == pytest.approx(4 / 3)


def test_tsne_keeps_languages_apart_and_in_the_unit_square() -> None:
    points = tsne({"a": SOURCE, "b": SOURCE + 20}, 0)
    assert points == tsne({"a": SOURCE, "b": SOURCE + 20}, 0)
    assert all(0 <= value <= 1 for rows in points.values() for point in rows for value in point)
    first, second = np.array(points["a"]).mean(0), np.array(points["b"]).mean(0)
    assert np.linalg.norm(first - second) > 0.2


@pytest.mark.slow
def test_padding_does_not_change_a_vector(tiny) -> None:  # type: ignore[no-untyped-def]
    from polydistill.eval.analysis.geometry import sentence_vectors

    model = str(tiny / "models" / "student")
    short, long = "Where is Tirane ?", "Tell me which city the time zone of Albania is named after ."
    for pooling in ("last", "mean"):
        settings = Geometry(pooling=pooling)
        together = sentence_vectors(model, {"x": [short, long]}, settings, "cpu")["x"]
        alone = sentence_vectors(model, {"x": [short]}, settings, "cpu")["x"]
        assert np.allclose(together[:, 0], alone[:, 0], atol=1e-4)


@pytest.mark.slow
def test_a_model_is_measured(tiny) -> None:  # type: ignore[no-untyped-def]
    config = Eval(
        tasks=["flores"],
        data=str(tiny / "eval"),
        targets=["deu_Latn", "jpn_Jpan"],
        geometry=Geometry(sentences=20),
    )
    found = measure(str(tiny / "models" / "student"), config)
    assert {row.language for row in found.retrieval} == {"deu_Latn", "jpn_Jpan"}
    assert all(1 <= row.mean_rank <= 20 and 0 <= row.accuracy <= 100 for row in found.retrieval)
    assert {language: len(rows) for language, rows in found.tsne.items()} == {
        "eng_Latn": 20,
        "deu_Latn": 20,
        "jpn_Jpan": 20,
    }
