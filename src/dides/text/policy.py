"""How a deployment proceeds, in words."""

from typing import TypeAlias

import msgspec

from dides.engine.threshold import threshold_of
from dides.engine.waves import is_done
from dides.model.deployment import Deployment, DeploymentStatus, Kind
from dides.model.policy import Amount, Ordering
from dides.text.format import plural, seconds

Fact: TypeAlias = tuple[str, str]
"""A setting's name as the wire has it, and what it comes to."""


class WaveFact(msgspec.Struct, frozen=True, kw_only=True):
    """One wave: how large it is, and how far."""

    number: int
    size: int
    """How many targets it adds to those before it."""
    up_to: int
    """How many may have started in all."""
    started: int
    """How many of its own have."""
    state: str
    """over, open, or to come; of a deployment that has ended also stopped, or never opened."""


def policy_facts(deployment: Deployment) -> list[Fact]:
    """Return each setting that has a bearing on a deployment, in words."""
    policy = deployment.policy
    window = plural(deployment.window, "target")
    facts = [
        ("batch_size", f"at most {window} updating at once{_of(policy.batch_size, 'of the matched')}"),
        ("update_timeout", f"an update fails when it is not HEALTHY after {seconds(policy.update_timeout)}"),
    ]
    if deployment.kind is Kind.ROLLBACK:
        return [*facts, ("failures", "are recorded, and do not stop it, because it is a rollback")]
    return [*facts, _threshold(deployment), *_optional(deployment), _auto_rollback(deployment)]


def wave_facts(deployment: Deployment) -> list[WaveFact]:
    """Return the waves of a deployment; none when there is only the one that is everything."""
    sizes = deployment.waves
    befores = (0, *sizes[:-1])
    if len(sizes) == 1:
        return []
    return [
        _wave_fact(deployment, number, before, size)
        for number, (before, size) in enumerate(zip(befores, sizes, strict=True), start=1)
    ]


def _wave_fact(deployment: Deployment, number: int, before: int, size: int) -> WaveFact:
    opened, counts = deployment.wave, deployment.counts
    started = size - before if number < opened.open else 0
    if number == opened.open:
        started = counts.started - opened.began_with
    return WaveFact(
        number=number, size=size - before, up_to=size, started=started, state=_wave_state(deployment, number)
    )


def _wave_state(deployment: Deployment, number: int) -> str:
    if number < deployment.wave.open:
        return "over"
    if number > deployment.wave.open:
        return "to come" if deployment.in_flight else "never opened"
    if deployment.in_flight:
        return "over" if is_done(deployment) else "open"
    return "over" if deployment.status is DeploymentStatus.COMPLETED else "stopped"


def _threshold(deployment: Deployment) -> Fact:
    of = _of(deployment.policy.failure_threshold, "of the open wave")
    failed = plural(threshold_of(deployment), "target has", "targets have")
    return ("failure_threshold", f"stops when {failed} failed{of}")


def _optional(deployment: Deployment) -> list[Fact]:
    """Return the settings that have an effect only when they are given."""
    policy = deployment.policy
    facts: list[Fact | None] = [
        _wave_pause(deployment),
        ("min_healthy_time", f"HEALTHY for {seconds(policy.min_healthy_time)} before it has succeeded")
        if policy.min_healthy_time
        else None,
        ("deadline", f"fails as a whole after {seconds(policy.deadline)}") if policy.deadline is not None else None,
        _max_unavailable(deployment),
        ("spread_by", f"the window is taken evenly over the values of {policy.spread_by}, {deployment.share} each")
        if policy.spread_by is not None
        else None,
        ("retries", f"a failed attempt is repeated {_times(policy.retries)}") if policy.retries else None,
        ("order", "shuffled, not by name") if policy.order is Ordering.SHUFFLE else None,
        ("force", "those at the target are updated, too") if policy.force else None,
    ]
    return [fact for fact in facts if fact]


def _wave_pause(deployment: Deployment) -> Fact | None:
    pause = deployment.policy.wave_pause_ms
    if len(deployment.waves) == 1 or pause == 0:
        return None
    if pause is None:
        return ("wave_pause", "manual: every wave that is over waits until somebody promotes it")
    return ("wave_pause", f"a wave that is over is watched for {seconds(pause / 1000)}")


def _max_unavailable(deployment: Deployment) -> Fact | None:
    most = deployment.max_unavailable
    if most is None:
        return None
    of = _of(deployment.policy.max_unavailable, "of the matched")
    return ("max_unavailable", f"at most {plural(most, 'instance')} updating or not HEALTHY at once{of}")


def _auto_rollback(deployment: Deployment) -> Fact:
    automatic = deployment.policy.auto_rollback
    return ("auto_rollback", f"{'rolled' if automatic else 'not rolled'} back by itself when it fails")


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number:,} times"


def _of(amount: Amount | None, what: str) -> str:
    """Return what a percentage is of; "" for a count."""
    return f" ({amount} {what})" if isinstance(amount, str) else ""
