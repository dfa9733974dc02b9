"""Takes heartbeats in: one unit of work for as many as have gathered."""

from collections.abc import Callable, Iterable, Sequence

import msgspec
from msgspec import UNSET

from dides.coordinator.transactions import convergence
from dides.coordinator.transactions.flapping import News, all_events
from dides.coordinator.transactions.record import event
from dides.coordinator.transactions.target_reports import apply_duplicates, apply_reports, targets_of
from dides.engine.lapse import awaits_confirmation
from dides.engine.rollback import last_good_after
from dides.engine.sessions import Listening, hear, is_duplicated
from dides.engine.verdict import counts
from dides.model.actor import instance_actor
from dides.model.deployment import Target, TargetState
from dides.model.instance import Instance, InstanceSummary, Report
from dides.model.sessions import Sessions
from dides.model.state import State, Status
from dides.protocol.messages import Heartbeat
from dides.store.interface import Transaction
from dides.store.records import Event, MustBeAloneError


class Incoming(msgspec.Struct, frozen=True, gc=False):
    """One heartbeat, and the moment (ms) at which it was received."""

    name: str
    heartbeat: Heartbeat
    at_ms: int
    again: bool = False
    """It was acknowledged before, and counts only where nothing newer has been stored."""
    instance_id: int | None = None
    """The instance whose credential came with it; another one of that name is not meant."""


class Memory(msgspec.Struct, frozen=True):
    """What a coordinator knows of instances that is not in the store yet. Moments are ms since 1970-01-01 UTC."""

    time_to_live: int = 30_000
    """How long an instance may be silent (ms)."""
    last_seen: Callable[[int], int] = lambda _: 0
    """When a report of an instance (by its id) was received last that counted."""
    last_sequence: Callable[[int, str], int] = lambda _id, _session: 0
    """The number of the last report of a session that counted, and was not stored if it changed nothing."""
    sift: Callable[[Iterable[News]], list[Event]] = all_events
    """Returns the events of news, without those that are repetitions."""


class Ingested(msgspec.Struct):
    """What became of a batch of heartbeats."""

    instances: dict[str, Instance]
    """The senders that exist, as they are now, by name."""
    step_due: bool
    assigned: set[str]
    """Instances whose desired state changed: they had missed a deployment, and it is their turn."""
    newest: dict[str, Incoming]
    """The last heartbeat of each sender that counts: not one that came late, twice, or from a replaced process."""
    news: list[News]
    """What the batch said that was new."""


def changes_nothing(summary: InstanceSummary, heartbeat: Heartbeat) -> bool:
    """Tell whether a heartbeat says what is stored already, so that storing it would change its time and nothing else.

    Not of one whose sender was told something since it was heard of last: a target may wait for any word of it. Nor of
    one that is FAILED, whose next word, or silence about it, may be a verdict though nothing has changed.
    """
    status, message = heartbeat.status, heartbeat.message
    if message is UNSET:
        message = summary.message if status is UNSET else ""
    return (
        summary.reachable
        and summary.heard == summary.generation
        and summary.status is not Status.FAILED
        and (status is UNSET or status is summary.status)
        and (heartbeat.code_version is UNSET or heartbeat.code_version == summary.current.code_version)
        and (
            heartbeat.configuration_version is UNSET
            or heartbeat.configuration_version == summary.current.configuration_version
        )
        and message == summary.message
        and (heartbeat.session is UNSET or heartbeat.session == summary.session)
        and (None if heartbeat.observed is UNSET else heartbeat.observed) == summary.observed
        and heartbeat.labels is UNSET
    )


def ingest_batch(tx: Transaction, batch: Sequence[Incoming], memory: Memory = Memory()) -> Ingested:
    """Store a batch of heartbeats and what they mean; one that changes nothing but the time is not written.

    Raises MustBeAloneError where that changes more than its senders, their targets and the log, and other batches are
    being taken in beside this one.
    """
    before = _senders(tx, batch)
    batch = [
        incoming for incoming in batch if incoming.name in before and _is_addressed(before[incoming.name], incoming)
    ]
    before = {incoming.name: before[incoming.name] for incoming in batch}
    deployment = tx.deployments.in_flight()
    targets = targets_of(tx, deployment, before.values())
    after = dict(before)
    heard: list[tuple[Instance, Report]] = []
    newest: dict[str, Incoming] = {}
    for incoming in batch:
        known = after[incoming.name]
        sessions, is_counted = _identify(known, incoming, memory)
        if is_counted:
            report = merge(known, incoming)
            under = _heard_after(known, report, targets.get(known.id))
            after[incoming.name] = apply(known, report, under, sessions)
            heard.append((after[incoming.name], report))
            newest[incoming.name] = incoming
        elif sessions is not known.sessions:
            after[incoming.name] = msgspec.structs.replace(known, sessions=sessions)
    changed = {name for name, instance in after.items() if is_changed(before[name], instance)}
    tx.inventory.record([after[name] for name in after if name in changed])
    # Who takes one that changes nothing for news has not heard of its sender for a moment.
    tx.inventory.show(after[name] for name in after if name not in changed)
    news = [change for name in before if (change := _news(tx, before[name], after[name]))]
    tx.events.append(memory.sift(news))
    returned = [after[name] for name in before if not before[name].reachable and after[name].reachable]
    step_due = apply_reports(tx, deployment, targets, heard, list(before.values())) if deployment else False
    twice = [name for name in after if is_duplicated(after[name].sessions, tx.now)]
    step_due = apply_duplicates(tx, targets, [after[name].id for name in twice]) or step_due
    new = [name for name in twice if not is_duplicated(before[name].sessions, tx.now)]
    tx.events.append([event(tx, "instance.duplicated", instance=name) for name in new])
    assigned = _converge(
        tx, after.values(), [instance for instance in returned if not _was_assigned(targets.get(instance.id))]
    )
    if assigned:
        after |= {name: instance for name, instance in tx.inventory.many(assigned).items() if name in after}
    return Ingested(after, step_due, assigned, newest, news)


def _senders(tx: Transaction, batch: Sequence[Incoming]) -> dict[str, Instance]:
    """Return the instances that a batch names, by name; by number where each heartbeat has shown whose it is."""
    ids = {incoming.instance_id for incoming in batch}
    if None in ids:
        return tx.inventory.many({incoming.name for incoming in batch}, locked=True)
    return tx.inventory.numbered((number for number in ids if number is not None), locked=True)


def _converge(tx: Transaction, heard: Iterable[Instance], returned: Sequence[Instance]) -> set[str]:
    """Free the places of those that have arrived, let those that returned wait; return who is told something."""
    if not returned and not (tx.convergences.any() and tx.convergences.of(instance.id for instance in heard)):
        return set()
    if not tx.alone:
        raise MustBeAloneError
    left = convergence.settle(tx, heard)
    came = convergence.enqueue(tx, returned)
    return convergence.admit(tx) if left or came else set()


def _is_addressed(instance: Instance, incoming: Incoming) -> bool:
    return incoming.instance_id in (None, instance.id)


def _identify(known: Instance, incoming: Incoming, memory: Memory) -> tuple[Sessions, bool]:
    """Return what is known of an instance's processes after a heartbeat, and whether that one counts."""
    session, sequence = incoming.heartbeat.session, incoming.heartbeat.sequence
    if session is UNSET or sequence is UNSET:
        return known.sessions, not (incoming.again and incoming.at_ms <= (known.last_heartbeat_at or 0))
    if incoming.again and session != known.sessions.session:
        return known.sessions, False  # Another process reports by now; this one has said nothing again by itself.
    sessions = known.sessions
    if session == sessions.session and not incoming.again:
        last = max(sessions.sequence, memory.last_sequence(known.id, session))
        sessions = msgspec.structs.replace(sessions, sequence=last) if last > sessions.sequence else sessions
    newest_at = max(known.last_heartbeat_at or 0, memory.last_seen(known.id))
    listening = Listening(incoming.at_ms, known.reachable, newest_at, memory.time_to_live)
    return hear(sessions, session, sequence, listening)


def merge(instance: Instance, incoming: Incoming) -> Report:
    """Return what an instance reports, with what it leaves out as it was; a status alone clears the message."""
    heartbeat = incoming.heartbeat
    current = State(
        instance.current.code_version if heartbeat.code_version is UNSET else heartbeat.code_version,
        instance.current.configuration_version
        if heartbeat.configuration_version is UNSET
        else heartbeat.configuration_version,
    )
    kept = instance.message if heartbeat.status is UNSET else ""
    return Report(
        at=incoming.at_ms,
        status=instance.status if heartbeat.status is UNSET else heartbeat.status,
        says_status=heartbeat.status is not UNSET,
        current=current,
        observed=None if heartbeat.observed is UNSET else heartbeat.observed,
        message=kept if heartbeat.message is UNSET else heartbeat.message,
    )


def apply(instance: Instance, report: Report, heard: int, sessions: Sessions) -> Instance:
    """Return the instance as a report leaves it; `heard` is the generation that it was heard of under."""
    return msgspec.structs.replace(
        instance,
        status=report.status,
        current=report.current,
        message=report.message,
        last_good=last_good_after(instance, report),
        last_heartbeat_at=report.at,
        reachable=True,
        heard=heard,
        observed=report.observed,
        sessions=sessions,
    )


def is_changed(before: Instance, after: Instance) -> bool:
    """Tell whether reports, by `apply`, have changed more than the time and the number of the last one."""
    return not (
        after.current == before.current
        and after.status is before.status
        and after.message == before.message
        and after.reachable == before.reachable
        and after.observed == before.observed
        and after.heard == before.heard
        and after.last_good == before.last_good
        and after.sessions.session == before.sessions.session
        and after.sessions.earlier == before.sessions.earlier
    )


def _heard_after(instance: Instance, report: Report, target: Target | None) -> int:
    """Return the generation under which an instance has been heard of, once this report is taken in.

    A report that waited in line while its sender was told says nothing about that: the next one has to be stored.
    """
    if target is None:
        return instance.generation
    if counts(report, target) and awaits_confirmation(target, report):
        # It said for the first time that it has left the target: the next report is to be stored even if it is alike.
        return instance.generation - 1
    waits = target.state is TargetState.UPDATING and not counts(report, target)
    return instance.heard if waits else instance.generation


def _news(tx: Transaction, before: Instance, after: Instance) -> News | None:
    """Return the news of a heartbeat that changed something, None for one that did not."""
    data: dict[str, object] = {}
    if not before.reachable:
        data["returned"] = True
    if before.status is not after.status:
        data["status"] = after.status.name
        data["message"] = after.message
    if before.current != after.current:
        data["current"] = after.current
    if not data:
        return None
    actor = instance_actor(after.name)
    reported = event(tx, "instance.reported", actor, instance=after.name, deployment_id=after.assigned_by, data=data)
    return News(reported, after.generation)


def _was_assigned(target: Target | None) -> bool:
    return target is not None and target.assigned_at is not None
