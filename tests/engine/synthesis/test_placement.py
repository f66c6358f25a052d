import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polydistill.engine.config import Stage, Synthesis, Work
from polydistill.engine.errors import UserError
from polydistill.engine.synthesis.placement import Demands, Node, prompt_rates, size_pools

NODES = st.lists(st.builds(Node, cpus=st.integers(2, 128), gpus=st.integers(0, 8)), min_size=1, max_size=6)


@settings(deadline=None)
@given(NODES)
def test_pools_fit_and_leave_cpus_on_the_cluster_without_its_largest_node(nodes):
    cpus, gpus = sum(n.cpus for n in nodes), sum(n.gpus for n in nodes)
    placement = size_pools(Work(), nodes)
    taken = sum(pool.actors * pool.cpus for pool in placement.pools.values())
    surviving = cpus - max(n.cpus for n in nodes) if len(nodes) > 1 else cpus
    assert taken <= surviving / 2 + 0.1
    assert placement.spare_cpus == pytest.approx(cpus - taken)
    assert sum(pool.actors * pool.gpus for pool in placement.pools.values()) <= gpus


def test_gpus_go_to_the_slowest_stage():
    placement = size_pools(Work(), [Node(64, 8)], rates={"generate": 10, "translate": 100, "judge": 100})
    assert placement.pools["generate"].actors > placement.pools["translate"].actors
    assert placement.device("judge") == "cuda"


def test_two_cores_are_enough():
    placement = size_pools(Work(), [Node(2, 0)])
    assert {name: pool.actors for name, pool in placement.pools.items()} == dict.fromkeys(placement.pools, 1)
    assert placement.device("translate") == "cpu" and placement.spare_cpus >= 1


def test_configured_sizes_are_kept():
    work = Work(translate=Stage(actors=3, cpus=0.1))
    pool = size_pools(work, [Node(4, 0)]).pools["translate"]
    assert (pool.actors, pool.cpus) == (3, 0.1)


def test_a_gpu_that_is_not_there():
    with pytest.raises(UserError, match=r"work\.translate\.gpus is 1, but the cluster has 0 GPUs"):
        size_pools(Work(translate=Stage(gpus=1)), [Node(8, 0)])


def test_pools_that_take_everything_are_refused():
    with pytest.raises(UserError, match="leave nothing of the cluster"):
        size_pools(Work(judge=Stage(actors=4, cpus=2)), [Node(8, 0)])


def test_more_languages_need_more_translators():
    few, many = (size_pools(Work(), [Node(64, 8)] * 4, rates=prompt_rates(n)).pools for n in (1, 14))
    assert many["generate"].actors < few["generate"].actors
    assert many["translate"].actors > 10 * many["generate"].actors


def test_one_gpu_is_shared_by_all_three_stages():
    pools = size_pools(Work(), [Node(16, 1)]).pools
    assert {name: (pool.actors, pool.gpus) for name, pool in pools.items()} == {
        "generate": (1, 0.6),
        "translate": (1, 0.25),
        "judge": (1, 0.15),
    }


def test_an_engine_over_several_gpus_counts_as_many():
    pools = size_pools(Work(), [Node(64, 8)], demands=Demands(engine_gpus=4)).pools
    asked = {name: pool.actors * pool.gpus * (4 if name == "generate" else 1) for name, pool in pools.items()}
    assert pools["generate"].actors == 1 and sum(asked.values()) <= 8
    with pytest.raises(UserError, match=r"work\.generate\.gpus is 1 on each of 16 GPUs .* but the cluster has 8 GPUs"):
        size_pools(Work(generate=Stage(gpus=1)), [Node(64, 8)], demands=Demands(engine_gpus=16))


def test_a_judge_without_a_quality_model_takes_no_gpu():
    pools = size_pools(Work(), [Node(64, 8)], demands=Demands(judges_on_gpu=False)).pools
    assert pools["judge"].gpus == 0
    assert (
        size_pools(Work(judge=Stage(gpus=0.5)), [Node(64, 8)], demands=Demands(judges_on_gpu=False)).pools["judge"].gpus
        == 0.5
    )


def test_reward_models_have_their_gpus_beside_the_pools():
    """One process rates the engine's answers. With a server, each process that asks it rates what it gets."""
    reward = {"model": "m", "gpus": 1}
    student = {"model": "m", "samples": 2, "temperature": 1.0, "select": "quality", "reward": reward}
    run = {"output": "o", "targets": ["deu_Latn"], "prompts": {"path": "p"}, "translate": {"model": "t"}}
    one = Demands.of(Synthesis.model_validate(run | {"student": student}))
    served = student | {"endpoint": {"url": "http://127.0.0.1:8000/v1"}}
    three = Demands.of(Synthesis.model_validate(run | {"student": served, "work": {"generate": {"actors": 3}}}))
    assert (one.reward_models, one.reward_gpus, three.reward_models) == (1, 1.0, 3)
    pools = size_pools(Work(), [Node(64, 4), Node(64, 4)], demands=one).pools
    assert sum(pool.actors * pool.gpus for pool in pools.values()) <= 7
    with pytest.raises(UserError, match=r"student\.reward\.gpus is 1, but no machine of the cluster has as many"):
        size_pools(Work(), [Node(64, 2)], demands=three)
