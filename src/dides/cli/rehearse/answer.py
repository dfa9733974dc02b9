"""What `dides rehearse` answers: the fields of `-o json`. Times are seconds, rates and chances from 0 to 1."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from dides.protocol.messages import Configuration
from dides.rehearsal.durations import Normal
from dides.rehearsal.fleet import Condition, size_of
from dides.rehearsal.rehearse import Rehearsal
from dides.rehearsal.run import Outcome
from dides.rehearsal.summary import Summary, summarize

Source = Literal["given", "recorded"]


class Fleet(msgspec.Struct, frozen=True, kw_only=True):
    """The instances of the rehearsed rollout."""

    instances: int
    already_at_target: int
    unreachable: int
    unhealthy: int
    """Reachable, but not HEALTHY: known only with `max_unavailable` or `spread_by`, else taken for HEALTHY."""


class Durations(msgspec.Struct, frozen=True, kw_only=True):
    """Where the durations of updates come from."""

    source: Source
    mean: float
    spread: float
    """The standard deviation."""
    updates: int | None = None
    """How many recorded ones are drawn from."""
    deployments: tuple[int, ...] = ()
    """The deployments that recorded them, newest first."""


class Assumptions(msgspec.Struct, frozen=True, kw_only=True):
    """What is assumed of every update."""

    durations: Durations
    failure_rate: float
    failure_rate_source: Source
    lost_rate: float
    time_to_live: float


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A rehearsal: what was rehearsed, what was assumed, and what came of it."""

    runs: int
    seed: int
    fleet: Fleet
    configuration: Configuration
    assumptions: Assumptions
    results: Summary


def make_answer(
    rehearsal: Rehearsal, configuration: Configuration, outcomes: Sequence[Outcome], failure_rate_source: Source
) -> Answer:
    """Return the answer for the outcomes of a rehearsal."""
    chances = rehearsal.chances
    return Answer(
        runs=len(outcomes),
        seed=rehearsal.seed,
        fleet=_fleet_of(rehearsal),
        configuration=configuration,
        assumptions=Assumptions(
            durations=_durations_of(rehearsal),
            failure_rate=chances.failure_rate,
            failure_rate_source=failure_rate_source,
            lost_rate=chances.lost_rate,
            time_to_live=chances.time_to_live_ms / 1000,
        ),
        results=summarize(outcomes),
    )


def _fleet_of(rehearsal: Rehearsal) -> Fleet:
    return Fleet(
        instances=size_of(rehearsal.fleet),
        already_at_target=size_of(rehearsal.fleet, Condition.THERE),
        unreachable=size_of(rehearsal.fleet, Condition.UNREACHABLE),
        unhealthy=size_of(rehearsal.fleet, Condition.UNHEALTHY),
    )


def _durations_of(rehearsal: Rehearsal) -> Durations:
    durations = rehearsal.chances.durations
    mean, spread = durations.mean_ms / 1000, durations.spread_ms / 1000
    if isinstance(durations, Normal):
        return Durations(source="given", mean=mean, spread=spread)
    return Durations(
        source="recorded",
        mean=mean,
        spread=spread,
        updates=len(durations.durations_ms),
        deployments=durations.deployments,
    )
