"""What the checker remembers of one deployment: how it began, what it assigned, and when it stood still."""

import json
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import msgspec

from simulator.checker.rows import FAILED, DeploymentRow, Pair, TargetRow, over


class SeenAssignment(msgspec.Struct, frozen=True):
    """A target's instance at the moment of its assignment."""

    at: int
    stored_at: int
    """The number of the commit that made the assignment."""
    generation: int
    status: int


class Report(msgspec.Struct, frozen=True):
    """A heartbeat that is stored, with what it left out as it was."""

    at: int
    stored_at: int
    """The number of the commit that stored it."""
    status: int
    says_status: bool
    current: Pair
    observed: int | None

    def counts(self, assignment: SeenAssignment) -> bool:
        """Tell whether it is about an assignment, and came after it."""
        if self.stored_at <= assignment.stored_at:
            return False
        return self.observed == assignment.generation if self.observed is not None else self.at >= assignment.at


class DeploymentHistory:
    """One deployment since its trigger, as the checker saw it."""

    def __init__(self, row: DeploymentRow, matched: int, values: int, undone: "DeploymentHistory | None") -> None:
        self.row = row
        self.matched = matched
        self.policy: Mapping[str, Any] = json.loads(row.policy)
        self.window: int = undone.window if undone else count_of(self.policy["batch_size"], matched)
        self.share = None if self.setting("spread_by") is None else -(-self.window // max(1, values))
        self.waves = _sizes(self.setting("waves") or [], matched)
        self.failed: set[int] = set()
        self.had: dict[int, tuple[Pair, Pair, Pair]] = {}
        """By instance: its last good state, what it reported and what it was to be, before the assignment."""
        self.assigned: dict[int, SeenAssignment] = {}
        """By target: the newest assignment."""
        self.spread: dict[int, str] = {}
        """By target: its instance's value of the label to spread by, when it became a target."""
        self.pauses: list[tuple[int, int]] = []
        self.paused_at: int | None = None
        self.wave_over_at: int | None = None
        self.waits: list[tuple[int, int]] = []
        """When a wave waited for its promotion."""
        self.waits_since: int | None = None
        self.waits_for_health = 0
        """The number of the wave that was promoted, and has not opened the next one yet."""
        self.promoted = 0
        """The number of the wave that an operator promoted last."""

    def setting(self, name: str) -> Any:
        """Return a field of the policy; None for one that there is not."""
        return self.policy.get(name)

    @property
    def rolls_back(self) -> bool:
        """True for a rollback."""
        return self.row.kind == "rollback"

    def threshold(self, row: DeploymentRow) -> int:
        """Return how many failures stop it, in its open wave and without those that were decommissioned unfinished."""
        size = self.waves[min(row.wave_open, len(self.waves)) - 1]
        return count_of(self.policy["failure_threshold"], max(1, min(size, self.waves[-1] - row.decommissioned)))

    def had_before(self, instance_id: int, managed: Pair) -> Pair:
        """Return what an instance returns to: the managed versions only, each as it was last known to be good."""
        last_good, current, desired = self.had.get(instance_id, ((None, None),) * 3)
        had = over(over(last_good, current), desired)
        return had[0] if managed[0] is not None else None, had[1] if managed[1] is not None else None

    def pauses_until(self, now: int) -> list[tuple[int, int]]:
        """Return when it was paused."""
        return [*self.pauses, (self.paused_at, now)] if self.paused_at is not None else self.pauses

    def waits_until(self, now: int) -> list[tuple[int, int]]:
        """Return when a wave waited for its promotion."""
        return [*self.waits, (self.waits_since, now)] if self.waits_since is not None else self.waits


def count_of(amount: int | str, matched: int) -> int:
    """Return how many an amount means: in fractions, another way than the engine's."""
    if isinstance(amount, int):
        return amount
    exact = Fraction(amount.rstrip("%")) * matched / 100
    return max(1, exact.__ceil__())


def earned_failure(report: Report, story: DeploymentHistory, target: TargetRow, reports: list[Report]) -> bool:
    """Tell whether a report says that an update failed: FAILED, about this assignment, and news."""
    assignment = story.assigned[target.id]
    if report.status != FAILED or not report.says_status or not report.counts(assignment):
        return False
    if target.state == "succeeded":
        return True
    if report.observed is not None or assignment.status != FAILED:
        return True
    earlier = reports[: reports.index(report)]
    return any(each.says_status and each.status != FAILED and each.counts(assignment) for each in earlier)


def _sizes(waves: list[int | str], matched: int) -> list[int]:
    sizes: list[int] = []
    for amount in waves:
        size = count_of(amount, matched)
        if size < matched and size > max(sizes, default=0):
            sizes.append(size)
    return [*sizes, matched]
