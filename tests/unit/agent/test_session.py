"""One conversation, to the tenth of a second: when it reports, when it asks, and what it takes up from the answers."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from itertools import pairwise
from typing import Any

import pytest

from dides.agent.report import HEALTHY, UNCHECKED, Verdict
from dides.agent.session import RETRIES, WAIT
from dides.model.state import Status
from dides.protocol.messages import Heartbeat
from simulator.base.loop import run_virtually
from support.herd import HerdCoordinator, Knock, Speaker, undisturbed

INTERVAL = 10.0
SEEDS = range(20)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    with undisturbed():
        yield


class Scene:
    """An agent that has talked for a while with its coordinator."""

    def __init__(self, seed: int, longest: float | None) -> None:
        self.coordinator = HerdCoordinator(INTERVAL)
        self.agent = Speaker("web-1", self.coordinator, seed, longest)

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    def knocks(self, method: str, since: float = 0.0) -> list[Knock]:
        return [each for each in self.coordinator.knocks if each.method == method and each.at >= since]

    async def until(self, method: str, since: float | None = None) -> float:
        """Wait for the next request; return when it came."""
        since = self.now() if since is None else since
        while not self.knocks(method, since):
            await asyncio.sleep(0.01)
        return self.knocks(method, since)[0].at


def play(story: Callable[[Scene], Coroutine[Any, Any, None]], seed: int = 1, longest: float | None = None) -> None:
    async def whole() -> None:
        scene = Scene(seed, longest)
        await asyncio.sleep(2.5 * INTERVAL)
        await story(scene)

    run_virtually(whole())


def test_it_reports_once_an_interval() -> None:
    async def story(scene: Scene) -> None:
        began = scene.now()
        await asyncio.sleep(100)
        moments = [knock.at for knock in scene.knocks("PATCH", began)]
        gaps = [after - before for before, after in pairwise(moments)]
        assert gaps == pytest.approx([INTERVAL] * len(gaps), abs=0.01)

    play(story)


def test_a_change_is_reported_at_once_and_moves_no_later_report() -> None:
    async def story(scene: Scene) -> None:
        regular = await scene.until("PATCH")
        await asyncio.sleep(4)
        scene.agent.situation.judge(UNCHECKED)
        changed = scene.now()
        assert await scene.until("PATCH", changed) == pytest.approx(changed, abs=0.02)
        assert await scene.until("PATCH", changed + 0.1) == pytest.approx(regular + INTERVAL, abs=0.02)

    play(story)


def test_what_changed_and_changed_back_before_it_was_said_is_not_said() -> None:
    async def story(scene: Scene) -> None:
        await scene.until("PATCH")
        await asyncio.sleep(1)
        began = scene.now()
        scene.agent.situation.judge(UNCHECKED)
        scene.agent.situation.judge(HEALTHY)
        await asyncio.sleep(1)
        assert scene.knocks("PATCH", began) == []

    play(story)


def test_a_shorter_interval_cuts_the_present_wait_short() -> None:
    async def story(scene: Scene) -> None:
        scene.coordinator.interval = 300
        await scene.until("PATCH")
        await asyncio.sleep(60)
        assert scene.knocks("PATCH", scene.now() - 50) == []
        scene.coordinator.interval = 1
        scene.coordinator.let_go()
        learnt = scene.now()
        await asyncio.sleep(10)
        assert len(scene.knocks("PATCH", learnt)) in (9, 10, 11)

    for seed in SEEDS:
        play(story, seed)


def test_a_longer_interval_stretches_the_present_wait() -> None:
    async def story(scene: Scene) -> None:
        last = await scene.until("PATCH")
        await asyncio.sleep(5)
        scene.coordinator.interval = 300
        scene.coordinator.let_go()
        assert await scene.until("PATCH") == pytest.approx(last + 5 + 150, abs=1)

    play(story)


def test_its_own_longest_interval_goes_before() -> None:
    async def story(scene: Scene) -> None:
        scene.coordinator.interval = 300
        await asyncio.sleep(5)
        began = scene.now()
        await asyncio.sleep(20)
        assert len(scene.knocks("PATCH", began)) in (9, 10, 11)

    play(story, longest=2.0)


@pytest.mark.parametrize("away", [1, 10, 60])
def test_an_outage_does_not_move_the_moments_at_which_it_reports(away: float) -> None:
    async def story(scene: Scene) -> None:
        moment = await scene.until("PATCH")
        scene.coordinator.kill()
        await asyncio.sleep(away)
        scene.coordinator.away = False
        await asyncio.sleep(20)
        late = (await scene.until("PATCH") - moment) % INTERVAL
        assert min(late, INTERVAL - late) < 0.1

    for seed in SEEDS:
        play(story, seed)


def test_while_the_coordinator_is_away_it_tries_again_for_a_short_while_and_then_once_an_interval() -> None:
    async def story(scene: Scene) -> None:
        failed = await scene.until("PATCH")
        scene.coordinator.kill()
        await asyncio.sleep(INTERVAL - 1)
        failed = await scene.until("PATCH")
        await asyncio.sleep(50.5)
        moments = [knock.at for knock in scene.knocks("PATCH", failed)]
        assert moments[RETRIES] - failed < 0.75 * INTERVAL
        steady = [after - before for before, after in pairwise(moments[RETRIES + 1 :])]
        assert steady == pytest.approx([INTERVAL] * 4, abs=0.02)

    for seed in SEEDS:
        play(story, seed)


def test_one_who_asks_to_wait_is_not_asked_earlier_whatever_else_it_answers() -> None:
    """An answered query once sent the heartbeat off that had just been told to wait."""

    async def story(scene: Scene) -> None:
        scene.coordinator.shed = lambda: 5.0
        refused = await scene.until("PATCH")
        scene.coordinator.shed = lambda: None
        scene.coordinator.let_go()
        again = await scene.until("PATCH", refused + 0.01)
        assert 5 <= again - refused <= 10

    for seed in SEEDS:
        play(story, seed)


def test_of_all_that_changes_while_it_has_to_wait_it_says_the_newest_alone() -> None:
    async def story(scene: Scene) -> None:
        scene.coordinator.shed = lambda: 5.0
        scene.agent.situation.judge(UNCHECKED)
        refused = await scene.until("PATCH")
        for number in range(20):
            scene.agent.situation.judge(Verdict(Status.FAILED, f"failure {number}"))
            await asyncio.sleep(0.2)
        scene.coordinator.shed = lambda: None
        await asyncio.sleep(8)
        said = [knock.said for knock in scene.knocks("PATCH", refused + 0.01)]
        newest = (Status.FAILED, "failure 19")
        assert {(each.status, each.message) for each in said if isinstance(each, Heartbeat)} == {newest}

    for seed in SEEDS:
        play(story, seed)


def test_a_query_that_was_held_is_followed_by_the_next_one_at_once() -> None:
    async def story(scene: Scene) -> None:
        first = await scene.until("GET")
        await asyncio.sleep(3 * WAIT + 1)
        moments = [knock.at - first for knock in scene.knocks("GET", first)]
        assert moments == pytest.approx([0, WAIT, 2 * WAIT, 3 * WAIT], abs=0.02)

    play(story)


def test_a_query_that_brought_something_new_is_followed_by_the_next_one_at_once_that_ends_sooner() -> None:
    """A whole fleet may have been told at this moment, and would ask again at one moment for ever after."""

    async def story(scene: Scene) -> None:
        await scene.until("GET")
        await asyncio.sleep(3)
        scene.coordinator.generation += 1
        scene.coordinator.let_go()
        told = scene.now()
        assert await scene.until("GET", told) == pytest.approx(told, abs=0.02)
        assert await scene.until("GET", told + 0.1) < told + WAIT - 0.1

    for seed in SEEDS:
        play(story, seed)


def test_a_query_that_was_let_go_with_nothing_new_is_asked_again_later() -> None:
    rests = []

    async def story(scene: Scene) -> None:
        await asyncio.sleep(2)
        began = scene.now()
        scene.coordinator.let_go()
        rests.append(await scene.until("GET", began) - began)

    for seed in SEEDS:
        play(story, seed)
    assert 0 < min(rests) < 2
    assert INTERVAL - 2 < max(rests) <= INTERVAL + 0.02


def test_a_coordinator_that_holds_no_query_is_asked_about_once_an_interval() -> None:
    async def story(scene: Scene) -> None:
        began = scene.now()
        letting_go = asyncio.create_task(let_go_for_ever(scene.coordinator))
        await asyncio.sleep(200)
        letting_go.cancel()
        assert 10 <= len(scene.knocks("GET", began)) <= 20

    async def let_go_for_ever(coordinator: HerdCoordinator) -> None:
        while True:
            coordinator.let_go()
            await asyncio.sleep(0.1)

    for seed in SEEDS:
        play(story, seed)
