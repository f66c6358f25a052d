"""The list of checks: each one exists, and one card is through in half an hour."""

import inspect

import pytest

from benchmarks.gpu.checks import CHECKS


def test_one_card_takes_less_than_half_an_hour():
    assert sum(check.seconds for check in CHECKS if check.gpus <= 1) < 30 * 60


def test_names_are_distinct():
    assert len({check.name for check in CHECKS}) == len({check.function for check in CHECKS}) == len(CHECKS)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_the_function_exists_and_takes_a_folder(check):
    work = check.load()
    assert len(inspect.signature(work).parameters) == 1 and work.__doc__ and check.claim


def test_settings_of_every_training_are_valid(monkeypatch, tmp_path):
    """The cases of all training checks, without a training: wrong keys or combinations would be found on the GPU."""
    from benchmarks.gpu import resume, training
    from polydistill.engine.config import validate
    from polydistill.trainer.config import Train

    seen = []

    def curves(folder, cases, common=training.COMMON):
        for name, case in cases.items():
            validate(Train, {**common, **case}, name)
            seen.append(name)
        steps = {**common}["steps"]
        return {name: [2.0 - step / steps for step in range(steps)] for name in cases}

    monkeypatch.setattr(training, "curves", curves)
    monkeypatch.setattr(resume, "curves", curves)
    for work in (training.precisions, training.attentions, training.offload, training.adapters, training.ranks):
        assert all(figure.met for figure in work(tmp_path))
    assert all(figure.met for figure in training.quantized(tmp_path))
    figures = {figure.name: figure for figure in resume.resume(tmp_path)}
    assert not figures["ranks killed"].met and figures["steps"].met
    assert {"bf16 zero3", "fp16", "all", "dora", "4 bits", "zero1", "broken", "lora and new tokens"} <= set(seen)


def test_the_stream_s_configuration_is_valid(tmp_path):
    from pathlib import Path

    from benchmarks.gpu import stream
    from polydistill import configs
    from polydistill.run_config import load_run

    (tmp_path / "out/tinyworld/models/student").mkdir(parents=True)
    demo = Path(configs.__file__).parent / "runs/demo.yaml"
    config = load_run(demo, stream._changes(tmp_path), folder=str(tmp_path))
    assert config.work.generate.actors == stream.ENGINES and config.work.judge.actors == 1
    assert config.student.model == str(tmp_path / "out/tinyworld/models/student")
    assert config.output == str(tmp_path / "run")
