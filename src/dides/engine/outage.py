"""A cut network is an outage, and no failure of the version that happens to be rolled out.

    none     -> lasts    most instances that nothing was done to fall silent within one time to live
    lasts    -> none     at most half of them are silent
    lasts    -> over     an operator resumes, or it has lasted for the limit: whoever is silent counts as silent
    over     -> none     at most half of them are silent: only then may another one begin

While it lasts the deployment is as if paused from their last report on: verdicts and trips go on, nothing new is told,
timers stand still. A rollback is never held: it goes on with whoever answers.

Instances that are being updated, and those that succeeded less than `update_timeout` ago, say nothing of the network:
the version may have silenced them. Nor do those that were silent before.

Worked: of 50 instances 4 were dead before, 10 are updating, 6 have just succeeded. The base is 30; when 16 of these are
silent within one time to live, it is an outage; when 15 are, it is over. Of a fleet of 3, one of which is updating, the
two others have to be silent. With one that updates and one that has just succeeded nobody can tell: what is left, one
instance, may have died by itself.
"""

import msgspec

from dides.model.deployment import Deployment, DeploymentStatus, Outage

FEWEST = 5
"""So many have to be silent when not all are."""
FEWEST_OF_ALL = 2


class Silence(msgspec.Struct, frozen=True):
    """The instances that nothing was done to, as they are now."""

    reachable: int
    silent: int
    """How many of them have fallen silent within one time to live, or since an outage has begun."""
    last_report_at: int | None
    """When any of these was heard of last (ms)."""


def begun(silence: Silence) -> Outage | None:
    """Return the outage that such a silence is, or None when it is none."""
    base = silence.silent + silence.reachable
    most = silence.silent >= FEWEST and 2 * silence.silent > base
    everybody = silence.silent >= FEWEST_OF_ALL and silence.reachable == 0
    if silence.last_report_at is None or not (most or everybody):
        return None
    return Outage(since=silence.last_report_at, base=base)


def reviewed(outage: Outage, silent: int, now: int, limit: int) -> Outage | None:
    """Return an outage once so many are silent; it lasts for `limit` ms at the most. None: another one may begin."""
    if 2 * silent <= outage.base:
        return None
    return ended(outage) if now - outage.since >= limit else outage


def ended(outage: Outage) -> Outage:
    """Return an outage that was ended though most are silent still."""
    return msgspec.structs.replace(outage, over=True)


def stood_still_since(deployment: Deployment) -> int | None:
    """Return since when (ms) a deployment stands still in a pause, an outage, or both; None when it does not."""
    silent_since = deployment.outage.since if deployment.outage and deployment.held_by_outage else None
    return min((moment for moment in (deployment.paused_at, silent_since) if moment is not None), default=None)


def counted_from(deployment: Deployment, moment: int) -> int:
    """Return the moment (ms) from which a timeout counts that begins at `moment`, in the time in which timers run.

    Timers that stand still now are moved by all of that time when they go on, so a timeout that begins meanwhile
    counts from when they stopped. Before they went on last they may have stood still: that time is left out as a
    whole, so a timeout may end late by up to a time to live, and never too early.
    """
    going_since = moment if deployment.resumed_at is None else max(moment, deployment.resumed_at)
    still_since = stood_still_since(deployment)
    return going_since if still_since is None else min(going_since, still_since)


def as_paused(deployment: Deployment) -> Deployment:
    """Return a deployment as the rules of a step see it: in an outage it is as if paused."""
    if not deployment.held_by_outage:
        return deployment
    since = stood_still_since(deployment)
    return msgspec.structs.replace(deployment, status=DeploymentStatus.PAUSED, paused_at=since)


def as_stored(deployment: Deployment, before: Deployment) -> Deployment:
    """Return what a step has made of a deployment that `as_paused` was made of."""
    return msgspec.structs.replace(deployment, status=before.status, paused_at=before.paused_at)
