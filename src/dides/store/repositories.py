"""What every store offers for instances, events and notes, and guarantees of each method.

Deployments and their targets are in dides.store.rollout_repositories.

The methods are synchronous and belong to one transaction (dides.store.interface). They compare and set, nothing more.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from dides.model.instance import Instance, Matched
from dides.model.selector import Selector
from dides.model.state import State, Status
from dides.store.batching import MOST
from dides.store.records import Convergence, Event, LastSeenBlocks, NewAssignment


class Inventory(Protocol):
    """The instances and their credentials."""

    def add(self, instance: Instance, credential_hash: bytes) -> Instance:
        """Store a new instance (its id is ignored) and return it with its id. StaleError if the name is taken."""
        ...

    def record(self, reported: Sequence[Instance]) -> None:
        """Write what instances report of themselves: status, versions, message, last-seen time, last good state."""
        ...

    def show(self, instances: Iterable[Instance]) -> None:
        """Tell followers of these instances as they are, though nothing of them is changed."""
        ...

    def assign(self, assignments: Sequence[NewAssignment]) -> dict[int, int]:
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

    def page(
        self, selector: Selector, status: Status | None, after: str, limit: int, *, duplicated_at: int | None = None
    ) -> list[Instance]:
        """Return up to `limit` matching instances whose names come after `after`, by name.

        With `duplicated_at` only those that are duplicated at that moment (ms).
        """
        ...

    def count(self, selector: Selector, status: Status | None, *, duplicated_at: int | None = None) -> int:
        """Return how many instances match, as `page` has them."""
        ...

    def label_keys(self) -> list[str]:
        """Return the keys of all labels that any instance has, each once, in order; costs what it finds."""
        ...

    def relabel(self, instance: Instance) -> None:
        """Replace the labels of an instance."""
        ...

    def credential_of(self, name: str) -> bytes | None:
        """Return the hash of an instance's credential."""
        ...

    def assigned_by(self, deployment_id: int) -> list[Instance]:
        """Return the instances whose desired state this deployment has set last."""
        ...

    def owner_of(self, credential_hash: bytes) -> str | None:
        """Return the name of the instance that has this credential."""
        ...

    def reachable_names(self) -> list[str]:
        """Return the names of the instances that are thought to be reachable."""
        ...

    def silence(self, deployment_id: int, heard_after: int, succeeded_after: int) -> tuple[int, int, int | None]:
        """Return how many instances are reachable, how many not, and when any of these was heard of last (ms).

        Of the unreachable only those that were heard of after a moment count. Targets of a deployment that are
        updating, or have succeeded after another moment, are left out of both. It costs what the fleet counts.
        """
        ...

    def remove(self, instance: Instance, at_ms: int) -> None:
        """Delete an instance; its credential is remembered as that of a decommissioned one."""
        ...

    def decommissioned(self, credential_hash: bytes) -> str | None:
        """Return the name of the decommissioned instance that had this credential."""
        ...

    def forget_decommissioned(self, before: int, most: int = MOST) -> int:
        """Drop the remembered credentials from before a moment, `most` of them at once; return how many."""
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

    def count_assigned(self, source_id: int) -> int:
        """Return how many instances have been told the state of this deployment and are not there yet."""
        ...

    def sources(self) -> list[int]:
        """Return the deployments for whose states instances wait."""
        ...

    def numbers(self) -> dict[int, tuple[int, int]]:
        """Return, by deployment, how many instances wait for its state, and how many are on their way to it."""
        ...

    def waiting(self, source_id: int, limit: int | None = None) -> list[Convergence]:
        """Return up to `limit` instances that wait for their turn, in the order in which they returned.

        Not those that are targets of the deployment in flight, which will tell them; but for those that run nothing and
        were told nothing, as far as is known: they would have nothing to run until then.
        """
        ...

    def of_assigned_targets(self, deployment_id: int) -> list[Convergence]:
        """Return the convergences of the instances that are told targets of this deployment."""
        ...

    def overdue(self, now: int) -> list[Convergence]:
        """Return those told whose deadline has passed."""
        ...

    def shift_deadlines(self, by_ms: int, at_least: int) -> None:
        """Move the deadlines of those told by so many milliseconds, and not before a moment."""
        ...


class Heirs(Protocol):
    """Which instances were given the state of which deployments by inheritance; kept when others assign them later."""

    def add(self, source_id: int, instance_ids: Iterable[int]) -> None:
        """Remember instances as heirs of a deployment, where they are not yet."""
        ...

    def any(self, source_id: int) -> bool:
        """Tell whether a deployment has heirs."""
        ...

    def of(self, source_id: int) -> list[Instance]:
        """Return the heirs that no later deployment, not withdrawn, has told since, or given its state."""
        ...

    def forget(self, source_id: int, instance_ids: Iterable[int]) -> None:
        """Remember instances as heirs of a deployment no longer."""
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

    def of_instance(self, name: str, limit: int, newest: int) -> list[Event]:
        """Return up to `limit` events of an instance, newest first, from among the `newest` events of all.

        No index leads to them, because it would have to be written with every event: so it costs what it looks through.
        """
        ...

    def prune(self, before: int, most: int = MOST) -> int:
        """Delete the events before the first one that is not older than a moment; return how many.

        The oldest `most` of them at once: one transaction with all of them would keep everybody else waiting.
        Ids are in the order of time but for fractions of a second, so that the first one is searched for by id.
        """
        ...


class Keys(Protocol):
    """Idempotency keys, and the coordinator's own notes."""

    def remembered(self, actor: str, key: str, since: int) -> tuple[bytes, int] | None:
        """Return the body's hash and the deployment of an earlier request with this key."""
        ...

    def remember(self, actor: str, key: str, body_hash: bytes, deployment_id: int, at_ms: int) -> None:
        """Store a key, or replace an expired one."""
        ...

    def forget(self, before: int, most: int = MOST) -> int:
        """Delete keys older than a moment, `most` of them at once; return how many."""
        ...

    def noted(self, name: str) -> int | None:
        """Return a number noted under a name."""
        ...

    def write_down(self, name: str, value: int) -> None:
        """Note a number under a name."""
        ...


class LastSeen(Protocol):
    """The last-seen times of the instances, kept apart from them because they change with every heartbeat.

    Each coordinator writes its own, packed into blocks; what a block holds is the coordinator's business.
    """

    def put(self, coordinator: str, blocks: Mapping[int, bytes], at_ms: int) -> None:
        """Store or replace blocks of a coordinator, by number, as of a moment (ms)."""
        ...

    def of_others(self, coordinator: str, since: int) -> dict[str, LastSeenBlocks]:
        """Return the blocks of all coordinators but this one, as of a moment (ms) or later."""
        ...

    def forget(self, before: int, most: int = MOST) -> int:
        """Delete the blocks as of before a moment (ms), `most` of them at once; return how many."""
        ...
