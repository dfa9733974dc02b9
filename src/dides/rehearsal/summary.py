"""What the runs of a rehearsal have in common: distributions, and the chance of completing."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from dides.rehearsal.run import Outcome

SURE = 1.96
"""Standard deviations of the normal distribution that hold 95 %."""


class Distribution(msgspec.Struct, frozen=True, kw_only=True):
    """How a quantity came out over the runs that have it. Each percentile is the value of a run (nearest rank)."""

    runs: int
    min: float
    p5: float
    p50: float
    p95: float
    max: float
    mean: float


class Completing(msgspec.Struct, frozen=True, kw_only=True):
    """How often the rollout completed, and between which bounds (95 % confidence) its chance lies for that."""

    runs: int
    completed: int
    chance: float
    low: float
    high: float


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """A rehearsal in numbers; times are seconds."""

    completing: Completing
    stopped_by: dict[str, int]
    """Why runs did not complete, with how many; the most frequent first."""
    total_time: Distribution
    """To the end of the rollout, or of its rollback."""
    rollout_time: Distribution
    rollback_time: Distribution | None
    """Of the runs that rolled back; None when there were none."""
    reached_before_stop: Distribution | None
    """Of the runs that did not complete; None when there were none."""
    failed: Distribution
    most_down: Distribution
    """Before the end of the rollout: updating, or not HEALTHY."""
    most_down_in_rollback: Distribution | None
    not_returned: Distribution | None
    """Instances that the rollback did not bring back."""


def summarize(outcomes: Sequence[Outcome]) -> Summary:
    """Return what the outcomes of at least one run have in common."""
    stopped = [outcome for outcome in outcomes if not outcome.completed]
    reasons = Counter(outcome.reason.partition(":")[0] for outcome in stopped)
    rollout_time = distribution_of(outcome.rollout_ms / 1000 for outcome in outcomes)
    return Summary(
        completing=completing(len(outcomes) - len(stopped), len(outcomes)),
        stopped_by=dict(sorted(reasons.items(), key=lambda item: (-item[1], item[0]))),
        total_time=distribution_of(outcome.total_ms / 1000 for outcome in outcomes),
        rollout_time=rollout_time,
        rollback_time=_if_any(
            None if outcome.rollback_ms is None else outcome.rollback_ms / 1000 for outcome in outcomes
        ),
        reached_before_stop=_if_any(outcome.reached for outcome in stopped),
        failed=distribution_of(outcome.failed for outcome in outcomes),
        most_down=distribution_of(outcome.most_down for outcome in outcomes),
        most_down_in_rollback=_if_any(outcome.most_down_in_rollback for outcome in outcomes),
        not_returned=_if_any(outcome.not_returned for outcome in outcomes),
    )


def distribution_of(values: Iterable[float]) -> Distribution:
    """Return the distribution of at least one value."""
    ordered = sorted(values)
    return Distribution(
        runs=len(ordered),
        min=ordered[0],
        p5=percentile(ordered, 5),
        p50=percentile(ordered, 50),
        p95=percentile(ordered, 95),
        max=ordered[-1],
        mean=math.fsum(ordered) / len(ordered),
    )


def percentile(ordered: Sequence[float], percent: int) -> float:
    """Return the smallest value that at least so many percent (1 to 100) of the values do not exceed (nearest rank).

    Worked: of 1 to 100, the 5th percentile is 5; of four values, the 50th is the second and the 95th the fourth.
    """
    return ordered[-(-percent * len(ordered) // 100) - 1]


def completing(completed: int, runs: int) -> Completing:
    """Return the chance of completing with its bounds by Wilson's score interval, which holds for few runs as well.

    Source: E. B. Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927).
    """
    chance, squared = completed / runs, SURE * SURE
    middle = (chance + squared / (2 * runs)) / (1 + squared / runs)
    half = SURE / (1 + squared / runs) * math.sqrt(chance * (1 - chance) / runs + squared / (4 * runs * runs))
    return Completing(
        runs=runs,
        completed=completed,
        chance=chance,
        low=0.0 if completed == 0 else max(0.0, middle - half),
        high=1.0 if completed == runs else min(1.0, middle + half),
    )


def _if_any(values: Iterable[float | None]) -> Distribution | None:
    """Return the distribution over the runs that have a value."""
    found = [value for value in values if value is not None]
    return distribution_of(found) if found else None
