import pytest

from polydistill.engine.config import validate
from polydistill.engine.planning.costs import Texts
from polydistill.engine.planning.workload import Cluster, Workload
from polydistill.planning import training
from polydistill.planning.shapes import student_shape
from polydistill.run_config import RunConfig

LOAD = Workload(1000, 3, 100, Texts(80, 200))


def run(recipe="t_sft", train=None, **changes):
    base = {"output": "out", "targets": ["de", "id", "ja"], "prompts": {"path": "p.json"}, "recipe": recipe}
    base |= {"student": {"model": "x-7b"}, "translate": {"model": "y-1b"}}
    base |= {"train": {"epochs": 2, "packs": 4, "max_tokens": 512} | (train or {})}
    return validate(RunConfig, base | changes, "test")


def test_samples_of_the_recipes():
    assert training.lessons(run("t_sft"), LOAD).samples == 1000 + 3000  # source once, each target once
    assert training.lessons(run("cit"), LOAD).samples == pytest.approx(1000 / 4 + 3 * 3000 / 4)
    parallel = {"path": "parallel", "rows": 50}
    work = training.lessons(run("sdrrl", parallel=parallel), LOAD)
    assert work.samples == 1000 + 3 * 3000 + 2 * 150 + 150
    assert not work.left_out
    unknown = training.lessons(run("sdrrl", parallel={"path": "parallel", "rows": None}), LOAD)
    assert unknown.samples == 10_000 and len(unknown.left_out) == 2


def test_only_kept_rows_are_learned():
    assert training.lessons(run("t_sft"), LOAD, kept=0.5).samples == 1000 + 1500


def test_steps():
    work = training.lessons(run(), LOAD)
    assert work.steps == pytest.approx(2 * work.tokens / (4 * 512), abs=1)
    assert work.trained == pytest.approx(2 * work.tokens)
    fixed = training.lessons(run(train={"steps": 10}), LOAD)
    assert fixed.steps == 10 and fixed.trained == 10 * 4 * 512


def test_time_follows_gpus_offload_and_recomputation():
    one = Cluster(1, 8, 64, 512)

    def time(cluster=one, gpu="h100", **train):
        config = run(train=train)
        shape, _ = student_shape(config.student, config.train)
        work = training.lessons(config, LOAD)
        return training.seconds(shape, config, work, cluster, gpu, None)[0] - training.START

    assert time(workers=8) == pytest.approx(time() / 8)
    assert time(workers=32) == pytest.approx(time(workers=8))  # there are no more GPUs
    assert time(gpu="a100") == pytest.approx(time() * 989 / 312)
    assert time(activation_checkpointing=True) == pytest.approx(time() * 4 / 3)
    assert time(deepspeed="zero2", offload="optimizer") > time()
    assert time(Cluster(1, 0, 8, 64)) > 1000 * time()
    work = training.lessons(run(), LOAD)
    # Six operations a parameter and token, at 0.4 of the peak.
    assert time() == pytest.approx(6 * 7e9 * work.trained / (0.4 * 989e12))


def test_checkpoints_on_disk():
    config = run(train={"keep": 2, "validation": 0.1})
    shape, _ = student_shape(config.student, config.train)
    found = training.disk(shape, config.train, training.lessons(config, LOAD), half=True)
    assert found["model"] == 14e9
    assert found["4 checkpoints"] == 4 * 14 * 7e9  # two kept, the best, and the one that is written
    small = run(train={"lora": {"rank": 8, "merge": False}})
    shape, _ = student_shape(small.student, small.train)
    assert sum(training.disk(shape, small.train, training.lessons(small, LOAD), True).values()) < 2e9
