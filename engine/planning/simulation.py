"""A discrete-event simulation of the stream, for runs that are too large to try.

Units pass through stages in order. A stage is a fixed pool of actors; an actor works on one unit at a time on its
device (a GPU, or the cores of a machine) and shares that device with the other actors there. A finished unit waits in
the next stage's queue; where that is full, the actor waits with it (back-pressure). Actors begin when their model is
loaded.
"""

import heapq
from collections import deque
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Pool:
    """One stage."""

    name: str
    work: float  # device-seconds for one unit, on average: seconds of a whole GPU, or core-seconds
    devices: list[int]  # the device of each actor
    demand: float = 1.0  # how much of a device one actor can use: 1 GPU, or its number of threads
    start: float = 0.0  # seconds until its actors can begin
    queue: int = 4  # units that may wait in front of it
    spread: float = 0.2  # standard deviation of a unit's work, relative
    latency: float = 0.0  # seconds between two units of an actor in which its device is free (scheduling, transfer)


@dataclass(frozen=True)
class Outcome:
    """What the simulation found."""

    seconds: float
    busy: dict[str, float]  # share of the time in which a stage's actors were at work
    blocked: dict[str, float]  # share in which they waited with a finished unit for room


@dataclass
class _Device:
    capacity: float
    jobs: dict[int, list[float]] = field(default_factory=dict)  # actor -> [work left, demand]
    since: float = 0.0
    version: int = 0

    def speed(self) -> float:
        """Share of its demand that each job gets."""
        wanted = sum(demand for _, demand in self.jobs.values())
        return min(1.0, self.capacity / wanted) if wanted else 1.0

    def advance(self, now: float) -> None:
        speed = self.speed()
        for job in self.jobs.values():
            job[0] -= (now - self.since) * speed * job[1]
        self.since = now

    def next(self) -> tuple[float, int]:
        """When the next job ends, and whose it is."""
        speed = self.speed()
        ends = ((self.since + max(left, 0.0) / (speed * demand), actor) for actor, (left, demand) in self.jobs.items())
        return min(ends)


class _Run:
    """The state of one simulation. Actors are numbered through all stages."""

    def __init__(self, pools: list[Pool], capacities: list[float], units: int, seed: int) -> None:
        self.pools, self.units = pools, units
        self.devices = [_Device(capacity) for capacity in capacities]
        self.stage = [number for number, pool in enumerate(pools) for _ in pool.devices]
        self.device = [device for pool in pools for device in pool.devices]
        self.random = np.random.default_rng(seed)
        self.waiting = [units] + [0] * (len(pools) - 1)
        self.idle: list[deque[int]] = [deque() for _ in pools]
        self.blocked: list[deque[tuple[float, int]]] = [deque() for _ in pools]
        self.busy, self.stuck = [0.0] * len(pools), [0.0] * len(pools)
        self.began: dict[int, float] = {}
        self.events: list[tuple[float, int, int, int]] = []  # time, order, device or -1, version or actor
        self.order = self.done = 0
        self.now = 0.0

    def push(self, time: float, device: int, key: int) -> None:
        self.order += 1
        heapq.heappush(self.events, (time, self.order, device, key))

    def run(self) -> Outcome:
        for actor, stage in enumerate(self.stage):
            self.push(self.pools[stage].start, -1, actor)
        while self.done < self.units:
            self.now, _, device, key = heapq.heappop(self.events)
            if device < 0:
                self.idle[self.stage[key]].append(key)
                self.feed(self.stage[key])
            elif self.devices[device].version == key:
                _, actor = self.devices[device].next()
                self.finish(actor)
        counts = [len(pool.devices) * self.now for pool in self.pools]
        share = lambda totals: {p.name: t / c for p, t, c in zip(self.pools, totals, counts)}  # noqa: E731
        return Outcome(self.now, share(self.busy), share(self.stuck))

    def feed(self, stage: int) -> None:
        """Give waiting units to idle actors, then let blocked actors of the stage before move up."""
        while self.waiting[stage] and self.idle[stage]:
            self.waiting[stage] -= 1
            self.begin(self.idle[stage].popleft())
            if stage and self.blocked[stage - 1]:
                since, actor = self.blocked[stage - 1].popleft()
                self.stuck[stage - 1] += self.now - since
                self.waiting[stage] += 1
                self.release(actor)

    def begin(self, actor: int) -> None:
        pool, device = self.pools[self.stage[actor]], self.devices[self.device[actor]]
        work = pool.work
        if pool.spread:
            sigma = np.sqrt(np.log1p(pool.spread**2))  # log-normal with that mean and deviation
            work *= float(np.exp(self.random.normal(-sigma * sigma / 2, sigma)))
        device.advance(self.now)
        device.jobs[actor] = [work, pool.demand]
        self.began[actor] = self.now
        self.changed(self.device[actor])

    def finish(self, actor: int) -> None:
        stage, number = self.stage[actor], self.device[actor]
        self.devices[number].advance(self.now)
        del self.devices[number].jobs[actor]
        self.changed(number)
        self.busy[stage] += self.now - self.began.pop(actor)
        if stage + 1 == len(self.pools):
            self.done += 1
        elif self.waiting[stage + 1] < self.pools[stage + 1].queue or self.idle[stage + 1]:
            self.waiting[stage + 1] += 1
            self.feed(stage + 1)
        else:
            self.blocked[stage].append((self.now, actor))
            return
        self.release(actor)

    def release(self, actor: int) -> None:
        """The actor can take its next unit, after its stage's latency."""
        stage = self.stage[actor]
        if self.pools[stage].latency:
            self.push(self.now + self.pools[stage].latency, -1, actor)
        else:
            self.idle[stage].append(actor)
            self.feed(stage)

    def changed(self, number: int) -> None:
        device = self.devices[number]
        device.version += 1
        if device.jobs:
            self.push(device.next()[0], number, device.version)


def simulate(pools: list[Pool], capacities: list[float], units: int, seed: int = 0) -> Outcome:
    """Let `units` units pass through `pools` on devices of these capacities (GPUs: 1; machines: cores).

    Above 50,000 units a run of that many, which takes about two seconds, is extended at its steady rate.
    """
    if units <= _LONGEST:
        return _Run(pools, capacities, units, seed).run()
    half, whole = (_Run(pools, capacities, n, seed).run() for n in (_LONGEST // 2, _LONGEST))
    rate = (_LONGEST - _LONGEST // 2) / (whole.seconds - half.seconds)
    return Outcome(whole.seconds + (units - _LONGEST) / rate, whole.busy, whole.blocked)


_LONGEST = 50_000
