import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydistill.engine.planning.simulation import Pool, simulate


def pool(name, work, devices, **options):
    return Pool(name, work, devices, **({"spread": 0.0} | options))


def test_one_actor_works_unit_by_unit():
    assert simulate([pool("a", 2.0, [0])], [1.0], 50).seconds == pytest.approx(100)


def test_stages_overlap_and_the_slowest_decides():
    outcome = simulate([pool("a", 1.0, [0]), pool("b", 2.0, [1])], [1, 1], 100)
    assert outcome.seconds == pytest.approx(1 + 200)
    assert outcome.busy["b"] == pytest.approx(200 / 201) and outcome.busy["a"] == pytest.approx(100 / 201)
    # With two actors, the second stage keeps up: the first decides, and the last unit comes out two seconds later.
    assert simulate([pool("a", 1.0, [0]), pool("b", 2.0, [1, 2])], [1] * 3, 100).seconds == pytest.approx(102)


def test_a_full_queue_stops_the_stage_before():
    outcome = simulate([pool("a", 1.0, [0]), pool("b", 4.0, [1], queue=1)], [1, 1], 100)
    assert outcome.blocked["a"] == pytest.approx(0.74, abs=0.01) and outcome.busy["b"] > 0.99


def test_actors_on_one_device_share_it():
    both = [pool("a", 1.0, [0]), pool("b", 2.0, [0])]
    assert simulate(both, [1], 100).seconds == pytest.approx(300)  # one core does all three seconds of a unit
    assert simulate(both, [2], 100).seconds == pytest.approx(201)  # two cores: as if each had its own
    # An actor with two threads is as fast as two cores, and no faster.
    assert simulate([pool("a", 2.0, [0], demand=2)], [2], 10).seconds == pytest.approx(10)
    assert simulate([pool("a", 2.0, [0], demand=4)], [2], 10).seconds == pytest.approx(10)


def test_half_of_a_gpu_is_half_as_fast():
    assert simulate([pool("a", 1.0, [0, 0], demand=0.5)], [1], 10).seconds == pytest.approx(10)
    assert simulate([pool("a", 1.0, [0], demand=0.5)], [1], 10).seconds == pytest.approx(20)


def test_models_load_first_and_pauses_count():
    assert simulate([pool("a", 1.0, [0], start=30)], [1], 10).seconds == pytest.approx(40)
    assert simulate([pool("a", 1.0, [0], latency=0.5)], [1], 10).seconds == pytest.approx(14.5)


def test_long_runs_are_extended_at_their_steady_rate(monkeypatch):
    stages = [pool("a", 1.0, [0, 1], start=100, spread=0.3), pool("b", 1.5, [2, 3, 4])]
    exact = simulate(stages, [1] * 5, 20_000)
    monkeypatch.setattr("polydistill.engine.planning.simulation._LONGEST", 2000)
    assert simulate(stages, [1] * 5, 20_000).seconds == pytest.approx(exact.seconds, rel=0.02)


@given(
    works=st.lists(st.floats(0.1, 5), min_size=1, max_size=3),
    actors=st.lists(st.integers(1, 4), min_size=3, max_size=3),
    cores=st.integers(1, 4),
    queue=st.integers(1, 5),
    units=st.integers(1, 60),
)
def test_time_is_never_below_what_the_devices_can_do(works, actors, cores, queue, units):
    stages = [pool(str(i), work, [0] * actors[i], queue=queue) for i, work in enumerate(works)]
    seconds = simulate(stages, [cores], units).seconds
    bounds = [units * sum(works) / cores, sum(works), *(units * w / min(a, cores) for w, a in zip(works, actors))]
    assert seconds >= max(bounds) * (1 - 1e-9)
    assert seconds <= units * sum(works) + 1e-6  # nor above doing one thing after another
