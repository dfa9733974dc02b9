"""Coordinators, stores and agents broken on purpose, one small patch each, for as long as a world is played."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import false

from dides.agent.decision import Decision, decide
from dides.agent.persisted import Standing
from dides.coordinator.loops import heartbeat_queue, outage
from dides.coordinator.loops.heartbeat_queue import Heartbeats
from dides.coordinator.loops.outage import AliveRecord
from dides.coordinator.memory.last_seen import LastSeen
from dides.coordinator.memory.pacing import Pacing
from dides.coordinator.transactions import commands, convergence, ingest, outages, registration
from dides.coordinator.transactions.commands import DeployCommand, Key, Triggered
from dides.engine import inheritance, sessions
from dides.engine.sessions import Heard, Listening
from dides.engine.verdict import Time
from dides.model.deployment import Deployment, Kind, Target
from dides.model.instance import Instance
from dides.model.plan import Touched
from dides.model.sessions import Sessions
from dides.protocol.messages import Directive
from dides.store.interface import Transaction
from dides.store.records import NewAssignment
from dides.store.sql import retention
from dides.store.sql.deployments import SqlDeployments
from dides.store.sql.inventory import SqlInventory
from dides.store.sql.targets import SqlTargets
from dides.store.sql.transaction import SqlTransaction
from simulator.base.disk import Disk
from simulator.world import agents

Patch = pytest.MonkeyPatch


def failures_are_forgotten_by_a_restart(patch: Patch) -> None:
    right = outage.record_alive

    def record_alive(tx: Transaction, alive: AliveRecord) -> int:
        its = tx.deployments.in_flight()
        if alive.starting and its and its.counts.failed:
            tx.deployments.save(replace(its, counts=replace(its.counts, failed=0)))
        return right(tx, alive)

    patch.setattr(outage, "record_alive", record_alive)


def outages_count_as_time(patch: Patch) -> None:
    patch.setattr(outage, "record_alive", lambda _tx, _alive: 0)


def pauses_count_as_time(patch: Patch) -> None:
    def moved_target(target: Target, _by: int, _at_least: int) -> Target:
        return target

    patch.setattr(outages, "moved_target", moved_target)


def silence_is_declared_early(patch: Patch) -> None:
    patch.setattr(Pacing, "allowed_ms", property(lambda self: round(self._pace.time_to_live * 1000) - 10_000))


def signs_of_life_are_not_kept(patch: Patch) -> None:
    """Only heartbeats that change something keep an instance reachable."""
    patch.setattr(LastSeen, "note", lambda _self, _instance, _at: None)


def every_heartbeat_changes_nothing(patch: Patch) -> None:
    patch.setattr(heartbeat_queue, "changes_nothing", lambda summary, _heartbeat: summary.reachable)


def untouched_ones_are_rolled_back(patch: Patch) -> None:
    def touched(self: SqlTargets, deployment_id: int) -> list[Touched]:
        everyone = [each for each in self.page(deployment_id, None, 0, 1000) if each.instance_id is not None]
        instances = SqlInventory(self._db).many([each.instance for each in everyone])
        return [Touched(each, instances[each.instance]) for each in everyone]

    patch.setattr(SqlTargets, "touched", touched)


def heartbeats_are_answered_before_they_are_stored(patch: Patch) -> None:
    right = Heartbeats._write

    async def write(self: Heartbeats, batch: Any) -> None:
        for incoming, answered, _ in batch:
            if (summary := self._instance_cache.get(incoming.name)) and not answered.done():
                answered.set_result(summary)
        await right(self, batch)

    patch.setattr(Heartbeats, "_write", write)


def power_cuts_lose_commits(patch: Patch) -> None:
    """What was committed is in a file that does not survive."""
    right = Disk._copy

    def copy(self: Disk) -> Path:
        made = right(self)
        made.with_name(made.name + "-wal").unlink(missing_ok=True)
        return made

    patch.setattr(Disk, "_copy", copy)


def second_deployment_is_let_in(patch: Patch) -> None:
    """It takes the place that the unique index of the store keeps for the one in flight."""
    right = commands.trigger

    def trigger(tx: SqlTransaction, command: DeployCommand, key: Key | None, quiet_until: int) -> Triggered:
        tx.inventory._db.exec_driver_sql("UPDATE deployments SET in_flight = NULL")
        return right(tx, command, key, quiet_until)

    patch.setattr(commands, "trigger", trigger)


def failed_versions_are_inherited(patch: Patch) -> None:
    def may_be_inherited(its: Deployment) -> bool:
        return its.kind is Kind.DEPLOY and not its.in_flight

    patch.setattr(inheritance, "may_be_inherited", may_be_inherited)
    patch.setattr(SqlDeployments, "newest_completed", lambda self: self.page(None, None, 100))


def assignments_keep_the_generation(patch: Patch) -> None:
    right = SqlInventory.assign
    lower = "UPDATE instances SET generation = max(1, generation - 1) WHERE id = ?"

    def assign(self: SqlInventory, assignments: Sequence[NewAssignment]) -> dict[int, int]:
        raised = right(self, assignments)
        for number in raised:
            self._db.exec_driver_sql(lower, (number,))
        return {number: max(1, generation - 1) for number, generation in raised.items()}

    patch.setattr(SqlInventory, "assign", assign)


def late_ones_converge_at_once(patch: Patch) -> None:
    patch.setattr(convergence, "room_to_converge", lambda _source, _converging: 1000)


def nobody_inherits_on_return(patch: Patch) -> None:
    def enqueue(_tx: Transaction, _returned: Sequence[Instance], *, new: bool = False) -> bool:
        return new and False

    patch.setattr(convergence, "enqueue", enqueue)


def stopped_ones_lose_their_place(patch: Patch) -> None:
    """An instance that waits to inherit is told something else, and never again what it waited for."""

    def give_way(tx: Transaction, _: Deployment, told: Iterable[int]) -> None:
        tx.convergences.drop(told)

    patch.setattr(convergence, "give_way", give_way)


def decommissioned_targets_stay_counted(patch: Patch) -> None:
    patch.setattr(registration, "without", lambda its, _target: its)


def agents_trust_an_apply_that_was_cut_off(patch: Patch) -> None:
    """The instance may run half of two versions, and reports the earlier one; no check is run before that."""

    def careless(standing: Standing, directive: Directive, **rest: Any) -> Decision:
        if not standing.dirty or standing.failed:
            return decide(standing, directive, **rest)
        return decide(replace(standing, attempt=None), directive, **{**rest, "healthy": True})

    patch.setattr(agents, "decide", careless)


def what_can_be_undone_is_forgotten(patch: Patch) -> None:
    patch.setattr(retention, "_holds", lambda _deployment: false())


def what_is_inherited_is_forgotten(patch: Patch) -> None:
    patch.setattr(retention, "_is_inherited", lambda _deployment: false())


def what_instances_have_is_forgotten(patch: Patch) -> None:
    patch.setattr(retention, "_is_desired", lambda _deployment: false())


def timeouts_run_in_a_pause(patch: Patch) -> None:
    def time_of(_deployment: Deployment, now: int, quiet_until: int) -> Time:
        return Time(now, timeouts_run=now >= quiet_until)

    patch.setattr("dides.engine.reconcile.time_of", time_of)


def late_heartbeats_count(patch: Patch) -> None:
    right = sessions.hear

    def hear(known: Sessions, session: str, sequence: int, listening: Listening) -> Heard:
        after, counts = right(known, session, sequence, listening)
        return after, counts or session == known.session

    patch.setattr(ingest, "hear", hear)
    patch.setattr(Heartbeats, "_is_late", lambda *_: False)
