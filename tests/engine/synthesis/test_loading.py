"""How many models are loaded, from Ray's table of actors."""

import pytest
import ray

from polydistill.engine.synthesis import actors, answer_actors
from polydistill.engine.synthesis.loading import _CLASSES, ready


def test_nothing_is_known_where_ray_does_not_answer() -> None:
    assert not ray.is_initialized()
    assert ready(["generate", "judge"]) == {}


def test_the_classes_are_ours() -> None:
    """The engine's class is checked in tests/test_private_interfaces.py."""
    for name in {name for names in _CLASSES.values() for name in names} - {"vLLMEngineStageUDF"}:
        assert any(isinstance(getattr(module, name, None), type) for module in (actors, answer_actors)), name


def test_actors_count_for_their_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["TranslateActor", "TranslateActor", "vLLMEngineStageUDF", "PromptActor"]
    table = {str(number): {"ActorClassName": f"MapWorker(MapBatches({name}))"} for number, name in enumerate(names)}
    monkeypatch.setattr("ray._private.state.actors", lambda **_: table)
    monkeypatch.setattr("ray.is_initialized", lambda: True)
    monkeypatch.setattr("ray.get_runtime_context", lambda: type("", (), {"get_job_id": lambda _: "01000000"})())
    assert ready(["generate", "translate", "judge"]) == {"generate": 1, "translate": 2, "judge": 0}
