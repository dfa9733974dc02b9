"""The conversation with the coordinator: register, then report and listen until it forgets the instance."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from random import Random
from typing import Never

import structlog

from dides.agent.errors import DecommissionedError, UnknownCredentialError
from dides.agent.first_completed import first_of
from dides.agent.numbering import Numbering
from dides.agent.registration import DECOMMISSIONED, Registration
from dides.agent.report import without
from dides.agent.schedule import Rhythm
from dides.agent.state import USUAL_INTERVAL, Situation
from dides.client.backoff import CAP, Backoff
from dides.client.errors import ClientError, RefusedError, UnreachableError
from dides.client.instance import InstanceClient
from dides.protocol.messages import Directive, Heartbeat
from dides.runtime.clock import Clock
from dides.runtime.systemd import notify

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
WAIT = 30.0
"""Seconds that a blocking query is held."""
SHORTEST_SHARE = 0.1
"""Of WAIT, for a query that is one of many perhaps, asked at one moment: they are not to end at one moment too."""
TOO_EARLY = 0.05
"""Seconds; a query that is answered earlier than that before the end of its wait, with nothing new, was let go."""
AT_ONCE = 1.0
"""Seconds; a query that ends sooner was not held at all."""
RETRIES = 2
FIRST_RETRY = 1 / 4
"""Of an interval (or of the usual one, if that is shorter): the retries fit between two reports."""
TOO_SOON = 0.1
"""Of an interval: a report that is due so soon after another one is left out."""
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
        self._forgotten = Backoff(random)
        self._rhythm = Rhythm(random, situation.interval, clock.monotonic())
        self._said: Heartbeat | None = None
        self._numbering = Numbering(clock)

    async def hold(self) -> Never:
        """Talk until cancelled. Raises DecommissionedError, SettingError."""
        if self._client.credential is None:
            await self._registration.register()
        notify("READY=1")
        while True:
            with suppress(UnknownCredentialError):
                await first_of(self._report(), self._listen(), self._registration.keep())
            log.warning("the coordinator does not know this instance any more; registering again")
            self._client.credential = None
            # Perhaps it knows nobody any more, and a registration costs it more than a heartbeat.
            interval = self._situation.interval
            await asyncio.sleep(self._forgotten.next_delay(base=interval, cap=max(CAP, interval)))
            await self._registration.register()

    async def say_last(self) -> None:
        """Report once more, if the coordinator takes it within two seconds."""
        try:
            async with asyncio.timeout(LAST_WORD):
                await self._beat()
        except (ClientError, TimeoutError) as error:
            log.warning("the last report did not get through", error=str(error) or "no answer in time")

    async def _report(self) -> Never:
        """Send heartbeats: at the moments of the rhythm, and at once on any change."""
        backoff = Backoff(self._random)
        await _wait_for(self._situation.settled, self._situation.interval)
        while True:
            try:
                await self._ask(self._beat)
            except ClientError as error:
                await self._retry(error, backoff)
            else:
                backoff.reset()
                await self._until_due(self._situation.interval * TOO_SOON, self._said)

    async def _retry(self, error: ClientError, backoff: Backoff) -> None:
        """Wait after a report that failed: for a short while at first, later only until the next one is due.

        While the coordinator is away for long, all instances keep the moments at which they report, and so it is
        spoken to as evenly when it comes back as if it had never been away. One that asks to wait is not away, and
        says itself how long: no more patience than that, or the instance falls silent for its time to live.
        """
        asked, interval = _asked(error), self._situation.interval
        if asked or backoff.failures < RETRIES:
            base = min(interval, USUAL_INTERVAL) * FIRST_RETRY
            await _rest(error, backoff.next_delay(asked, base=base, cap=base if asked else 2 * base, spread=interval))
        else:
            log.warning("no answer from the coordinator; trying again when the next report is due", error=str(error))
            await self._until_due(interval * TOO_SOON, None)
            self._numbering.close()

    async def _until_due(self, seconds: float, said: Heartbeat | None) -> None:
        """Wait until a report is due, at least so many seconds from now, or until there is more than what was said."""
        now, heartbeat = self._clock.monotonic, self._situation.heartbeat
        self._rhythm.pace(now(), self._situation.interval)
        self._rhythm.skip(now(), seconds)
        while (said is None or said == heartbeat()) and (left := self._rhythm.left(now())) > 0:
            self._situation.stirred.clear()
            await _wait_for(self._situation.stirred, left)
            self._rhythm.pace(now(), self._situation.interval)

    async def _listen(self) -> Never:
        """Hold blocking queries, one after the other."""
        backoff = Backoff(self._random)
        wait = 0.0
        while True:
            held = await self._query(wait or WAIT * self._random.uniform(SHORTEST_SHARE, 1), backoff)
            wait = WAIT if held else 0.0

    async def _query(self, wait: float, backoff: Backoff) -> bool:
        """Ask what is desired; True when that was held to its end, so that the next query can be as long as usual."""
        asked, began = self._situation.seen, self._clock.monotonic()
        try:
            directive = await self._ask(lambda: self._client.desired(self._name, asked, wait))
        except ClientError as error:
            await _rest(error, self._spread(backoff, began, _asked(error)))
            return False
        held = self._clock.monotonic() - began > wait - TOO_EARLY
        if held or directive.generation > asked:
            backoff.reset()
        else:
            await _let_go(self._spread(backoff, began))
        return held

    def _spread(self, backoff: Backoff, began: float, asked: float = 0.0) -> float:
        """Return how long to rest after a query that did not end as it should.

        When a coordinator stops, all of its queries end at one moment. They may come back as fast as heartbeats do,
        or as fast as queries do when all is well: for both of these there is room.
        """
        if self._clock.monotonic() - began >= AT_ONCE:
            backoff.reset()
        interval = self._situation.interval
        base = min(interval, WAIT)
        again = base if backoff.failures else 0.0
        return backoff.next_delay(max(asked, again), base=base, cap=base, spread=interval)

    async def _beat(self) -> Directive:
        self._said = self._situation.heartbeat()
        signed = self._numbering.sign(self._said)
        directive = await self._client.heartbeat(self._name, without(signed, self._omitted))
        self._numbering.close()
        return directive

    async def _ask(self, ask: Callable[[], Awaitable[Directive]]) -> Directive:
        """Ask the coordinator, and take in its answer. Raises ClientError when that is to be tried again later."""
        while True:
            try:
                directive = await ask()
            except RefusedError as error:
                if not self._repair(error):
                    raise
            else:
                self._forgotten.reset()
                self._situation.hear(directive)
                return directive

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


async def _let_go(seconds: float) -> None:
    # A coordinator that stops does so, with everybody's query at one moment.
    log.info("the coordinator has let a query go; asking again", seconds=round(seconds, 1))
    await asyncio.sleep(seconds)


async def _rest(error: ClientError, seconds: float) -> None:
    log.warning("no answer from the coordinator; trying again", error=str(error), seconds=round(seconds, 1))
    await asyncio.sleep(seconds)


def _asked(error: ClientError) -> float:
    """Return the seconds that the coordinator asks to wait."""
    return (error.retry_after or 0.0) if isinstance(error, UnreachableError) else 0.0


async def _wait_for(event: asyncio.Event, seconds: float) -> None:
    """Wait for an event, or until the time is over."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
