"""The conversation with the coordinator: register, then report and listen until it forgets the instance."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from random import Random
from typing import Never

import structlog

from dides.agent.backoff import CAP, Backoff
from dides.agent.errors import DecommissionedError, UnknownCredentialError
from dides.agent.races import first_of
from dides.agent.registration import DECOMMISSIONED, Registration
from dides.agent.report import without
from dides.agent.situation import Situation
from dides.client.errors import ClientError, RefusedError, UnreachableError
from dides.client.instance import InstanceClient
from dides.clock import Clock
from dides.protocol.messages import Directive, Heartbeat
from dides.systemd import notify

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
WAIT = 30.0
"""Seconds that a blocking query is held."""
JITTER = 0.1
AT_ONCE = 1.0
"""Seconds; a blocking query that is answered sooner, with nothing new, was not held."""
LAST_WORD = 2.0


class Conversation:
    """What one instance says to the coordinator, and hears from it."""

    def __init__(
        self,
        name: str,
        situation: Situation,
        client: InstanceClient,
        registration: Registration,
        clock: Clock,
        random: Random,
    ) -> None:
        self._name = name
        self._situation = situation
        self._client = client
        self._registration = registration
        self._clock = clock
        self._random = random
        self._omitted: frozenset[str] = frozenset()
        self._heard = asyncio.Event()
        self._forgotten = Backoff(random)

    async def hold(self) -> Never:
        """Talk until cancelled. Raises DecommissionedError, SettingError."""
        await self._registration.register()
        notify("READY=1")
        while True:
            with suppress(UnknownCredentialError):
                await first_of(self._report(), self._listen())
            log.warning("the coordinator does not know this instance any more; registering again")
            self._client.credential = None
            await asyncio.sleep(self._forgotten.next_delay())
            await self._registration.register()

    async def say_last(self) -> None:
        """Report once more, if the coordinator takes it within two seconds."""
        try:
            async with asyncio.timeout(LAST_WORD):
                await self._client.heartbeat(self._name, self._compose())
        except (ClientError, TimeoutError) as error:
            log.warning("the last report did not get through", error=str(error) or "no answer in time")

    async def _report(self) -> Never:
        """Send heartbeats: at every interval, and at once on any change."""
        backoff = Backoff(self._random)
        await _wait_for(self._situation.settled, self._situation.interval)
        while True:
            self._situation.changed.clear()
            # Heard of as often as when all is well: a coordinator that comes back listens for one time to live.
            if await self._exchange(self._beat, backoff, cap=self._situation.interval):
                await self._until_next()

    async def _listen(self) -> Never:
        """Hold blocking queries, one after the other."""
        backoff = Backoff(self._random)
        while True:
            await self._exchange(self._query, backoff)

    async def _beat(self) -> Directive:
        return await self._client.heartbeat(self._name, self._compose())

    async def _query(self) -> Directive:
        asked, began = self._situation.seen, self._clock.monotonic()
        directive = await self._client.desired(self._name, asked, WAIT)
        if directive.generation <= asked and self._clock.monotonic() - began < AT_ONCE:
            raise UnreachableError("the coordinator did not hold a query for the desired state")
        return directive

    async def _exchange(self, ask: Callable[[], Awaitable[Directive]], backoff: Backoff, *, cap: float = CAP) -> bool:
        """Ask the coordinator once; on failure wait, but not longer than until it answers anything."""
        try:
            directive = await ask()
        except UnreachableError as error:
            await self._rest(error, backoff.next_delay(error.retry_after, cap=cap))
            return False
        except RefusedError as error:
            if not self._repair(error):
                await self._rest(error, backoff.next_delay())
            return False
        backoff.reset()
        self._forgotten.reset()
        self._heard.set()
        self._heard.clear()
        self._situation.hear(directive)
        return True

    def _repair(self, error: RefusedError) -> bool:
        """Tell whether the next try can be better at once. Raises what a refusal means for the conversation."""
        if error.status in (401, 404):
            # A coordinator in development mode asks for no credential, and only does not know the instance.
            raise UnknownCredentialError
        if error.status == 410:
            raise DecommissionedError(DECOMMISSIONED)
        named = frozenset(field.field.partition(".")[0] for field in error.problem.errors)
        new = (named & frozenset(Heartbeat.__struct_fields__)) - self._omitted if error.status == 422 else frozenset()
        if new:
            log.warning("the coordinator refuses a field of the heartbeat; leaving it out", fields=sorted(new))
            self._omitted |= new
        return bool(new)

    def _compose(self) -> Heartbeat:
        return without(self._situation.heartbeat(), self._omitted)

    async def _rest(self, error: ClientError, seconds: float) -> None:
        log.warning("no answer from the coordinator; trying again", error=str(error), seconds=round(seconds, 1))
        await _wait_for(self._heard, seconds)

    async def _until_next(self) -> None:
        seconds = self._situation.interval * self._random.uniform(1 - JITTER, 1 + JITTER)
        await _wait_for(self._situation.changed, seconds)


async def _wait_for(event: asyncio.Event, seconds: float) -> None:
    """Wait for an event, or until the time is over."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
