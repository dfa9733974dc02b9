"""What heartbeats say of targets, the marks for the next step, and deadlines."""

import msgspec

from dides.model.deployment import Deployment, Target, TargetState
from dides.model.instance import Report
from dides.model.plan import Assignment, Settled
from dides.model.state import State, Status
from dides.store.interface import Store, Transaction
from support.stores import V1, V2, deploy

REPORT = Report(at=550, status=Status.FAILED, current=State("2.0.0", None), observed=3, message="boom")


def told(tx: Transaction, *deadlines: int) -> tuple[Deployment, list[Target]]:
    """Store a deployment with one updating target for each deadline, and one pending target."""
    deployment = deploy(tx, *(f"web-{number}" for number in range(len(deadlines) + 1)))
    pending = tx.targets.page(deployment.id, None, 0, len(deadlines))
    assigned = [
        Assignment(
            target=target,
            state=TargetState.UPDATING,
            desired=V2,
            before=V1,
            last_good=None,
            earlier=None,
            deadline_at=deadline,
        )
        for target, deadline in zip(pending, deadlines, strict=True)
    ]
    tx.targets.assign(assigned, {each.instance_id: 1 for each in pending if each.instance_id}, 500)
    return deployment, list(tx.targets.updating(deployment.id))


def names(found: tuple[Target, ...]) -> list[str]:
    return sorted(each.instance for each in found)


async def test_updating_are_those_told_and_not_finished_in_order(store: Store) -> None:
    def look(tx: Transaction) -> None:
        deployment, targets = told(tx, 600, 600, 600)
        assert [each.instance for each in targets] == ["web-0", "web-1", "web-2"]
        tx.targets.settle([Settled(target=targets[1], state=TargetState.FAILED)], 900)
        assert names(tx.targets.updating(deployment.id)) == ["web-0", "web-2"]
        assert tx.targets.updating(deployment.id + 1) == ()

    await store.write(look)


async def test_a_note_is_kept_whole_and_marks_only_when_it_should(store: Store) -> None:
    def note(tx: Transaction) -> None:
        deployment, targets = told(tx, 600, 600, 600)
        noted = [msgspec.structs.replace(each, report=REPORT, failure_is_news=True) for each in targets[:2]]
        tx.targets.note(noted[:1], marked=True)
        tx.targets.note(noted[1:], marked=False)
        tx.targets.note([], marked=True)
        assert tx.targets.reported(deployment.id) == (noted[0],)
        assert tx.targets.updating(deployment.id) == (*noted, targets[2])

    await store.write(note)


async def test_a_later_unmarked_note_does_not_take_the_mark_off(store: Store) -> None:
    def note(tx: Transaction) -> None:
        deployment, targets = told(tx, 600)
        tx.targets.note([msgspec.structs.replace(targets[0], report=REPORT)], marked=True)
        later = msgspec.structs.replace(targets[0], report=msgspec.structs.replace(REPORT, at=560))
        tx.targets.note([later], marked=False)
        assert tx.targets.reported(deployment.id) == (later,)

    await store.write(note)


async def test_seen_marks_come_off_and_the_reports_stay(store: Store) -> None:
    def unmark(tx: Transaction) -> None:
        deployment, targets = told(tx, 600, 600)
        noted = [msgspec.structs.replace(each, report=REPORT) for each in targets]
        tx.targets.note(noted, marked=True)
        tx.targets.unmark(noted[:1])
        tx.targets.unmark([])
        assert names(tx.targets.reported(deployment.id)) == ["web-1"]
        assert tx.targets.updating(deployment.id)[0].report == REPORT

    await store.write(unmark)


async def test_a_finished_target_can_be_marked_too(store: Store) -> None:
    def note(tx: Transaction) -> None:
        deployment, targets = told(tx, 600)
        tx.targets.settle([Settled(target=targets[0], state=TargetState.SUCCEEDED)], 700)
        tx.targets.note([msgspec.structs.replace(targets[0], report=REPORT)], marked=True)
        (marked,) = tx.targets.reported(deployment.id)
        assert (marked.state, marked.report) == (TargetState.SUCCEEDED, REPORT)

    await store.write(note)


async def test_a_report_without_versions_or_generation_is_kept_as_such(store: Store) -> None:
    bare = Report(at=550, status=Status.UNKNOWN, current=State(), observed=None)

    def note(tx: Transaction) -> Target:
        deployment, targets = told(tx, 600)
        tx.targets.note([msgspec.structs.replace(targets[0], report=bare)], marked=False)
        return tx.targets.updating(deployment.id)[0]

    assert (await store.write(note)).report == bare


async def test_telling_again_forgets_the_report_and_the_mark(store: Store) -> None:
    def tell_again(tx: Transaction) -> None:
        deployment, (target,) = told(tx, 600)
        tx.targets.note([msgspec.structs.replace(target, report=REPORT, failure_is_news=True)], marked=True)
        again = Assignment(
            target=target, state=TargetState.UPDATING, desired=V2, before=V1, last_good=None, earlier=None
        )
        tx.targets.assign([again], {target.instance_id or 0: 2}, 800)
        (found,) = tx.targets.updating(deployment.id)
        assert (found.report, found.failure_is_news, found.generation, found.attempt) == (None, False, 2, 2)
        assert tx.targets.reported(deployment.id) == ()

    await store.write(tell_again)


async def test_a_target_shows_whether_its_instance_is_reachable_now(store: Store) -> None:
    def silence(tx: Transaction) -> None:
        deployment, targets = told(tx, 600, 600)
        instance = tx.inventory.get("web-0")
        assert instance is not None
        tx.inventory.record([msgspec.structs.replace(instance, reachable=False)])
        assert [each.reachable for each in tx.targets.updating(deployment.id)] == [False, True]
        tx.targets.note(targets, marked=True)
        assert sorted(each.reachable for each in tx.targets.reported(deployment.id)) == [False, True]

    await store.write(silence)


async def test_due_are_the_updating_of_which_a_moment_has_come(store: Store) -> None:
    def look(tx: Transaction) -> None:
        deployment, targets = told(tx, 600, 700, 700, 800)
        assert tx.targets.due(deployment.id, 599) == ()
        assert names(tx.targets.due(deployment.id, 600)) == ["web-0"]
        assert names(tx.targets.due(deployment.id, 750)) == ["web-0", "web-1", "web-2"]
        assert tx.targets.next_deadline(deployment.id, 599) == 600
        assert tx.targets.next_deadline(deployment.id, 600) == 700, "one that has come is due, not next"
        assert tx.targets.next_deadline(deployment.id, 800) is None
        tx.targets.settle([Settled(target=each, state=TargetState.FAILED) for each in targets[:3]], 750)
        assert tx.targets.due(deployment.id, 750) == ()
        assert tx.targets.next_deadline(deployment.id, 0) == 800

    await store.write(look)


async def test_deadlines_move_together_but_not_before_a_moment(store: Store) -> None:
    def shift(tx: Transaction) -> None:
        deployment, targets = told(tx, 600, 700, 800)
        tx.targets.settle([Settled(target=targets[2], state=TargetState.SUCCEEDED)], 550)
        updating = tx.targets.updating(deployment.id)
        moments = [{"deadline_at": 700}, {"deadline_at": 760, "healthy_at": 720, "retry_at": 740}]
        changed = [msgspec.structs.replace(each, **its) for each, its in zip(updating, moments, strict=True)]
        tx.targets.reschedule(changed)
        assert tx.targets.updating(deployment.id) == tuple(changed)
        assert names(tx.targets.due(deployment.id, 719)) == ["web-0"]
        assert names(tx.targets.due(deployment.id, 720)) == ["web-0", "web-1"], "the earliest of its moments counts"
        every = tx.targets.page(deployment.id, None, 0, 10)
        assert [each.deadline_at for each in every] == [700, 760, None, None]

    await store.write(shift)
