"""Waves: how many targets may have started before an operator, or time, says that it goes well.

A wave is over when its count has started and none is updating. Then it soaks for `wave_pause` seconds, or waits until
an operator promotes it, and the next one opens. One that is over without a success in it stops the deployment.

Worked: `waves` [1, "10%"] over 50 instances are the sizes (1, 5, 50), counted from the beginning. Wave 2 lets 4 more
start, as many at a time as the other limits allow.
"""

from collections.abc import Iterable

import msgspec

from dides.model.deployment import Deployment, DeploymentStatus, Wave
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


def is_over(deployment: Deployment) -> bool:
    """Tell whether the open wave, which is not the last, has started its count and has none updating."""
    counts = deployment.counts
    return not is_last(deployment) and counts.updating == 0 and counts.started >= open_size(deployment)


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


def advance(deployment: Deployment, now: int) -> Deployment:
    """Return the deployment with the next wave open, or with its soak begun, when the open one is over."""
    if not is_over(deployment) or deployment.status is not DeploymentStatus.RUNNING:
        return deployment
    pause = deployment.policy.wave_pause_ms
    if pause is None:
        return deployment
    soaked_at = deployment.timers.soaked_at
    if soaked_at is None:
        soaked_at = now + pause
    if now >= soaked_at:
        return opened(deployment)
    return _with_soaked_at(deployment, soaked_at)


def opened(deployment: Deployment) -> Deployment:
    """Return the deployment with the next wave open."""
    wave = Wave(open=deployment.wave.open + 1, began_with=deployment.counts.started)
    return msgspec.structs.replace(_with_soaked_at(deployment, None), wave=wave)


def why_not_promoted(deployment: Deployment) -> str | None:
    """Return why the open wave cannot be promoted, or None when it waits for just that (or soaks)."""
    if is_last(deployment):
        return f"Deployment {deployment.id} has no further wave to promote to."
    if not is_over(deployment):
        wave = deployment.wave
        return (
            f"Wave {wave.open} of {len(deployment.waves)} of deployment {deployment.id} is still being rolled out; "
            "promote it once it waits."
        )
    return None


def _with_soaked_at(deployment: Deployment, moment: int | None) -> Deployment:
    return msgspec.structs.replace(deployment, timers=msgspec.structs.replace(deployment.timers, soaked_at=moment))
