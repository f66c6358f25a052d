import json

import pytest

from polydistill.engine.config import Synthesis, validate
from polydistill.engine.errors import UserError
from polydistill.engine.planning.costs import Cost, Texts, measured, parameters, published
from polydistill.engine.planning.plan import Cluster, Workload, layout, plan, size, workload
from polydistill.engine.storage.shards import Folder
from polydistill.engine.synthesis.summary import StageFigures, StageRecord, SynthesisRecord, write_summary


def config(tmp_path, **changes):
    rows = [{"instruction": "x" * 40, "input": "", "output": "y" * 60}] * 3 + [
        {"instruction": "z" * 20, "output": "y" * 20}
    ]
    (tmp_path / "p.json").write_text(json.dumps(rows))
    base = {"output": str(tmp_path / "out"), "targets": ["de", "id"], "prompts": {"path": str(tmp_path / "p.json")}}
    base |= {"student": {"model": "meta-llama/Llama-2-7b-hf"}, "judge": {"quality": {"model": "kiwi"}}}
    return validate(Synthesis, base | {"translate": {"model": "facebook/nllb-200-3.3B"}} | changes, "test")


COSTS = {
    "generate": Cost(0.1, True, start=0),
    "translate": Cost(0.05, True, start=0),
    "judge": Cost(0.01, True, start=0),
}


def test_workload_counts_and_measures_the_prompts(tmp_path):
    load = workload(config(tmp_path))
    assert (load.prompts, load.languages, load.units, load.pool_rows) == (4, 2, 1, 8)
    assert load.texts == Texts(35, 50)
    assert workload(config(tmp_path), prompts=1000).units == 2
    limited = config(tmp_path, prompts={"path": str(tmp_path / "p.json"), "limit": 3})
    assert workload(limited).prompts == 3 and workload(limited).texts == Texts(40, 60)


def test_pools_are_balanced_behind_the_fan_out(tmp_path):
    load = Workload(100_000, 10, 100, Texts(100, 200))
    cluster = Cluster(nodes=4, gpus=8, cpus=64, memory=512)
    pools = size(config(tmp_path).work, cluster, COSTS, load, tuple(COSTS)).pools
    assert sum(pool.actors * pool.gpus for pool in pools.values()) <= 32
    # Prompts/s: 10, 2 and 10 for a whole GPU, so translation gets about five times as many GPUs.
    rates = [pools[n].actors * pools[n].gpus * r for n, r in (("generate", 10), ("translate", 2), ("judge", 10))]
    assert max(rates) / min(rates) < 1.7
    stages, capacities = layout(size(config(tmp_path).work, cluster, COSTS, load, tuple(COSTS)), cluster, COSTS, load)
    shares = [0.0] * len(capacities)
    for stage in stages:
        for device in stage.devices:
            shares[device] += pools[stage.name].gpus
    assert max(shares) <= 1


def test_a_plan_adds_up(tmp_path):
    load = Workload(100_000, 10, 100, Texts(100, 200))
    cluster = Cluster(nodes=4, gpus=8, cpus=64, memory=512)
    found = plan(config(tmp_path), cluster, COSTS, load)
    assert found["pool_rows"] == 1_000_000 and found["units"] == 1000
    assert found["gpu_hours"] == pytest.approx(found["seconds"] / 3600 * 32)
    # 0.1 + 10 * (0.05 + 0.01) GPU-seconds a prompt on 32 GPUs is what no arrangement can beat.
    least = 100_000 * 0.7 / 32
    assert least < found["seconds"] < 1.35 * least
    assert found["stages"][found["bottleneck"]]["busy"] > 0.9
    twice = plan(config(tmp_path), Cluster(8, 8, 64, 512), COSTS, load)
    assert twice["seconds"] == pytest.approx(found["seconds"] / 2, rel=0.15)


def test_on_cpus_stages_share_the_cores(tmp_path):
    costs = {"translate": Cost(0.02, False, demand=1, start=0), "judge": Cost(0.01, False, demand=1, start=0)}
    work = {"translate": {"actors": 3, "cpus": 0.1}, "judge": {"actors": 2, "cpus": 0.1}}
    load = Workload(1000, 2, 10, Texts(100, 200))
    found = plan(config(tmp_path, student=None, work=work), Cluster(1, 0, 2, 8), costs, load)
    assert found["seconds"] == pytest.approx(2000 * 0.03 / 2, rel=0.05) and found["gpu_hours"] == 0


def test_too_many_languages_in_a_unit_and_too_few_units_are_said(tmp_path):
    cluster = Cluster(nodes=1, gpus=8, cpus=64, memory=16)
    big = plan(config(tmp_path), cluster, COSTS, Workload(1_000_000, 200, 8192, Texts(1000, 3000)))
    assert any("set work.unit_rows to" in warning for warning in big["warnings"])
    few = plan(config(tmp_path), Cluster(8, 8, 64, 512), COSTS, Workload(1000, 2, 512, Texts(100, 200)))
    assert any("only 2 units for 8 nodes" in warning for warning in few["warnings"])


def test_published_rates_follow_model_gpu_and_settings(tmp_path):
    texts = Texts(120, 200)
    base = published(config(tmp_path), texts, "h100")
    assert base["generate"].seconds == pytest.approx(50 / 6774, rel=0.01)  # between 4B and 8.2B
    assert published(config(tmp_path), texts, "h200")["translate"].seconds < base["translate"].seconds
    greedy = config(tmp_path, translate={"model": "nllb-200-3.3B", "beam": 1})
    assert published(greedy, texts, "h100")["translate"].seconds == pytest.approx(base["translate"].seconds / 4)
    large = config(tmp_path, student={"model": "Llama-2-70b-hf"})
    assert published(large, texts, "h100")["generate"].seconds > 8 * base["generate"].seconds
    assert not published(config(tmp_path, judge={}), texts, "h100")["judge"].gpu
    with pytest.raises(UserError, match="--gpu tpu"):
        published(config(tmp_path), texts, "tpu")


@pytest.mark.parametrize(
    ("name", "billions"), [("facebook/nllb-200-distilled-600M", 0.6), ("Qwen/Qwen3-8B", 8), ("nllb-200-3.3B", 3.3)]
)
def test_sizes_from_names(name, billions):
    assert parameters(name) == billions


def test_a_name_without_a_size():
    with pytest.raises(UserError, match="my-model: its name does not tell its size"):
        parameters("org/my-model")


def stage(actors=1, gpus=0.0, **figures):
    base = {"units": 10, "rows": 1000, "seconds": 50.0, "cpu_seconds": 50.0, "first": 5.0, "last": 60.0}
    return StageRecord(StageFigures(**base | figures), actors, 1.0, gpus)


def test_measured_rates(tmp_path):
    place = Folder.of(tmp_path)
    with pytest.raises(UserError, match="no figures"):
        measured(place)
    stages = {
        "generate": stage(seconds=300.0, cpu_seconds=0.0, tokens=9000, first=20.0, last=120.0),
        "translate": stage(rows=3000, cpu_seconds=90.0),
        "judge": stage(rows=3000, seconds=30.0, cpu_seconds=1.0, gpus=0.5, actors=2),
    }
    curve = [(30.0, 10), (124.0, 3000)]
    write_summary(place, SynthesisRecord("f", 1000, ["deu_Latn"], curve=curve, stages=stages))
    costs = measured(place)
    assert costs["generate"].seconds == pytest.approx(0.1) and costs["generate"].alone
    assert costs["translate"].seconds == pytest.approx(0.03) and costs["translate"].demand == pytest.approx(1.8)
    assert costs["translate"].latency == pytest.approx(0.5) and costs["translate"].start == 9
    assert costs["judge"].seconds == pytest.approx(0.005) and costs["judge"].gpu and costs["judge"].demand == 0.5
    few = stages | {"judge": stage(units=2)}
    write_summary(place, SynthesisRecord("f", 1000, ["deu_Latn"], stages=few))
    with pytest.raises(UserError, match="at least three units"):
        measured(place)
