from collections.abc import Sequence

import httpx2
import pytest

from dides.cli.watch import LONGEST, SHORTEST, Follower, Sight
from dides.client.errors import RefusedError, UnreachableError
from dides.model.deployment import DeploymentStatus, TargetState
from dides.protocol.messages import Deployment
from support.fake_coordinator import FakeCoordinator, make_deployment, make_progress, make_target, refuse


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
    assert recorder.away[1][0] == sleeper.slept[1]


async def test_patience_ends() -> None:
    coordinator = FakeCoordinator()
    coordinator.faults = [httpx2.ConnectError("refused")] * 100
    with pytest.raises(UnreachableError):
        await watch(coordinator, [RUNNING, COMPLETED], patience=3.0)
    assert 3.0 / 0.5 <= len(coordinator.requests) <= 3.0 / 0.5 + 2


async def test_a_refusal_ends_the_watching_at_once() -> None:
    coordinator = FakeCoordinator()
    coordinator.faults = [refuse(401)]
    with pytest.raises(RefusedError):
        await watch(coordinator, [RUNNING, COMPLETED])
