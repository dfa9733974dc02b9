"""Followers are told in order, and no more in one turn of their loop than it can bear."""

import asyncio
from threading import Thread

from dides.store.broadcaster import PATIENCE as LONGEST
from dides.store.broadcaster import Broadcaster
from dides.store.records import Changes
from dides.store.sql.transaction import MOST_BROADCAST
from support.summaries import a_summary

PATIENCE = 10.0
PIECES = 10


def pieces() -> list[Changes]:
    """Return what one large commit is told in."""
    many = [a_summary(f"web-{number}", id=number) for number in range(PIECES * MOST_BROADCAST)]
    return [Changes(many[first : first + MOST_BROADCAST], []) for first in range(0, len(many), MOST_BROADCAST)]


def broadcast_all(broadcaster: Broadcaster, told: list[Changes]) -> None:
    for each in told:
        broadcaster.broadcast(each)


class Follower:
    """Notes in which turn of the loop it is told what."""

    def __init__(self) -> None:
        self.turn = 0
        self.turns: list[int] = []
        self.names: list[str] = []

    def hear(self, changes: Changes) -> None:
        self.turns.append(self.turn)
        self.names += [each.name for each in changes.summaries]

    async def count(self) -> None:
        """Count the turns, until cancelled."""
        while True:
            await asyncio.sleep(0)
            self.turn += 1


async def test_the_pieces_of_a_large_change_come_one_in_a_turn_and_in_order() -> None:
    broadcaster, follower, told = Broadcaster(), Follower(), pieces()
    counting = asyncio.create_task(follower.count())

    with broadcaster.joined(follower.hear):
        await asyncio.wait_for(asyncio.to_thread(broadcast_all, broadcaster, told), PATIENCE)
    counting.cancel()
    assert len(follower.turns) == PIECES, "all of it has come when the teller goes on"
    assert len(set(follower.turns)) == PIECES, "and others were served between them"
    assert follower.names == [summary.name for each in told for summary in each.summaries]


async def test_a_loop_that_stands_still_holds_nobody_up_for_ever() -> None:
    broadcaster, follower = Broadcaster(), Follower()
    with broadcaster.joined(follower.hear):
        first, second, *_ = pieces()
        assigner = Thread(target=broadcast_all, args=(broadcaster, [first, second]))
        assigner.start()
        assigner.join(LONGEST + PATIENCE)  # This loop does nothing else meanwhile.
        assert not assigner.is_alive()
    while len(follower.turns) < 2:
        await asyncio.sleep(0)


async def test_a_follower_that_fails_is_told_the_next_all_the_same() -> None:
    broadcaster, heard = Broadcaster(), list[Changes]()

    def hear(changes: Changes) -> None:
        heard.append(changes)
        raise ValueError("a mistake")

    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context["message"]))
    told = pieces()[:2]
    with broadcaster.joined(hear):
        begun = asyncio.get_running_loop().time()
        await asyncio.to_thread(broadcast_all, broadcaster, told)
        assert asyncio.get_running_loop().time() - begun < LONGEST
    while len(heard) < 2:
        await asyncio.sleep(0)
    assert len(complaints) == 2
