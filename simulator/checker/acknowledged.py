"""What coordinators have answered with success: each of it has to be in the database, then and after every crash."""

import sqlite3
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dides.model.deployment import Deployment
from dides.protocol.messages import Heartbeat
from simulator.base.guarantees import (
    ANSWERS_ARE_CURRENT,
    HEARTBEATS_ARE_STORED,
    KEYS_TRIGGER_ONCE,
    UNDOABLE_ARE_UNDONE,
    Problem,
)
from simulator.checker.lateness import Lateness, known_of
from simulator.checker.rows import DeploymentRow
from simulator.checker.snapshots import View
from simulator.checker.unstored_acks import Doubts, Heard, Life

REMEMBERED = 50
LONGEST_BEHIND = 2.0


class Promises:
    """Keeps what was promised, and says which promises are broken.

    `now` gives milliseconds, `moment` numbers that count what happens, `coordinator` the name of the one that runs.
    """

    def __init__(self, now: Callable[[], int], moment: Callable[[], int], coordinator: Callable[[], str]) -> None:
        self.waiting: list[Heard] = []
        """Heartbeats that have arrived and are not known to be committed."""
        self.promoting: list[str] = []
        """The coordinators that are asked to promote now."""
        self.releasing: list[str] = []
        """The coordinators that are asked now to let convergence go on."""
        self.lives: dict[str, deque[Life]] = {}
        """The last-seen times that were acknowledged, by instance."""
        self.doubts = Doubts(lambda: self.waiting)
        """What was acknowledged by what one coordinator knew, and another one knew better."""
        self.lateness = Lateness()
        """Which heartbeats come late."""
        self.problem: Problem = lambda _guarantee, _detail: None
        self.behind: Callable[[str], float] = lambda _: 0.0
        """Gives how many seconds ago a coordinator has heard of what others write."""
        self.check: Callable[[], None] = lambda: None
        self._now = now
        self._moment = moment
        self._coordinator = coordinator
        self._credentials: dict[str, bytes] = {}
        self._keys: dict[str, int] = {}
        self._revisions: dict[int, int] = {}

    def arrives(self, name: str, heartbeat: Heartbeat) -> Heard:
        """Note that a coordinator has received a heartbeat."""
        heard = Heard(name, self._now(), self._moment(), heartbeat, self._coordinator())
        self.waiting.append(heard)
        return heard

    def _check_current(self, name: str) -> None:
        """Check that an answer from memory is given by one that hears of what others write."""
        coordinator = self._coordinator()
        if (behind := self.behind(coordinator)) > LONGEST_BEHIND:
            detail = f"{coordinator} answered {name} from its memory, {behind:.1f} s behind the others"
            self.problem(ANSWERS_ARE_CURRENT, detail)

    def heard_again(self, name: str, heartbeat: Heartbeat) -> None:
        """Promise that a heartbeat says what is stored already, and that its sender is known to live.

        Nothing is promised of one that comes late.
        """
        self._check_current(name)
        if self._is_news(name, heartbeat):
            self._note_life(name, self._now())
            self.doubts.look_at(Heard(name, self._now(), self._moment(), heartbeat, self._coordinator()))

    def taken_in(self, heard: Heard) -> None:
        """Promise that a heartbeat is stored, or says what is, unless it came late."""
        is_open = any(each is heard for each in self.waiting)
        if heard.late or (is_open and not self._is_news(heard.name, heard.heartbeat)):
            return
        self._note_life(heard.name, heard.at)
        # One that came right after it may have been taken in together with it, and have set all back as it was.
        overtaken = any(each.name == heard.name and each.arrived > heard.arrived for each in self.waiting)
        if is_open and not overtaken and not self.doubts.agrees(heard):
            detail = f"the heartbeat of {heard.name} at {heard.at} was acknowledged and is not stored"
            self.problem(HEARTBEATS_ARE_STORED, detail)

    def _is_news(self, name: str, heartbeat: Heartbeat) -> bool:
        """Tell whether a heartbeat that was not stored counts, and remember its number if it does."""
        row = next((each for each in self.doubts.view().instances.values() if each.name == name), None)
        return row is None or self.lateness.is_news(self._coordinator(), known_of(row), heartbeat)

    def _note_life(self, name: str, at: int) -> None:
        self.lives.setdefault(name, deque(maxlen=REMEMBERED)).append(Life(at, self._coordinator()))

    def over(self, heard: Heard) -> None:
        """Forget a heartbeat that was answered: it is stored by now, or never will be."""
        self.waiting = [each for each in self.waiting if each is not heard]

    def lost(self, coordinator: str) -> None:
        """Forget the heartbeats that a coordinator had in its memory when it was killed."""
        self.waiting = [each for each in self.waiting if each.coordinator != coordinator]
        self.doubts.lost(coordinator)
        self.lateness.lost(coordinator)

    def registered(self, name: str, credential: bytes) -> None:
        """Promise that an instance is registered."""
        self._credentials[name] = credential
        self.check()

    def decommissioned(self, name: str) -> None:
        """Promise that an instance is gone."""
        self._credentials.pop(name, None)

    def triggered(self, key: str, deployment_id: int) -> None:
        """Promise that a deployment was made, once for each key."""
        if (earlier := self._keys.get(key, deployment_id)) != deployment_id:
            self.problem(KEYS_TRIGGER_ONCE, f"{key} made two deployments: {earlier} and {deployment_id}")
        self._keys[key] = deployment_id
        self.check()

    @contextmanager
    def asked(self, action: str) -> Iterator[None]:
        """Note what an operator asks for while the block lasts."""
        noted = {"promote": self.promoting, "converge": self.releasing}.get(action, [])
        noted.append(coordinator := self._coordinator())
        try:
            yield
        finally:
            noted.remove(coordinator)

    def done(self, deployment: Deployment) -> None:
        """Promise that a deployment was changed."""
        self._revisions[deployment.id] = max(deployment.revision, self._revisions.get(deployment.id, 0))
        self.check()

    def refused_to_undo(self, named: int | None, why: str) -> None:
        """Check the refusal of a rollback against the tables: the newest deployment that did anything can be undone."""
        view = self.doubts.view()
        newest = max((row.id for row in view.deployments.values() if _has_something_to_undo(view, row)), default=None)
        if newest is not None and named in (None, newest) and not view.in_flight():
            self.problem(UNDOABLE_ARE_UNDONE, f"deployment {newest} was not rolled back: {why}")

    def broken(self, database: sqlite3.Connection) -> Iterator[str]:
        """Return which promises do not hold."""
        names = {name for (name,) in database.execute("SELECT name FROM instances")}
        gone = {name for (name,) in database.execute("SELECT name FROM decommissioned")}
        for name in sorted(self._credentials.keys() - names - gone):
            yield f"the registration of {name} was acknowledged and is not stored"
        yield from self._broken_deployments(database)

    def _broken_deployments(self, database: sqlite3.Connection) -> Iterator[str]:
        keys = dict(database.execute("SELECT key, deployment_id FROM idempotency_keys"))
        forgotten = {row.id for row in self.doubts.view().deployments.values() if row.forgotten}
        revisions = dict(database.execute("SELECT id, revision FROM deployments"))
        for key, deployment_id in self._keys.items():
            if keys.get(key) != deployment_id or deployment_id not in revisions.keys() | forgotten:
                yield f"deployment {deployment_id} of {key} was acknowledged and is not stored"
        for deployment_id, revision in self._revisions.items():
            if revisions.get(deployment_id, -1) < revision and deployment_id not in forgotten:
                yield f"revision {revision} of deployment {deployment_id} was acknowledged and is not stored"


def _has_something_to_undo(view: View, row: DeploymentRow) -> bool:
    """Tell whether a deployment is not undone, and has told an instance something that is still there."""
    told = (target.assigned_at is not None and target.instance_id is not None for target in view.targets_of(row.id))
    return row.kind == "deploy" and not row.withdrawn and any(told)
