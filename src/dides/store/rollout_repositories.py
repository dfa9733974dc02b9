"""What every store offers for deployments and their targets, and guarantees of each method.

The methods are synchronous and belong to one transaction (dides.store.interface). They compare and set, nothing more.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from dides.model.deployment import Deployment, DeploymentStatus, Kind, Target, TargetState
from dides.model.plan import Assignment, Candidate, Postponed, Reassignment, Settled, Touched
from dides.store.batching import MOST
from dides.store.records import NewDeployment, NewTarget


class Deployments(Protocol):
    """The deployments. Every change of one compares its revision, see StaleError."""

    def create(self, new: NewDeployment) -> Deployment:
        """Store a deployment in flight; its targets are to be added in the same unit of work.

        StaleError when another is in flight: a unique index sees to it that there is never more than one.
        """
        ...

    def get(self, deployment_id: int) -> Deployment | None:
        """Return one deployment."""
        ...

    def in_flight(self) -> Deployment | None:
        """Return the deployment in flight."""
        ...

    def newest(self, kind: Kind) -> Deployment | None:
        """Return the newest deployment of a kind."""
        ...

    def newest_to_undo(self) -> Deployment | None:
        """Return the newest deployment of kind deploy that assigned anything and is not withdrawn."""
        ...

    def later_than(self, deployment_id: int) -> list[Deployment]:
        """Return the later deployments of kind deploy that are not withdrawn."""
        ...

    def stopped_converging(self) -> list[Deployment]:
        """Return the deployments, not withdrawn, from which convergence has stopped, newest first."""
        ...

    def withdrawn_by(self, rollback_id: int) -> list[Deployment]:
        """Return the deployments that a rollback withdraws: the one that it undoes, and those that repeated that."""
        ...

    def page(self, status: DeploymentStatus | None, before: int | None, limit: int) -> list[Deployment]:
        """Return up to `limit` deployments with ids under `before`, newest first."""
        ...

    def newest_completed(self) -> list[Deployment]:
        """Return completed deployments, newest first; of those alike the newest only.

        Alike are those with the same kind, labels and selector that name the same versions or leave them out alike, and
        are withdrawn or not alike: whatever one asks of the past, an older one would never be the answer.
        """
        ...

    def forget(self, before: int, after: int, limit: int) -> int | None:
        """Forget what nothing needs of up to `limit` deployments that ended before a moment (ms), with ids above one.

        Needed is what an instance has its desired state from, or waits for; what is inherited, or would be once that is
        undone; what can still be undone; and the rollbacks of such, and what they undo. Nobody sees a forgotten one
        any more. Returns the last id looked at when there may be more, else None.
        """
        ...

    def any_forgotten(self) -> bool:
        """Tell whether anything of forgotten deployments is left to be deleted."""
        ...

    def sweep(self, most: int = MOST) -> int:
        """Delete up to `most` targets and heirs of forgotten deployments, and then these; return how many rows."""
        ...

    def save(self, deployment: Deployment) -> Deployment:
        """Write what may change of a deployment, if nobody else has since it was read; StaleError otherwise."""
        ...


class Targets(Protocol):
    """The targets of deployments. Whoever changes their states also saves the deployment: that is compared."""

    def create(self, deployment_id: int, its_targets: Sequence[NewTarget]) -> None:
        """Store the fixed list of targets of a new deployment, in its order."""
        ...

    def of(self, deployment_id: int, instance_ids: Iterable[int]) -> list[Target]:
        """Return the targets of these instances in a deployment."""
        ...

    def page(self, deployment_id: int, state: TargetState | None, after: int, limit: int) -> list[Target]:
        """Return up to `limit` targets with positions above `after`, in order."""
        ...

    def reported(self, deployment_id: int) -> tuple[Target, ...]:
        """Return the targets that heartbeats have marked."""
        ...

    def due(self, deployment_id: int, now: int) -> tuple[Target, ...]:
        """Return the targets of which a moment has come (`Target.due_at`)."""
        ...

    def timed(self, deployment_id: int) -> tuple[Target, ...]:
        """Return every target that waits for a moment: the updating ones, and successes that have lapsed."""
        ...

    def updating(self, deployment_id: int) -> tuple[Target, ...]:
        """Return every updating target."""
        ...

    def next_deadline(self, deployment_id: int, now: int) -> int | None:
        """Return the earliest moment after now among the targets."""
        ...

    def candidates(
        self, deployment_id: int, limit: int, of_each: Mapping[str, int] | None = None
    ) -> tuple[Candidate, ...]:
        """Return up to `limit` next pending targets in order, without those put off, with their instances.

        With `of_each`: up to so many of each of these values of `spread_by` instead, and none of other values.
        """
        ...

    def unhealthy(self, deployment_id: int, limit: int) -> tuple[Candidate, ...]:
        """Return up to `limit` candidates that are written down as not HEALTHY, in order."""
        ...

    def lapsed(self, deployment_id: int, wave: int, limit: int) -> list[str]:
        """Return the names of up to `limit` succeeded targets of a wave that have lapsed, in order."""
        ...

    def touched(self, deployment_id: int) -> list[Touched]:
        """Return every target that was told and whose instance still exists, with its instance."""
        ...

    def any_assigned(self, deployment_id: int) -> bool:
        """Tell whether any target has become updating, whatever has become of its instance since."""
        ...

    def late(self, deployment_id: int) -> list[Target]:
        """Return the targets whose instances had not yet converged when this deployment assigned them."""
        ...

    def restored(self, undone_id: int) -> frozenset[int]:
        """Return the instances (ids) that the rollbacks of a deployment have restored, one after another."""
        ...

    def taken_over_by(self, deployment_id: int, later: Sequence[int]) -> int | None:
        """Return the newest of later deployments that gave its state to an instance which this one has touched.

        As a target that became updating, or by inheritance.
        """
        ...

    def deferred(self, deployment_id: int) -> tuple[Candidate, ...]:
        """Return the pending targets that were put off, with their instances."""
        ...

    def note(self, noted: Sequence[Target], *, marked: bool) -> None:
        """Store what heartbeats say of targets; marked ones are shown to the next step."""
        ...

    def set_unhealthy(self, targets: Sequence[Target]) -> None:
        """Write down whether the instances of these targets are HEALTHY (`Target.unhealthy`)."""
        ...

    def unmark(self, seen: Sequence[Target]) -> None:
        """Take the marks off: a step has seen these reports."""
        ...

    def settle(self, settled: Sequence[Settled], now: int) -> None:
        """Set the final states of targets."""
        ...

    def assign(self, assigned: Sequence[Assignment], generations: Mapping[int, int], now: int) -> None:
        """Set targets told, with their instances' new generations by instance id."""
        ...

    def postpone(self, postponed: Sequence[Postponed]) -> None:
        """Set updating targets to wait for their next attempt."""
        ...

    def reassign(self, reassigned: Sequence[Reassignment], generations: Mapping[int, int], now: int) -> None:
        """Set updating targets told once more, with their instances' new generations by instance id."""
        ...

    def defer(self, deployment_id: int, deferred: Sequence[Target]) -> None:
        """Move pending targets to the end of the order, out of the candidates' sight."""
        ...

    def undefer(self, returned: Sequence[Target]) -> None:
        """Make put-off targets candidates again, at the place they have now."""
        ...

    def skip_pending(self, deployment_id: int, reason: str, now: int) -> None:
        """Skip every pending target."""
        ...

    def append(self, deployment_id: int, target: NewTarget) -> None:
        """Add a pending target at the end of the order."""
        ...

    def detach(self, instance_id: int) -> None:
        """Keep the finished targets of an instance that is decommissioned, under its name alone."""
        ...

    def remove(self, target: Target) -> None:
        """Delete an unfinished target."""
        ...

    def reschedule(self, changed: Sequence[Target]) -> None:
        """Write the moments that updating targets wait for, and at which they were told."""
        ...
