"""How often instances report: as often as asked for, until that would be more heartbeats a second than the limit.

Then the interval stretches with the fleet, and with it the time to live, so that the load stays at the limit however
many instances there are (as Nomad's servers pace their clients, `max_heartbeats_per_second`). Instances that are being
updated are those from which news is awaited: they report twice as often, while they are no more than half of the load.
"""

import msgspec

SHORTEST = 1.0
"""Seconds; an interval is not halved to below this."""


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How a fleet reports. Seconds."""

    interval: float
    """For instances of which no news is awaited."""
    updating: float
    """For instances that are being updated."""
    time_to_live: float
    """How long one may be silent before it counts as unreachable."""


def pace_of(reachable: int, awaited: int, *, interval: float, time_to_live: float, most: float) -> Pace:
    """Return the pace of so many reachable instances, of which news is awaited of some.

    `interval` and `time_to_live` are what was asked for, `most` is the limit in heartbeats a second. Those awaited may
    take up half of it.
    """
    updating = max(interval / 2, min(interval, SHORTEST), awaited / (most / 2))
    left = most - awaited / updating
    stretch = max(1.0, (reachable - awaited) / (left * interval), updating / interval)
    return Pace(
        interval=round(interval * stretch, 3),
        updating=round(updating, 3),
        time_to_live=time_to_live * stretch,
    )


def allowed_silence(now: Pace, earlier: Pace) -> float:
    """Return how long (seconds) an instance may be silent that may have been told its interval under either pace."""
    return max(now.time_to_live, earlier.time_to_live)
