import json

import pytest

from polydistill.engine.config import Synthesis, validate
from polydistill.engine.errors import UserError
from polydistill.engine.planning.costs import Cost, Texts
from polydistill.engine.planning.plan import layout, plan, size
from polydistill.engine.planning.workload import Cluster, Workload, workload
from polydistill.engine.synthesis.placement import Demands


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
    pools = size(config(tmp_path).work, cluster, COSTS, load, tuple(COSTS), Demands()).pools
    assert sum(pool.actors * pool.gpus for pool in pools.values()) <= 32
    # Prompts/s: 10, 2 and 10 for a whole GPU, so translation gets about five times as many GPUs.
    rates = [pools[n].actors * pools[n].gpus * r for n, r in (("generate", 10), ("translate", 2), ("judge", 10))]
    assert max(rates) / min(rates) < 1.7
    stages, capacities = layout(
        size(config(tmp_path).work, cluster, COSTS, load, tuple(COSTS), Demands()), cluster, COSTS, load
    )
    shares = [0.0] * len(capacities)
    for stage in stages:
        for device in stage.devices:
            shares[device] += pools[stage.name].gpus
    assert max(shares) <= 1


def test_a_plan_adds_up(tmp_path):
    load = Workload(100_000, 10, 100, Texts(100, 200))
    cluster = Cluster(nodes=4, gpus=8, cpus=64, memory=512)
    found = plan(config(tmp_path), cluster, COSTS, load)
    assert found.pool_rows == 1_000_000 and found.units == 1000
    # 0.1 + 10 * (0.05 + 0.01) GPU-seconds a prompt on 32 GPUs is what no arrangement can beat.
    least = 100_000 * 0.7 / 32
    assert least < found.seconds < 1.35 * least
    assert found.stages[found.bottleneck].busy > 0.9
    twice = plan(config(tmp_path), Cluster(8, 8, 64, 512), COSTS, load)
    assert twice.seconds == pytest.approx(found.seconds / 2, rel=0.15)


def test_on_cpus_stages_share_the_cores(tmp_path):
    costs = {"translate": Cost(0.02, False, demand=1, start=0), "judge": Cost(0.01, False, demand=1, start=0)}
    work = {"translate": {"actors": 3, "cpus": 0.1}, "judge": {"actors": 2, "cpus": 0.1}}
    load = Workload(1000, 2, 10, Texts(100, 200))
    found = plan(config(tmp_path, student=None, work=work), Cluster(1, 0, 2, 8), costs, load)
    assert found.seconds == pytest.approx(2000 * 0.03 / 2, rel=0.05)


def test_too_many_languages_in_a_unit_and_too_few_units_are_said(tmp_path):
    cluster = Cluster(nodes=1, gpus=8, cpus=64, memory=16)
    big = plan(config(tmp_path), cluster, COSTS, Workload(1_000_000, 200, 8192, Texts(1000, 3000)))
    assert any("set work.unit_rows to" in warning for warning in big.warnings)
    few = plan(config(tmp_path), Cluster(8, 8, 64, 512), COSTS, Workload(1000, 2, 512, Texts(100, 200)))
    assert any("too few units" in warning for warning in few.warnings)


def test_without_files_where_prompts_and_lengths_are_given(tmp_path):
    absent = config(tmp_path, prompts={"path": str(tmp_path / "nothing.json")})
    load = workload(absent, prompts=1000, chars=(80, 200))
    assert (load.prompts, load.texts) == (1000, Texts(80, 200))
    with pytest.raises(UserError, match=r"nothing\.json"):
        workload(absent, prompts=1000)


def test_a_share_of_a_gpu_slows_nobody_who_is_alone_there(tmp_path):
    """Ray's fraction says who shares a card. With idle neighbors, a quarter of a card is a card."""
    load = Workload(5_000, 1, 50, Texts(100, 200))
    idle = {"generate": Cost(1e-6, True, start=0), "translate": Cost(0.05, True, start=0)}
    idle["judge"] = Cost(1e-6, True, start=0)
    work = {"generate": {"actors": 1, "gpus": 0.5}, "judge": {"actors": 1, "gpus": 0.25}}
    found = plan(
        config(tmp_path, work=work | {"translate": {"actors": 1, "gpus": 0.25}}), Cluster(1, 1, 32, 64), idle, load
    )
    assert found.seconds == pytest.approx(5_000 * 0.05, rel=0.06)
    busy = {name: Cost(0.05, True, start=0) for name in idle}
    shared = plan(
        config(tmp_path, work=work | {"translate": {"actors": 1, "gpus": 0.25}}), Cluster(1, 1, 32, 64), busy, load
    )
    assert shared.seconds == pytest.approx(3 * 5_000 * 0.05, rel=0.05)  # three busy ones have one card


def test_an_engine_over_several_gpus_counts_as_many(tmp_path):
    load = Workload(10_000, 1, 50, Texts(100, 200))
    one = Cluster(1, 8, 64, 512)
    base = {"generate": Cost(0.4, True, start=0)} | {n: COSTS[n] for n in ("translate", "judge")}
    student = {"model": "Llama-2-70b-hf", "engine": {"tensor_parallel_size": 4}}
    found = plan(config(tmp_path, student=student), one, base, load)
    engine = found.stages["generate"]
    assert engine.rows_per_second == pytest.approx(4 * engine.actors / 0.4)
    taken = 4 * engine.actors * engine.gpus + sum(
        found.stages[n].actors * found.stages[n].gpus for n in COSTS if n != "generate"
    )
    assert taken <= 8


def test_rates_of_another_kind_of_device_are_refused(tmp_path):
    load = Workload(1000, 2, 10, Texts(100, 200))
    with pytest.raises(UserError, match="generate: its rate is that of a GPU, and here it gets processors"):
        plan(config(tmp_path), Cluster(1, 0, 8, 64), COSTS, load)
