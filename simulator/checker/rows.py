"""The rows of the tables as the checker reads them, by the names of their columns."""

import msgspec

Pair = tuple[str | None, str | None]
"""A code and a configuration."""
FINAL = ("completed", "failed", "aborted")
UNKNOWN, HEALTHY, DEGRADED, FAILED = range(4)


class InstanceRow(msgspec.Struct, frozen=True):
    """A row of `instances`."""

    id: int
    name: str
    labels: str
    status: int
    current_code: str | None
    current_configuration: str | None
    desired_code: str | None
    desired_configuration: str | None
    last_good_code: str | None
    last_good_configuration: str | None
    generation: int
    assigned_by: int | None
    registered_at: int
    last_heartbeat_at: int | None
    reachable: int
    session: str | None
    sequence: int
    earlier_sessions: str | None
    duplicated_until: int

    @property
    def current(self) -> Pair:
        """What it reports."""
        return self.current_code, self.current_configuration

    @property
    def desired(self) -> Pair:
        """What it should be; nothing at all is a pair of nothing."""
        return self.desired_code, self.desired_configuration

    @property
    def last_good(self) -> Pair:
        """Its last good state."""
        return self.last_good_code, self.last_good_configuration


class DeploymentRow(msgspec.Struct, frozen=True):
    """A row of `deployments`."""

    id: int
    revision: int
    kind: str
    status: str
    reason: str
    code: str | None
    configuration: str | None
    labels: str
    selector: str | None
    policy: str
    batch_window: int
    total: int
    pending: int
    updating: int
    succeeded: int
    failed: int
    skipped: int
    already: int
    deferred: int
    unavailable: int
    silent: int
    degraded: int
    joined_failed: int
    decommissioned: int
    spread: str
    wave_open: int
    rollback_of: int | None
    rolled_back_by: int | None
    withdrawn: int
    forgotten: int
    heirs_stopped_at: int | None
    outage_since: int | None
    outage_over: int
    created_at: int
    finished_at: int | None

    @property
    def to(self) -> Pair:
        """What it rolls out."""
        return self.code, self.configuration

    @property
    def in_flight(self) -> bool:
        """True until it has ended."""
        return self.status not in FINAL

    @property
    def held_by_outage(self) -> bool:
        """True while most instances are silent for which no version is to blame."""
        return self.outage_since is not None and not self.outage_over


class TargetRow(msgspec.Struct, frozen=True):
    """A row of `targets`."""

    id: int
    deployment_id: int
    instance_id: int | None
    instance: str
    state: str
    deferred: int
    reason: str
    to_code: str | None
    to_configuration: str | None
    earlier_code: str | None
    earlier_configuration: str | None
    generation: int
    attempt: int
    assigned_at: int | None
    wave: int
    spread: str
    already: int
    joined: int
    lapse: str | None

    @property
    def to(self) -> Pair:
        """What it is told."""
        return self.to_code, self.to_configuration

    @property
    def earlier(self) -> Pair:
        """What its instance was to be before."""
        return self.earlier_code, self.earlier_configuration


class ConvergenceRow(msgspec.Struct, frozen=True):
    """A row of `convergences`."""

    id: int
    instance_id: int
    source_id: int
    code: str | None
    configuration: str | None
    assigned_at: int | None

    @property
    def desired(self) -> Pair:
        """What the instance inherits."""
        return self.code, self.configuration


def over(new: Pair, old: Pair) -> Pair:
    """Return a pair with what it leaves out taken from an earlier one."""
    return new[0] if new[0] is not None else old[0], new[1] if new[1] is not None else old[1]


def meets(current: Pair, desired: Pair) -> bool:
    """Tell whether every version that is desired is there."""
    return desired[0] in (None, current[0]) and desired[1] in (None, current[1])
