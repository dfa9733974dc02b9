"""Follows a deployment to its end by asking again and again, also while the coordinator is away for a while."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from random import SystemRandom
from typing import Protocol, TypeVar

import msgspec

from dides.cli.display.marks import in_flight
from dides.client.backoff import Backoff
from dides.client.errors import UnreachableError
from dides.client.operator import OperatorClient
from dides.model.deployment import TargetState
from dides.protocol.messages import Deployment, Event, Target
from dides.runtime.clock import Clock

T = TypeVar("T")
Sleep = Callable[[float], Awaitable[object]]

SHORTEST, LONGEST = 0.1, 1.0
"""Seconds between two questions: the shortest while much changes, the longest while nothing does."""
PATIENCE = 600.0
"""Seconds for which the coordinator may be away before watching gives up."""
SOAK = "soak"
RECENT = 100
"""Events among which the beginning of a soak is looked for: not much happens in one."""
MAX_TARGETS = 1000
"""Targets read of one state at a time: enough to show, and one page whatever the size of the fleet."""


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen of a deployment at one moment."""

    deployment: Deployment
    updating: tuple[Target, ...] = ()
    failures: tuple[Target, ...] = ()
    """Failed targets that no earlier sight had."""
    soaks_until: datetime | None = None
    """When the open wave, which is over, has soaked; None while none does, or when that is not known."""


class Display(Protocol):
    """Shows a deployment while it is followed."""

    def show(self, sight: Sight) -> None:
        """Show what changed."""
        ...

    def show_away(self, seconds: float, why: str) -> None:
        """Say that the coordinator has been away for so many seconds, and why it seems to be."""
        ...

    def show_back(self) -> None:
        """Say that the coordinator answers again."""
        ...


class Follower:
    """Follows one deployment. `sleep` takes seconds; it and the clock are the seams for tests."""

    def __init__(
        self,
        client: OperatorClient,
        display: Display,
        clock: Clock,
        *,
        sleep: Sleep = asyncio.sleep,
        patience: float = PATIENCE,
    ) -> None:
        self._client = client
        self._display = display
        self._clock = clock
        self._sleep = sleep
        self._patience = patience
        self._random = SystemRandom()
        self._known_failures: set[tuple[str, int]] = set()
        self._shown: Sight | None = None

    async def follow(self, deployment_id: int, seen: Deployment | None = None) -> Deployment:
        """Show a deployment until it is final, and return it as it ended; `seen` is it as last seen, if it was.

        Raises UnreachableError once the coordinator has been away for longer than the patience, and RefusedError.
        """
        ask = partial(self._client.deployment, deployment_id)
        deployment = await self._persist(ask) if seen is None else seen
        pause = SHORTEST
        shown: Deployment | None = None
        while True:
            if deployment != shown or deployment.configuration.retries:
                # Further attempts at a target change nothing in the deployment.
                self._show(await self._persist(partial(self._look, deployment)))
            if deployment != shown:
                pause = SHORTEST if shown is None else max(SHORTEST, pause / 2)
            else:
                pause = min(LONGEST, pause * 1.5)
            if not in_flight(deployment):
                return deployment
            shown = deployment
            await self._sleep(pause)
            deployment = await self._persist(ask)

    def _show(self, sight: Sight) -> None:
        if sight != self._shown:
            self._display.show(sight)
        self._shown = sight

    async def _look(self, deployment: Deployment) -> Sight:
        progress = deployment.progress
        updating = await self._targets(deployment, TargetState.UPDATING) if progress.updating else ()
        failed = await self._targets(deployment, TargetState.FAILED) if progress.failed else ()
        news = tuple(target for target in failed if (target.instance, target.attempt) not in self._known_failures)
        self._known_failures.update((target.instance, target.attempt) for target in news)
        soaks_until = await self._soaks_until(deployment) if deployment.held_by == SOAK else None
        return Sight(deployment=deployment, updating=updating, failures=news, soaks_until=soaks_until)

    async def _soaks_until(self, deployment: Deployment) -> datetime | None:
        return soak_end(await self._client.events(deployment_id=deployment.id, limit=RECENT))

    async def _targets(self, deployment: Deployment, state: TargetState) -> tuple[Target, ...]:
        return await first(self._client.targets(deployment.id, state=state), MAX_TARGETS)

    async def _persist(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask until there is an answer; says so while there is none. Raises UnreachableError when patience ends."""
        since, away, backoff = self._clock.monotonic(), False, Backoff(self._random)
        while True:
            try:
                answer = await ask()
            except UnreachableError as error:
                gone = self._clock.monotonic() - since
                if gone >= self._patience:
                    raise
                away = True
                self._display.show_away(gone, str(error))
                await self._sleep(backoff.next_delay_at_terminal(error.retry_after))
            else:
                if away:
                    self._display.show_back()
                return answer


def soak_end(events: Sequence[Event]) -> datetime | None:
    """Return when the newest soak in these events ends; a pause puts that off by its length."""
    end: datetime | None = None
    paused: datetime | None = None
    for event in events:
        match event.kind:
            case "wave.soaking":
                end = event.at + timedelta(seconds=event.data["seconds"])
            case "deployment.paused":
                paused = event.at
            case "deployment.resumed" if end and paused:
                end += event.at - paused
    return end


async def first(items: AsyncIterator[T], most: int) -> tuple[T, ...]:
    """Return the first items, at most so many."""
    found: list[T] = []
    async for item in items:
        found.append(item)
        if len(found) == most:
            break
    return tuple(found)
