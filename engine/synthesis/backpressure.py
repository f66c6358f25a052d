"""How far a stage may run ahead of the next one: two units for each of its actors, counted in units and not in bytes.

Ray Data's own policies count bytes of a large object store: small units would pile up by the hundred between a fast
stage and a slow one, held in memory, and all to be done again after a kill.
"""

from typing import Any

from ray.data import DataContext
from ray.data._internal.execution.backpressure_policy import (
    ENABLED_BACKPRESSURE_POLICIES,
    ENABLED_BACKPRESSURE_POLICIES_CONFIG_KEY,
)
from ray.data._internal.execution.backpressure_policy.backpressure_policy import BackpressurePolicy


class Abreast(BackpressurePolicy):
    """A unit that waits for the next stage takes the place of one that could be begun.

    Only while nothing at all is being worked on (the next stage's models are still loading) does Ray Data go on
    nevertheless, one unit at a time.
    """

    def can_add_input(self, op: Any) -> bool:
        """Whether one more unit may be begun."""
        pools = op.get_autoscaling_actor_pools()
        places = sum(pool.max_size() * pool.max_tasks_in_flight_per_actor() for pool in pools)
        return not pools or op.num_active_tasks() + self._topology[op].total_enqueued_output_blocks() < places


def enable(context: DataContext) -> None:
    """Use it for datasets that are made from now on, with Ray Data's own policies."""
    context.set_config(ENABLED_BACKPRESSURE_POLICIES_CONFIG_KEY, [*ENABLED_BACKPRESSURE_POLICIES, Abreast])
