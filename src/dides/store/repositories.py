"""What every store offers for each kind of record, and guarantees of each method.

The methods are synchronous and belong to one transaction (dides.store.base). They compare and set, nothing more.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from dides.model.deployment import Deployment, DeploymentStatus, Kind, Target, TargetState
from dides.model.instance import Instance, Matched
from dides.model.plan import Assignment, Candidate, Postponed, Retelling, Settled, Touched
from dides.model.selector import Selector
from dides.model.state import State, Status
from dides.store.records import Convergence, Event, NewDeployment, NewTarget, Sighted, Telling


class Inventory(Protocol):
    """The instances and their credentials."""

    def add(self, instance: Instance, credential_hash: bytes) -> Instance:
        """Store a new instance (its id is ignored) and return it with its id. StaleError if the name is taken."""
        ...

    def record(self, reported: Sequence[Instance]) -> None:
        """Write what instances report of themselves: status, versions, message, sign of life, last good state."""
        ...

    def show(self, instances: Iterable[Instance]) -> None:
        """Tell followers of these instances as they are, though nothing of them is changed."""
        ...

    def tell(self, tellings: Sequence[Telling]) -> dict[int, int]:
        """Set desired states, each under the instance's next generation; return the generations by instance id."""
        ...

    def replace(self, instance: Instance, credential_hash: bytes) -> None:
        """Write what a registration brings: ip, labels, credential, and the report that it resets."""
        ...

    def set_last_good(self, states: Mapping[int, State]) -> None:
        """Set the last good states by instance id."""
        ...

    def get(self, name: str) -> Instance | None:
        """Return one instance."""
        ...

    def many(self, names: Iterable[str], *, locked: bool = False) -> dict[str, Instance]:
        """Return those of the named instances that exist, by name.

        With `locked` nobody else changes them until this unit of work is done; one unit locks once, so that no two
        wait for each other.
        """
        ...

    def numbered(self, ids: Iterable[int], *, locked: bool = False) -> dict[str, Instance]:
        """Return those of the instances with these ids that exist, by name; `locked` as in `many`.

        In a large fleet this is quicker than to look for their names.
        """
        ...

    def matching(self, selector: Selector, spread_by: str | None = None) -> list[Matched]:
        """Return every instance that the selector matches, with its value of the label `spread_by` if one is named."""
        ...

    def page(self, selector: Selector, status: Status | None, after: str, limit: int) -> list[Instance]:
        """Return up to `limit` matching instances whose names come after `after`, by name."""
        ...

    def count(self, selector: Selector, status: Status | None) -> int:
        """Return how many instances match."""
        ...

    def relabel(self, instance: Instance) -> None:
        """Replace the labels of an instance."""
        ...

    def credential_of(self, name: str) -> bytes | None:
        """Return the hash of an instance's credential."""
        ...

    def told_by(self, deployment_id: int) -> list[Instance]:
        """Return the instances whose desired state this deployment has set last."""
        ...

    def owner_of(self, credential_hash: bytes) -> str | None:
        """Return the name of the instance that has this credential."""
        ...

    def reachable_names(self) -> list[str]:
        """Return the names of the instances that are thought to be reachable."""
        ...

    def remove(self, instance: Instance, at: int) -> None:
        """Delete an instance; its credential is remembered as that of a decommissioned one."""
        ...

    def decommissioned(self, credential_hash: bytes) -> str | None:
        """Return the name of the decommissioned instance that had this credential."""
        ...

    def forget_decommissioned(self, before: int) -> int:
        """Drop the remembered credentials from before a moment; return how many."""
        ...


class Convergences(Protocol):
    """The instances that joined or returned late and inherit a state, at most one each."""

    def put(self, convergence: Convergence) -> None:
        """Store or replace an instance's convergence."""
        ...

    def drop(self, instance_ids: Iterable[int]) -> None:
        """Forget the convergences of these instances, where there are any."""
        ...

    def of(self, instance_ids: Iterable[int]) -> list[Convergence]:
        """Return the convergences of these instances."""
        ...

    def any(self) -> bool:
        """Tell whether there is any, at little cost."""
        ...

    def told(self, source_id: int) -> int:
        """Return how many instances have been told the state of this deployment and are not there yet."""
        ...

    def sources(self) -> list[int]:
        """Return the deployments for whose states instances wait."""
        ...

    def waiting(self, source_id: int, limit: int | None = None) -> list[Convergence]:
        """Return up to `limit` instances that wait for their turn, in the order in which they returned.

        Not those that are targets of the deployment in flight, which will tell them; but for those that run nothing and
        were told nothing, as far as is known: they would have nothing to run until then.
        """
        ...

    def of_told_targets(self, deployment_id: int) -> list[Convergence]:
        """Return the convergences of the instances that are told targets of this deployment."""
        ...

    def overdue(self, now: int) -> list[Convergence]:
        """Return those told whose deadline has passed."""
        ...

    def shift_deadlines(self, by: int, at_least: int) -> None:
        """Move the deadlines of those told by so many milliseconds, and not before a moment."""
        ...


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

    def page(self, status: DeploymentStatus | None, before: int | None, limit: int) -> list[Deployment]:
        """Return up to `limit` deployments with ids under `before`, newest first."""
        ...

    def newest_completed(self) -> list[Deployment]:
        """Return completed deployments, newest first; of those alike the newest only.

        Alike are those with the same kind, labels and selector that name the same versions or leave them out alike, and
        are undone or not alike: whatever one asks of the past, an older one would never be the answer.
        """
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
        """Return the updating targets of which a moment has come (`Target.due_at`)."""
        ...

    def updating(self, deployment_id: int) -> tuple[Target, ...]:
        """Return every updating target."""
        ...

    def next_deadline(self, deployment_id: int, now: int) -> int | None:
        """Return the earliest moment after now among the updating targets."""
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

    def touched(self, deployment_id: int) -> list[Touched]:
        """Return every target that was told and whose instance still exists, with its instance."""
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

    def retell(self, retold: Sequence[Retelling], generations: Mapping[int, int], now: int) -> None:
        """Set updating targets told once more, with their instances' new generations by instance id."""
        ...

    def defer(self, deployment_id: int, put_off: Sequence[Target]) -> None:
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
        """Write the moments that updating targets wait for."""
        ...


class Events(Protocol):
    """The append-only log of what happened."""

    def append(self, happened: Sequence[Event]) -> None:
        """Add events in this order."""
        ...

    def page(
        self, deployment_id: int | None, cursor: int | None, limit: int, *, newest_first: bool = False
    ) -> list[Event]:
        """Return up to `limit` events beyond a cursor (an event's id), oldest or newest first."""
        ...

    def prune(self, before: int) -> int:
        """Delete the events before the first one that is not older than a moment; return how many.

        Ids are in the order of time but for fractions of a second, so that the first one is searched for by id.
        """
        ...


class Keys(Protocol):
    """Idempotency keys, and the coordinator's own notes."""

    def remembered(self, actor: str, key: str, since: int) -> tuple[bytes, int] | None:
        """Return the body's hash and the deployment of an earlier request with this key."""
        ...

    def remember(self, actor: str, key: str, body_hash: bytes, deployment_id: int, at: int) -> None:
        """Store a key, or replace an expired one."""
        ...

    def forget(self, before: int) -> int:
        """Delete keys older than a moment; return how many."""
        ...

    def noted(self, name: str) -> int | None:
        """Return a number noted under a name."""
        ...

    def write_down(self, name: str, value: int) -> None:
        """Note a number under a name."""
        ...


class Sightings(Protocol):
    """The last signs of life of the instances, kept apart from them because they change with every heartbeat.

    Each coordinator writes its own, packed into blocks; what a block holds is the coordinator's business.
    """

    def put(self, coordinator: str, blocks: Mapping[int, bytes], at: int) -> None:
        """Store or replace blocks of a coordinator, by number, as of a moment (ms)."""
        ...

    def of_others(self, coordinator: str, since: int) -> dict[str, Sighted]:
        """Return the blocks of all coordinators but this one, as of a moment (ms) or later."""
        ...

    def forget(self, before: int) -> int:
        """Delete the blocks as of before a moment (ms); return how many."""
        ...
