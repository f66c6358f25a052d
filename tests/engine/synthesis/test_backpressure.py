"""A stage runs ahead of the next one by the places of its actors, counted in units. Needs no Ray runtime."""

from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from ray.data import DataContext

from polydistill.engine.synthesis.backpressure import Abreast, enable

COUNT = st.integers(0, 9)


def stage(active: int, *pools: tuple[int, int]) -> Any:
    """An operator of Ray Data with pools of (most actors, units that each may hold)."""

    def of(actors: int, each: int) -> Any:
        return SimpleNamespace(max_size=lambda: actors, max_tasks_in_flight_per_actor=lambda: each)

    made = [of(*pool) for pool in pools]
    return SimpleNamespace(get_autoscaling_actor_pools=lambda: made, num_active_tasks=lambda: active)


def allowed(operator: Any, waiting: int) -> bool:
    """Whether the stage may begin a unit while `waiting` of its finished ones wait for the next stage."""
    topology: Any = _Topology(SimpleNamespace(total_enqueued_output_blocks=lambda: waiting))
    return Abreast(DataContext(), topology, None).can_add_input(operator)  # type: ignore[arg-type]


class _Topology:
    """Ray's states by operator, of one operator."""

    def __init__(self, state: Any) -> None:
        self._state = state

    def __getitem__(self, operator: Any) -> Any:
        return self._state


@given(active=COUNT, waiting=COUNT, actors=st.integers(1, 4))
def test_a_waiting_unit_takes_the_place_of_one_that_could_begin(active: int, waiting: int, actors: int) -> None:
    assert allowed(stage(active, (actors, 2)), waiting) == (active + waiting < 2 * actors)


def test_places_of_several_pools_add_up_and_a_step_without_actors_is_free() -> None:
    assert allowed(stage(4, (1, 2), (3, 1)), 0) and not allowed(stage(4, (1, 2), (3, 1)), 1)
    assert allowed(stage(100), 100)


def test_it_stands_beside_rays_own_policies() -> None:
    from ray.data._internal.execution.backpressure_policy import (
        ENABLED_BACKPRESSURE_POLICIES,
        get_backpressure_policies,
    )

    context = DataContext()
    enable(context)
    kinds = [type(one) for one in get_backpressure_policies(context, {}, None)]  # type: ignore[arg-type]
    assert Abreast in kinds and len(kinds) == len(ENABLED_BACKPRESSURE_POLICIES) + 1
