"""What a deployment would do to the fleet as it is now, and the worst that it could do: nothing is changed.

The worst case is that every update fails, and every instance stays not HEALTHY after it. Then

- the deployment never leaves its first wave, because a wave without a success stops it: at most `wave` are told;
- at most `t - 1` have failed when the last one is told, for the `t`-th failure stops it: at most `t - 1 + u`, where
  `u` can be updating at once (under `batch_size`, and under the shares of `spread_by`);
- with `max_unavailable` those that are HEALTHY are told only until so many are not: those that failed stay in the
  count. Instances that are not HEALTHY already take none of that room.

Worked: 10 HEALTHY instances, 1 of them at the target, `batch_size` 4, `failure_threshold` 1. Four are told; the first
failure stops it. `reached` is 5 (the one, and the four) and `down_at_once` is 4.

The unreachable count as if they returned in time, so that no return makes it worse than was said. What the bound does
not know is the future: instances that register later, and a rollback after the stop.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from dides.engine.limits import Limits, limits_of
from dides.engine.ordering import in_order
from dides.engine.warning import Outlook, warnings_of
from dides.model.instance import Matched
from dides.model.policy import Policy, count_of
from dides.model.state import State, Status


class Circumstances(msgspec.Struct, frozen=True, kw_only=True):
    """What else a forecast has to know."""

    whole_fleet: bool = False
    """The selector matches every instance that there is."""
    in_flight: int | None = None
    """The deployment in flight, in the way of a trigger."""
    next_id: int = 1
    """The id that the deployment would have: the seed of a shuffled order."""


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """What a deployment would do; all numbers are of instances."""

    matched: int
    already_at_target: int
    """How many are there and are left out: none when it is forced."""
    unreachable: int
    waves: tuple[tuple[str, ...], ...]
    """The names in each wave, in the order in which they would be told. Waves in which nobody is are left out."""
    window: int
    """How many can be updating at once, at the most."""
    reached: int
    """The worst case: how many can be running the new version, those already there among them."""
    down_at_once: int
    """The worst case: how many of those that were told can be not HEALTHY at once."""
    warnings: tuple[str, ...] = ()


def forecast(policy: Policy, to: State, matched: Sequence[Matched], around: Circumstances) -> Forecast:
    """Return what a deployment of a state to these instances would do.

    InvalidError when they have too many values of `spread_by`.
    """
    limits = limits_of(policy, matched)
    ordered = in_order(matched, policy, around.next_id)
    targets = _in_turn(each for each in ordered if policy.force or not is_there(each, to))
    waves = _waves(limits, targets)
    told = worst_assigned(policy, limits, matched, targets)
    there = sum(is_there(each, to) for each in matched)
    already = 0 if policy.force else there
    window = _window(limits, matched, targets, waves)
    outlook = Outlook(
        policy=policy,
        there=there,
        limits=limits,
        matched=matched,
        targets=targets,
        window=window,
        whole_fleet=around.whole_fleet,
        in_flight=around.in_flight,
    )
    return Forecast(
        matched=len(matched),
        already_at_target=already,
        unreachable=sum(not each.reachable for each in matched),
        waves=tuple(tuple(each.name for each in wave) for wave in waves),
        window=window,
        reached=min(len(matched), there + told),
        down_at_once=told,
        warnings=warnings_of(outlook),
    )


def is_there(instance: Matched, to: State) -> bool:
    """Tell whether an instance would be skipped as already at the target (as engine/admission.py decides it)."""
    at_target = instance.current.meets(to.over(instance.desired))
    return instance.reachable and instance.status is Status.HEALTHY and at_target


def worst_assigned(policy: Policy, limits: Limits, matched: Sequence[Matched], targets: Sequence[Matched]) -> int:
    """Return how many can be told before a deployment stops of which every update fails (see the head of this file)."""
    if not any(each.reachable for each in targets):
        return 0  # It ends in its first step.
    threshold = count_of(policy.failure_threshold, limits.waves[0])
    # One that returns HEALTHY leaves its room to another, which may have another value of the label.
    away = sum(not each.reachable for each in targets)
    at_once = min(limits.window, _most_with_shares(targets, limits.share, _healthy_room(limits, matched, away)))
    in_all = _most_with_shares(targets, None, _healthy_room(limits, matched, 0))
    return min(limits.waves[0], threshold - 1 + at_once, in_all)


def _in_turn(ordered: Iterable[Matched]) -> list[Matched]:
    """Return targets in their order, with the unreachable ones put off to its end."""
    return sorted(ordered, key=lambda each: not each.reachable)


def _waves(limits: Limits, targets: Sequence[Matched]) -> list[Sequence[Matched]]:
    """Return who is in which wave. Sizes are cumulative, and count those that are told."""
    begins = (0, *limits.waves[:-1])
    waves = [targets[begin:end] for begin, end in zip(begins, limits.waves, strict=True)]
    return [wave for wave in waves if wave]


def _window(
    limits: Limits, matched: Sequence[Matched], targets: Sequence[Matched], waves: Sequence[Sequence[Matched]]
) -> int:
    """Return how many can be updating at once in the widest moment of a deployment that goes well."""
    if not any(each.reachable for each in targets):
        return 0
    widest_wave = max(len(wave) for wave in waves)
    widest = min(limits.window, widest_wave, _most_with_shares(targets, limits.share, None))
    if limits.max_unavailable is None:
        return widest
    # Of those that are not HEALTHY any number may be updated, and of the others as many as the limit leaves.
    return min(widest, max(limits.max_unavailable, _unhealthy(matched)))


def _healthy_room(limits: Limits, matched: Sequence[Matched], returned: int) -> int | None:
    """Return how many HEALTHY instances may be told under `max_unavailable` once some returned; None: any number."""
    if limits.max_unavailable is None:
        return None
    return max(0, limits.max_unavailable - _unhealthy(matched) + returned)


def _most_with_shares(targets: Sequence[Matched], share: int | None, room: int | None) -> int:
    """Return how many of the targets fit: at most `share` of each value, at most `room` of those that are HEALTHY."""
    every = Counter(each.spread for each in targets)
    unhealthy = Counter(each.spread for each in targets if each.status is not Status.HEALTHY)
    fit = {value: number if share is None else min(share, number) for value, number in every.items()}
    free = sum(min(most, unhealthy[value]) for value, most in fit.items())
    healthy = sum(fit.values()) - free
    return free + (healthy if room is None else min(room, healthy))


def _unhealthy(instances: Iterable[Matched]) -> int:
    return sum(each.status is not Status.HEALTHY for each in instances)
