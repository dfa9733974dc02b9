"""What coordinators have answered with success: each of it has to be in the database, then and after every crash."""

import sqlite3
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dides.model.deployment import Deployment
from dides.protocol.messages import Heartbeat
from dides.sim.doubts import Doubts, Heard, Life
from dides.sim.guarantees import HEARTBEATS_ARE_STORED, KEYS_TRIGGER_ONCE, Problem
from dides.sim.lateness import Lateness, known_of

REMEMBERED = 50


class Promises:
    """Keeps what was promised, and says which promises are broken.

    `now` gives milliseconds, `moment` numbers that count what happens, `coordinator` the name of the one that runs.
    """

    def __init__(self, now: Callable[[], int], moment: Callable[[], int], coordinator: Callable[[], str]) -> None:
        self.waiting: list[Heard] = []
        """Heartbeats that have arrived and are not known to be committed."""
        self.promoting: list[str] = []
        """The coordinators that are asked to promote now."""
        self.lives: dict[str, deque[Life]] = {}
        """The last signs of life that were acknowledged, by instance."""
        self.doubts = Doubts(lambda: self.waiting)
        """What was acknowledged by what one coordinator knew, and another one knew better."""
        self.lateness = Lateness()
        """Which heartbeats come late."""
        self.problem: Problem = lambda _guarantee, _detail: None
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

    def heard_again(self, name: str, heartbeat: Heartbeat) -> None:
        """Promise that a heartbeat says what is stored already, and that its sender is known to live.

        Nothing is promised of one that comes late.
        """
        row = next((each for each in self.doubts.view().instances.values() if each.name == name), None)
        if row is None or self.lateness.is_news(self._coordinator(), known_of(row), heartbeat):
            self._note_life(name)
            self.doubts.look_at(Heard(name, self._now(), self._moment(), heartbeat, self._coordinator()))

    def taken_in(self, heard: Heard) -> None:
        """Promise that a heartbeat is stored, or says what is, unless it came late."""
        if heard.late:
            return
        self._note_life(heard.name)
        # One that came right after it may have been taken in together with it, and have set all back as it was.
        overtaken = any(each.name == heard.name and each.arrived > heard.arrived for each in self.waiting)
        if any(each is heard for each in self.waiting) and not overtaken and not self.doubts.agrees(heard):
            detail = f"the heartbeat of {heard.name} at {heard.at} was acknowledged and is not stored"
            self.problem(HEARTBEATS_ARE_STORED, detail)

    def _note_life(self, name: str) -> None:
        self.lives.setdefault(name, deque(maxlen=REMEMBERED)).append(Life(self._now(), self._coordinator()))

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
        coordinator = self._coordinator()
        if action == "promote":
            self.promoting.append(coordinator)
        try:
            yield
        finally:
            if action == "promote":
                self.promoting.remove(coordinator)

    def done(self, deployment: Deployment) -> None:
        """Promise that a deployment was changed."""
        self._revisions[deployment.id] = max(deployment.revision, self._revisions.get(deployment.id, 0))
        self.check()

    def broken(self, database: sqlite3.Connection) -> Iterator[str]:
        """Return which promises do not hold."""
        names = {name for (name,) in database.execute("SELECT name FROM instances")}
        gone = {name for (name,) in database.execute("SELECT name FROM decommissioned")}
        for name in sorted(self._credentials.keys() - names - gone):
            yield f"the registration of {name} was acknowledged and is not stored"
        yield from self._broken_deployments(database)

    def _broken_deployments(self, database: sqlite3.Connection) -> Iterator[str]:
        keys = dict(database.execute("SELECT key, deployment_id FROM idempotency_keys"))
        revisions = dict(database.execute("SELECT id, revision FROM deployments"))
        for key, deployment_id in self._keys.items():
            if keys.get(key) != deployment_id or deployment_id not in revisions:
                yield f"deployment {deployment_id} of {key} was acknowledged and is not stored"
        for deployment_id, revision in self._revisions.items():
            if revisions.get(deployment_id, -1) < revision:
                yield f"revision {revision} of deployment {deployment_id} was acknowledged and is not stored"
