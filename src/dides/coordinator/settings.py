"""What a coordinator can be told to do differently."""

import msgspec


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The coordinator's settings; times are seconds unless their names say otherwise."""

    heartbeat_interval: float = 10.0
    """How often instances are asked to report, at the least."""
    time_to_live: float = 30.0
    """How long an instance may be silent before it counts as unreachable."""
    reconcile_interval: float = 5.0
    """How often a step is taken even if nothing asks for one; 0 is the manual mode: steps are taken by request only."""
    outage_limit: float = 3600.0
    """How long a deployment is held because most instances fell silent at once."""
    max_heartbeats: float = 10_000.0
    """How many heartbeats a second the whole fleet may send; beyond that instances are asked to report less often."""
    instance_requests: float = 5.0
    """How many requests a second one instance may send; 0: no limit. Ten seconds of them may come at once."""
    instance_changes: float = 1.0
    """How many of them may change something; 0: no limit. Twenty seconds of them may come at once."""
    keep_deployments_days: float = 365.0
    """How long deployments that have ended, and their targets, are kept, where nothing needs them any more."""
    keep_events_days: float = 90.0
    """How long events, and the credentials of decommissioned instances, are kept."""
