from collections.abc import Sequence
from datetime import timedelta

import httpx2
import pytest

from dides.cli.display.follow import LONGEST, SHORTEST, Follower, Sight, soak_end
from dides.client.errors import RefusedError, UnreachableError
from dides.model.deployment import DeploymentStatus, TargetState
from dides.protocol.messages import Configuration, Deployment, Event, Wave
from support.fake_coordinator import NOON, FakeCoordinator, make_deployment, make_progress, make_target, refuse


class Recorder:
    """A display that remembers what it was to show."""

    def __init__(self) -> None:
        self.sights: list[Sight] = []
        self.away: list[tuple[float, str]] = []
        self.back = 0

    def show(self, sight: Sight) -> None:
        self.sights.append(sight)

    def show_away(self, seconds: float, why: str) -> None:
        self.away.append((seconds, why))

    def show_back(self) -> None:
        self.back += 1


class Sleeper:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def now(self) -> int:
        return round(self.monotonic() * 1000)

    def monotonic(self) -> float:
        return sum(self.slept)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


RUNNING = make_deployment(progress=make_progress(pending=3, updating=2))
HALFWAY = make_deployment(progress=make_progress(pending=1, updating=2, succeeded=2))
COMPLETED = make_deployment(status=DeploymentStatus.COMPLETED, progress=make_progress(succeeded=5))


async def watch(
    coordinator: FakeCoordinator, script: Sequence[Deployment], *, patience: float = 60.0
) -> tuple[Recorder, Sleeper]:
    recorder, sleeper = Recorder(), Sleeper()
    coordinator.deployments[42] = list(script[1:])
    async with coordinator.client() as client:
        follower = Follower(client, recorder, sleeper, sleep=sleeper.sleep, patience=patience)
        ended = await follower.follow(42, script[0])
    assert ended == script[-1]
    return recorder, sleeper


async def test_every_change_is_shown_once_and_the_end_is_returned() -> None:
    recorder, _ = await watch(FakeCoordinator(), [RUNNING, RUNNING, HALFWAY, HALFWAY, COMPLETED])
    assert [sight.deployment for sight in recorder.sights] == [RUNNING, HALFWAY, COMPLETED]


async def test_a_deployment_that_is_over_is_shown_without_a_question() -> None:
    coordinator = FakeCoordinator()
    recorder, sleeper = await watch(coordinator, [COMPLETED])
    assert [sight.deployment for sight in recorder.sights] == [COMPLETED]
    assert sleeper.slept == []
    assert coordinator.sent("GET", "/deployments/42") == []


async def test_questions_become_rarer_while_nothing_changes_and_more_frequent_when_something_does() -> None:
    _, sleeper = await watch(FakeCoordinator(), [RUNNING] * 10 + [HALFWAY, COMPLETED])
    assert sleeper.slept[0] == SHORTEST
    assert max(sleeper.slept) == LONGEST
    assert sleeper.slept[:9] == sorted(sleeper.slept[:9])
    assert sleeper.slept[-1] < sleeper.slept[-2]


async def test_the_window_and_each_failure_are_shown_with_the_change_that_made_them() -> None:
    coordinator = FakeCoordinator()
    coordinator.targets[42] = [
        make_target("web-1", TargetState.FAILED, message="exit 1"),
        make_target("web-2", TargetState.UPDATING),
    ]
    one = make_deployment(progress=make_progress(pending=2, updating=1, failed=1))
    two = make_deployment(progress=make_progress(pending=1, updating=1, failed=1, succeeded=1))
    recorder, _ = await watch(coordinator, [one, two, COMPLETED])
    first, second, last = recorder.sights
    assert [target.instance for target in first.updating] == ["web-2"]
    assert [target.instance for target in first.failures] == ["web-1"]
    assert [target.instance for target in second.updating] == ["web-2"]
    assert second.failures == ()
    assert last.updating == ()


async def test_further_attempts_are_shown_though_the_deployment_looks_the_same() -> None:
    coordinator = FakeCoordinator()
    failed = make_target("web-1", reason="attempt 1 of 2 failed: reported FAILED")
    running = make_deployment(
        progress=make_progress(pending=1, updating=1), configuration=Configuration(batch_size=1, retries=1)
    )
    looks = iter([[make_target("web-1")], [make_target("web-1")], [failed], [failed]])
    coordinator.look = lambda: coordinator.targets.update({42: next(looks)})
    recorder, _ = await watch(coordinator, [running, running, running, running, COMPLETED])
    assert [[target.reason for target in sight.updating] for sight in recorder.sights] == [[""], [failed.reason], []]


async def test_the_end_of_a_soak_is_known_from_the_events() -> None:
    coordinator = FakeCoordinator()
    coordinator.events = [make_event("wave.soaking", at=10, seconds=60), make_event("wave.opened", at=5)]
    soaking = make_deployment(held_by="soak", wave=Wave(open=1, of=2), progress=make_progress(succeeded=1, pending=1))
    recorder, _ = await watch(coordinator, [soaking, COMPLETED])
    assert recorder.sights[0].soaks_until == NOON + timedelta(seconds=70)
    assert recorder.sights[1].soaks_until is None


def make_event(kind: str, *, at: float, **data: object) -> Event:
    moment = NOON + timedelta(seconds=at)
    return Event(id=1, at=moment, kind=kind, deployment_id=42, instance=None, actor="system", data=data)


@pytest.mark.parametrize(
    ("events", "end"),
    [
        ([], None),
        ([("wave.opened", 5)], None),
        ([("wave.soaking", 10)], 70),
        ([("wave.soaking", 10), ("wave.opened", 70), ("wave.soaking", 100)], 160),
        ([("wave.soaking", 10), ("deployment.paused", 20), ("deployment.resumed", 50)], 100),
        ([("deployment.paused", 1), ("deployment.resumed", 5), ("wave.soaking", 10)], 70),
        ([("deployment.resumed", 5), ("wave.soaking", 10), ("deployment.paused", 20)], 70),
    ],
)
def test_a_pause_puts_the_end_of_a_soak_off(events: list[tuple[str, float]], end: float | None) -> None:
    found = soak_end([make_event(kind, at=at, seconds=60) for kind, at in events])
    assert found == (None if end is None else NOON + timedelta(seconds=end))


async def test_a_coordinator_that_is_away_for_a_while_is_waited_for() -> None:
    coordinator = FakeCoordinator()
    coordinator.faults = [httpx2.ConnectError("refused"), refuse(503, "starting")]
    quiet = make_deployment(progress=make_progress(pending=5))
    recorder, sleeper = await watch(coordinator, [quiet, COMPLETED])
    assert [why for _, why in recorder.away] == [
        "http://coordinator.test cannot be reached: refused",
        "http://coordinator.test answered 503: starting",
    ]
    assert recorder.back == 1
    assert recorder.away[1][0] == pytest.approx(sleeper.slept[1])


async def test_patience_ends() -> None:
    coordinator = FakeCoordinator()
    coordinator.faults = [httpx2.ConnectError("refused")] * 100
    sleeper = Sleeper()
    async with coordinator.client() as client:
        follower = Follower(client, Recorder(), sleeper, sleep=sleeper.sleep, patience=3.0)
        with pytest.raises(UnreachableError):
            await follower.follow(42)
    delays = sleeper.slept
    assert sum(delays) >= 3.0, "it asked again as long as there was patience"
    assert sum(delays[:-1]) < 3.0, "and no longer"


async def test_a_refusal_ends_the_watching_at_once() -> None:
    coordinator = FakeCoordinator()
    coordinator.faults = [refuse(401)]
    with pytest.raises(RefusedError):
        await watch(coordinator, [RUNNING, COMPLETED])
