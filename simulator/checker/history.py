"""What the checker remembers by itself, beside the tables: so that it need not ask the coordinator what was before."""

import json
from collections.abc import Mapping, Sequence

from msgspec import UNSET

from simulator.base.units_of_work import INGEST_BATCH, PROMOTE
from simulator.checker.deployment_history import DeploymentHistory, Report, SeenAssignment
from simulator.checker.heirs import Heirs
from simulator.checker.lateness import Known, Lateness, known_of
from simulator.checker.rows import DeploymentRow, InstanceRow, Pair, TargetRow, over
from simulator.checker.snapshots import Change, matches
from simulator.checker.unstored_acks import Heard, Life
from simulator.checker.uptime import Uptime

UPDATED = ("updating", "succeeded", "failed")


class Memory:
    """All that is remembered of one world."""

    def __init__(
        self,
        time_to_live_ms: int,
        uptime: Uptime,
        promoting: list[str],
        lives: Mapping[str, Sequence[Life]],
        lateness: Lateness,
        releasing: list[str],
    ) -> None:
        """`promoting` are the coordinators that carry out an operator's wish to promote, kept up to date by others.

        So are `releasing`, which let convergence go on, and `lives`: when instances were heard of last by heartbeats
        that changed nothing. `lateness` is shared with those who note these.
        """
        self.promoting = promoting
        self.heirs = Heirs(releasing)
        self.lives = lives
        self._lateness = lateness
        self.time_to_live_ms = time_to_live_ms
        self.uptime = uptime
        self.stories: dict[int, DeploymentHistory] = {}
        self.reports: dict[int, list[Report]] = {}
        """By instance: its heartbeats, in the order in which they were stored."""
        self.silences: dict[int, list[int]] = {}
        """By instance: when it was declared unreachable."""
        self.relabelled: set[int] = set()
        """The instances whose labels have changed since they joined."""
        self.clones: set[str] = set()
        """The names under which two agents report, with one credential."""
        self.duplicated: set[str] = set()
        """The names of which that was noticed."""
        self.read: set[int] = set()
        """The targets whose instances had read an earlier assignment than the newest."""
        self.restored: set[int] = set()
        """The targets that were stopped, and whose instances got their earlier state back."""

    def active(self, story: DeploymentHistory, since: int, until: int) -> int:
        """Return the milliseconds of a span in which a deployment's timers ran."""
        return self.uptime.active(since, until, story.pauses_until(until))

    def prepare(self, change: Change, waiting: list[Heard], made_up: list[Heard]) -> None:
        """Remember what the properties need to know of a change; call before they are checked.

        `made_up` are heartbeats that were acknowledged before as changing nothing, and are stored by this change.
        """
        self._hear(change, waiting)
        self._make_up(change, made_up)
        for before, after in change.deployments:
            if after is not None and before is None:
                self._begin(change, after)
        for row in (after for before, after in change.targets if after and not before):
            self._note_spread(change, row)
        for before_target, target in change.assigned_targets:
            self._note_assignment(change, before_target, target)
        for before_instance, instance in change.instances:
            if instance:
                self._note_instance(change, before_instance, instance)

    def conclude(self, change: Change) -> None:
        """Remember what will have been before the next change; call after the properties were checked."""
        for before, after in change.settled:
            if after.state == "failed" and before.state != "failed":
                self.stories[after.deployment_id].failed.add(after.id)
        told = {after.id for _, after in change.assignments}
        stopped = [after for before, after in change.settled if (before.state, after.state) == ("updating", "skipped")]
        self.restored |= {each.id for each in stopped if each.instance_id in told}
        for _, row in change.deployments:
            if row is not None:
                self._note_pause(row, change.now)
        self.heirs.note(change)
        for deployment in change.after.in_flight():
            self._note_wave(change, deployment)
            if change.by in self.promoting:
                self.stories[deployment.id].promoted = deployment.wave_open

    def _begin(self, change: Change, row: DeploymentRow) -> None:
        targets = change.after.targets_of(row.id)
        key = json.loads(row.policy).get("spread_by")
        values = {_label(change, each, key) for each in targets} if key else set()
        undone = None if row.rollback_of is None else self.stories[row.rollback_of]
        self.stories[row.id] = DeploymentHistory(row, len(targets), len(values), undone)

    def _note_spread(self, change: Change, target: TargetRow) -> None:
        story = self.stories[target.deployment_id]
        if key := story.setting("spread_by"):
            story.spread[target.id] = _label(change, target, key)

    def _note_assignment(self, change: Change, before: TargetRow | None, target: TargetRow) -> None:
        story = self.stories[target.deployment_id]
        instance = change.before.instances.get(target.instance_id or 0)
        if instance is None:
            return
        if before is None or before.attempt == 0:
            # What is found at the target is good as it is.
            good = instance.current if target.already else instance.last_good
            story.had[instance.id] = good, instance.current, instance.desired
        if (earlier := story.assigned.get(target.id)) and any(
            report.counts(earlier) for report in self.reports.get(instance.id, ())
        ):
            self.read.add(target.id)
        story.assigned[target.id] = SeenAssignment(change.now, change.number, target.generation, instance.status)

    def _note_instance(self, change: Change, before: InstanceRow | None, instance: InstanceRow) -> None:
        if instance.duplicated_until:
            self.duplicated.add(instance.name)
        if before and before.reachable and not instance.reachable:
            self.silences.setdefault(instance.id, []).append(change.now)
        if before and before.labels != instance.labels:
            self.relabelled.add(instance.id)

    def _note_pause(self, row: DeploymentRow, now: int) -> None:
        story = self.stories[row.id]
        if row.status == "paused" and story.paused_at is None:
            story.paused_at = now
        elif row.status != "paused" and story.paused_at is not None:
            story.pauses.append((story.paused_at, now))
            story.paused_at = None

    def _note_wave(self, change: Change, row: DeploymentRow) -> None:
        story = self.stories[row.id]
        if row.wave_open >= len(story.waves):
            story.wave_over_at = None
            self._note_wait(change, row)
            return
        states = [each.state for each in change.after.targets_of(row.id)]
        started = sum(states.count(state) for state in UPDATED)
        left = started < story.waves[row.wave_open - 1] and row.pending > row.deferred
        if states.count("updating") or left:
            story.wave_over_at = None
        elif story.wave_over_at is None or _opened(change, row):
            story.wave_over_at = change.now
        self._note_wait(change, row)

    def _note_wait(self, change: Change, row: DeploymentRow) -> None:
        story = self.stories[row.id]
        if change.unit == PROMOTE and not _opened(change, row):
            story.waits_for_health = row.wave_open
        waits = story.wave_over_at is not None and story.waits_for_health != row.wave_open
        if story.waits_since is not None and (not waits or _opened(change, row)):
            story.waits.append((story.waits_since, change.now))
            story.waits_since = None
        if story.waits_since is None and waits and story.setting("wave_pause") == "manual":
            story.waits_since = story.wave_over_at

    def _hear(self, change: Change, waiting: list[Heard]) -> None:
        """Move the heartbeats that this change has stored to the reports."""
        if change.unit != INGEST_BATCH:
            return
        by_name = {each.name: each for each in change.after.instances.values()} if waiting else {}
        processes: dict[int, Known] = {}
        for heard in [each for each in waiting if each.coordinator == change.by]:
            instance = by_name.get(heard.name)
            if instance is None or heard.arrived > change.asked:
                continue
            waiting.remove(heard)
            known = processes.setdefault(instance.id, known_of(change.before.instances.get(instance.id, instance)))
            heard.late = not self._lateness.counts(heard.coordinator, known, heard.heartbeat)
            if not heard.late:
                self._note_report(change, heard, instance)

    def _make_up(self, change: Change, made_up: list[Heard]) -> None:
        """Add what was acknowledged before, and is stored only now, to the reports."""
        by_name = {each.name: each for each in change.after.instances.values()} if made_up else {}
        for heard in made_up:
            self._note_report(change, heard, by_name[heard.name])

    def _note_report(self, change: Change, heard: Heard, instance: InstanceRow) -> None:
        reports = self.reports.setdefault(instance.id, [])
        earlier = change.before.instances[instance.id]
        status, current = earlier.status, earlier.current
        if reports and reports[-1].stored_at == change.number:
            status, current = reports[-1].status, reports[-1].current
        reports.append(_report(heard, status, current, change.number))


def is_inheritable(row: DeploymentRow) -> bool:
    """Tell whether later instances get a deployment's versions: completed, not undone, and no rollback."""
    return row.kind == "deploy" and row.status == "completed" and not row.withdrawn


def inherited(labels: str, deployments: Mapping[int, DeploymentRow]) -> Pair:
    """Return what instances with these labels inherit: of each version the newest that was completed and not undone."""
    state: Pair = (None, None)
    for row in sorted(deployments.values(), key=lambda each: -each.id):
        if is_inheritable(row) and matches(labels, row.labels):
            state = over(state, row.to)
    return state


def _label(change: Change, target: TargetRow, key: str) -> str:
    instance = change.after.instances[target.instance_id or 0]
    return str(json.loads(instance.labels).get(key, ""))


def _opened(change: Change, row: DeploymentRow) -> bool:
    before = change.before.deployments.get(row.id)
    return before is not None and before.wave_open != row.wave_open


def _report(heard: Heard, status: int, current: Pair, commit: int) -> Report:
    said = heard.heartbeat
    code, configuration = said.code_version, said.configuration_version
    return Report(
        at=heard.at,
        stored_at=commit,
        status=status if said.status is UNSET else int(said.status),
        says_status=said.status is not UNSET,
        current=(
            current[0] if code is UNSET else code,
            current[1] if configuration is UNSET else configuration,
        ),
        observed=None if said.observed is UNSET else said.observed,
    )
