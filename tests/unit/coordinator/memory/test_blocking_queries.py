"""A held query is looked at again once the database was put back from a backup, and answered if there is news."""

import asyncio

import pytest

from dides.coordinator.memory.blocking_queries import Queries
from dides.coordinator.memory.instance_cache import InstanceCache
from dides.coordinator.memory.waiters import Waiters
from dides.model.errors import NotFoundError, UnauthorizedError
from dides.model.instance import InstanceSummary
from dides.store.records import Changes
from support.clocks import FakeClock
from support.summaries import a_summary

WAIT = 60.0
PATIENCE = 20.0


class Held:
    """A query of web-1 about what comes after generation 7, which is held."""

    def __init__(self, clock: FakeClock) -> None:
        self.waiters = Waiters()
        self.instance_cache = InstanceCache(self.waiters)
        known = a_summary(id=1, revision=9, generation=7, credential_hash=b"old")
        self.instance_cache.apply(Changes([known], []))
        queries = Queries(self.instance_cache, self.waiters, clock, lambda: None)
        self.answer = asyncio.create_task(queries.answered(queries.query("web-1", 7, WAIT, asker=known)))

    async def put_back(self, *summaries: InstanceSummary) -> InstanceSummary:
        """Put another state of the database in its place; return the answer that this brings."""
        while not self.waiters.held:
            await asyncio.sleep(0)
        self.instance_cache.apply(Changes(list(summaries), [], anew=True))
        async with asyncio.timeout(PATIENCE):
            return await self.answer


async def test_one_whose_desired_state_was_put_back_is_answered(clock: FakeClock) -> None:
    """The backup is the newer one of two: its generation is above what the asker has heard of."""
    now = a_summary(id=1, revision=3, generation=8, credential_hash=b"old")
    assert await Held(clock).put_back(now) is now


async def test_one_whose_instance_is_not_in_the_backup_is_told_so(clock: FakeClock) -> None:
    with pytest.raises(NotFoundError):
        await Held(clock).put_back()


async def test_one_whose_credential_is_not_in_the_backup_is_told_so(clock: FakeClock) -> None:
    with pytest.raises(UnauthorizedError):
        await Held(clock).put_back(a_summary(id=1, revision=3, generation=3, credential_hash=b"older"))


async def test_one_whose_name_another_instance_has_in_the_backup_is_told_so(clock: FakeClock) -> None:
    with pytest.raises(NotFoundError):
        await Held(clock).put_back(a_summary(id=2, revision=3, generation=3, credential_hash=b"old"))
