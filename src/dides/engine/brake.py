"""The brake on convergence: a version that fails on those who inherit it is not given to the rest of them.

An heir is an instance that joined or returned after the end of a deployment, its source. Heirs are no targets: the
source is over, and its own `failed` says nothing about them. So it counts heirs that failed, or took too long, since
the last one arrived; those that fell silent do not count, for they may only have been switched off.

Worked: `failure_threshold` 5 and a window of 2 are a limit of 2 for the first heirs, and of 3 once one has arrived.
"""

import msgspec

from dides.engine.threshold import threshold_of
from dides.model.deployment import Brake, Deployment

AT_LEAST = 3
"""The limit once an heir has arrived: the version works, so a few failures may have other causes."""


def limit_of(source: Deployment) -> int:
    """Return how many heirs may fail, one after another, before convergence from a source stops."""
    limit = min(threshold_of(source), source.window)
    return max(limit, AT_LEAST) if source.brake.arrived else limit


def fared(source: Deployment, *, arrived: int, failed: int, now: int) -> Deployment:
    """Return a source once heirs have arrived and failed; of those in one transaction the failures come last."""
    brake = source.brake
    counted = msgspec.structs.replace(
        brake, arrived=brake.arrived + arrived, failed=failed + (0 if arrived else brake.failed)
    )
    source = msgspec.structs.replace(source, brake=counted)
    if not failed or brake.stopped_at is not None or counted.failed < limit_of(source):
        return source
    return msgspec.structs.replace(source, brake=msgspec.structs.replace(counted, stopped_at=now))


def is_stopped(source: Deployment) -> bool:
    """Tell whether convergence from a source has stopped."""
    return source.brake.stopped_at is not None


def released(source: Deployment) -> Deployment:
    """Return a source whose heirs converge again; what has failed so far counts no more."""
    return msgspec.structs.replace(source, brake=Brake(arrived=source.brake.arrived))


def replaces(newer: Deployment, older: Deployment) -> bool:
    """Tell whether nobody inherits from the older of two sources any more, as far as that can be said of all instances.

    The newer one names every version that the older one names, for every instance that matches that.
    """
    names_all = older.to.only_managed_by(newer.to) == older.to
    wider = newer.labels.items() <= older.labels.items() and newer.selector in (None, older.selector)
    return newer.id > older.id and names_all and wider
