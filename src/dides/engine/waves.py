"""Waves: how many targets may have started before an operator, or time, says that it goes well.

A wave is *done* when its count has started, or nothing reachable is left to start, and none is updating. A done wave
without a success stops the deployment. Else it soaks for `wave_pause` seconds, or waits until an operator promotes it.
Then it is *over* once each of its succeeded targets is reachable and HEALTHY at the target; that is waited for during
`update_timeout` at most (`held_by` is `health`). When it is over the next one opens.

Worked: `waves` [1, "10%"] over 50 instances are the sizes (1, 5, 50), counted from the beginning. Wave 2 lets 4 more
start, as many at a time as the other limits allow.
"""

from collections.abc import Iterable

import msgspec

from dides.model.deployment import Deployment, DeploymentStatus, Timers, Wave
from dides.model.policy import Amount, count_of


def sizes_of(waves: Iterable[Amount], matched: int) -> tuple[int, ...]:
    """Return the cumulative sizes of the waves over so many matched instances; the last one is everything.

    A wave that adds nothing to the one before it, or that holds everything already, is left out: "1%" of 50 is 1, so
    [1, "1%"] is one canary and then the rest.
    """
    sizes: list[int] = []
    for amount in waves:
        size = count_of(amount, matched)
        if (sizes[-1] if sizes else 0) < size < matched:
            sizes.append(size)
    return (*sizes, matched)


def open_size(deployment: Deployment) -> int:
    """Return the cumulative size of the open wave."""
    return deployment.waves[min(deployment.wave.open, len(deployment.waves)) - 1]


def is_last(deployment: Deployment) -> bool:
    """Tell whether the open wave is the last one, which has no limit of its own: who joins late is in it."""
    return deployment.wave.open >= len(deployment.waves)


def open_base(deployment: Deployment) -> int:
    """Return of how many targets a percentage threshold is taken now: the open wave's, without those decommissioned.

    Worked: of 10 matched instances 7 are decommissioned before they have finished; a wave of 5 can hold 3.
    """
    return max(1, min(open_size(deployment), deployment.waves[-1] - deployment.counts.decommissioned))


def is_done(deployment: Deployment) -> bool:
    """Tell whether the open wave, which is not the last, has none updating and nothing reachable left to start."""
    counts = deployment.counts
    return not is_last(deployment) and counts.updating == 0 and (has_started(deployment) or only_deferred(deployment))


def has_started(deployment: Deployment) -> bool:
    """Tell whether as many targets have started as the open wave holds."""
    return deployment.counts.started >= open_size(deployment)


def only_deferred(deployment: Deployment) -> bool:
    """Tell whether every pending target was unreachable when its turn came."""
    return deployment.counts.pending == deployment.counts.deferred


def cap(deployment: Deployment) -> int | None:
    """Return how many targets the open wave lets be updating at once; None for the last one, which does not limit."""
    if is_last(deployment):
        return None
    return max(0, open_size(deployment) - deployment.counts.succeeded - deployment.counts.failed)


def has_no_success(deployment: Deployment) -> bool:
    """Tell whether targets have started in the open wave, none is updating, and none has succeeded."""
    wave, counts = deployment.wave, deployment.counts
    return counts.updating == 0 and counts.started > wave.began_with and wave.succeeded == 0


def why_no_success(deployment: Deployment) -> str:
    """Return the reason of a deployment that was stopped by a wave without a success."""
    number = deployment.counts.started - deployment.wave.began_with
    of_it = "the only target" if number == 1 else f"none of the {number} targets"
    verb = "failed" if number == 1 else "succeeded"
    wave = deployment.wave
    where = f"in wave {wave.open} of {len(deployment.waves)} " if len(deployment.waves) > 1 else ""
    return f"no target succeeded: {of_it} that started {where}{verb}; see the messages of the failed targets"


def advance(deployment: Deployment, now: int, *, give_up: bool = True) -> Deployment:
    """Return the deployment with its done wave soaking, waiting, or followed by the next one, as time (ms) has it.

    `give_up` is false while an unreachable target may only seem so, because a coordinator has just come back: a wave
    is then done only once it has started its count.
    """
    if deployment.status is not DeploymentStatus.RUNNING:
        return deployment
    while is_done(deployment) and (give_up or has_started(deployment)):
        timers = _waiting(deployment, now)
        if timers is not None:
            return msgspec.structs.replace(deployment, timers=timers)
        deployment = opened(deployment, now)
    return deployment if is_done(deployment) else _no_longer_waiting(deployment, now)


def opened(deployment: Deployment, now: int) -> Deployment:
    """Return the deployment with the next wave open."""
    wave = Wave(open=deployment.wave.open + 1, began_with=deployment.counts.started)
    return msgspec.structs.replace(_no_longer_waiting(deployment, now), wave=wave)


def promoted(deployment: Deployment, now: int) -> Deployment:
    """Return the deployment once an operator has promoted its done wave.

    The next wave opens. Only a wave that waited for the promotion, and in which a success has lapsed, is looked at for
    up to `update_timeout` first; a second promotion opens the next one all the same.
    """
    timers = deployment.timers
    if deployment.policy.wave_pause_ms is None and timers.health_until is None and deployment.wave.lapsed:
        until = now + deployment.policy.update_timeout_ms
        deployment = _no_longer_waiting(deployment, now)
        timers = msgspec.structs.replace(deployment.timers, health_until=until)
        return msgspec.structs.replace(deployment, timers=timers)
    return opened(deployment, now)


def why_not_promoted(deployment: Deployment) -> str | None:
    """Return why the open wave cannot be promoted, or None when it waits for just that, soaks, or is held by health."""
    if is_last(deployment):
        return f"Deployment {deployment.id} has no further wave to promote to."
    if not is_done(deployment):
        wave = deployment.wave
        return (
            f"Wave {wave.open} of {len(deployment.waves)} of deployment {deployment.id} is still being rolled out; "
            "promote it once it waits."
        )
    return None


def _waiting(deployment: Deployment, now: int) -> Timers | None:
    """Return the timers of a done wave that is not over yet, or None for a wave that is over."""
    timers, pause = deployment.timers, deployment.policy.wave_pause_ms
    if pause is None and timers.health_until is None:
        since = now if timers.waiting_since is None else timers.waiting_since
        return msgspec.structs.replace(timers, waiting_since=since)
    if pause is not None:
        timers = msgspec.structs.replace(timers, soaked_at=_soaked_at(deployment, now, pause))
        if now < (timers.soaked_at or 0):
            return timers
    if not deployment.wave.lapsed:
        return None
    until = timers.health_until
    if until is None:
        until = (timers.soaked_at or now) + deployment.policy.update_timeout_ms
    return msgspec.structs.replace(timers, health_until=until) if now < until else None


def _soaked_at(deployment: Deployment, now: int, pause: int) -> int:
    """Return when the done wave has soaked (ms); a wave in which nothing has started has nothing to soak."""
    if deployment.timers.soaked_at is not None:
        return deployment.timers.soaked_at
    return now if deployment.counts.started == deployment.wave.began_with else now + pause


def _no_longer_waiting(deployment: Deployment, now: int) -> Deployment:
    """Return the deployment without the timers of a done wave; its deadline has stood still while it waited."""
    timers = deployment.timers
    waited = 0 if timers.waiting_since is None else max(0, now - timers.waiting_since)
    deadline = None if timers.deadline_at is None else timers.deadline_at + waited
    timers = msgspec.structs.replace(
        timers, deadline_at=deadline, soaked_at=None, health_until=None, waiting_since=None
    )
    return msgspec.structs.replace(deployment, timers=timers)
