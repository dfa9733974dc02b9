"""A coordinator of one instance, in memory, behind the transport seam of the client: real messages, no sockets."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

import httpx2
import msgspec

from dides.model.state import NOTHING, ApplyRule, State, Status
from dides.protocol.messages import Directive, Heartbeat, Instance, Problem, ProblemField, Registered, Registration

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
PATIENCE = 8.0
"""Seconds after which a test gives up; only a failing one waits so long."""


class AgentCoordinator:
    """Answers an agent as the wire contract says, and remembers what it said. The switches are plain attributes."""

    def __init__(self, *, heartbeat_interval: float = 10.0) -> None:
        self.heartbeat_interval = heartbeat_interval
        self.desired: State | None = None
        self.generation = 0
        self.deployment_id: int | None = None
        self.rule = ApplyRule.UNLESS_HEALTHY
        self.away = False
        self.decommissioned = False
        self.token = "token"
        self.name_is_taken = False
        self.refused_registration = ""
        self.dev = False
        """It asks for no credential, and only does not know an instance that it has forgotten."""
        """A field of the registration that is answered with 422."""
        self.refused_fields: frozenset[str] = frozenset()
        """Fields of the heartbeat that are answered with 422."""
        self.holds = True
        """Whether queries for the desired state are held."""
        self.registrations: list[Registration] = []
        self.credentials: frozenset[str] = frozenset()
        self.heartbeats: list[Heartbeat] = []
        self.requests = 0
        self.transport = httpx2.MockTransport(self._answer)
        self._changed = asyncio.Condition()

    async def assign(
        self,
        desired: State | None,
        *,
        generation: int | None = None,
        deployment_id: int = 1,
        rule: ApplyRule = ApplyRule.UNLESS_HEALTHY,
    ) -> None:
        """Set the desired state, under the next generation unless one is given, and wake the held queries."""
        self.rule = rule
        self.desired, self.deployment_id = desired, deployment_id
        self.generation = self.generation + 1 if generation is None else generation
        await self._notify()

    async def forget(self) -> None:
        """Lose every credential, as a coordinator restored from an old backup does."""
        self.credentials = frozenset()
        await self._notify()

    async def decommission(self) -> None:
        """Answer 410 from now on."""
        self.decommissioned = True
        await self._notify()

    async def go_away(self) -> None:
        """Refuse connections from now on, and break those of held queries."""
        self.away = True
        await self._notify()

    async def come_back(self) -> None:
        """Answer again."""
        self.away = False
        await self._notify()

    async def until_heartbeat(self, **fields: object) -> Heartbeat:
        """Wait for a heartbeat with these fields (a past one counts) and return the first."""

        def matching() -> list[Heartbeat]:
            wanted = fields.items()
            return [beat for beat in self.heartbeats if all(getattr(beat, key) == value for key, value in wanted)]

        await self.until(lambda: bool(matching()))
        return matching()[0]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition holds that requests, or the methods above, bring about."""
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(condition)

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _answer(self, request: httpx2.Request) -> httpx2.Response:
        self.requests += 1
        try:
            if self.away:
                raise httpx2.ConnectError("connection refused")
            return self._register(request) if request.method == "POST" else await self._speak(request)
        finally:
            await self._notify()

    async def _speak(self, request: httpx2.Request) -> httpx2.Response:
        credential = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if self.decommissioned:
            return problem(410, "This instance was decommissioned")
        if credential not in self.credentials:
            return problem(404, "Not found") if self.dev else problem(401, "A valid credential is needed")
        return self._beat(request) if request.method == "PATCH" else await self._hold(request)

    def _register(self, request: httpx2.Request) -> httpx2.Response:
        registration = msgspec.json.decode(request.content, type=Registration)
        self.registrations.append(registration)
        if self.decommissioned:
            return problem(410, "This instance was decommissioned")
        if self.refused_registration:
            return problem(422, "The request is not valid", self.refused_registration)
        presented = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if registration.token != self.token and presented not in self.credentials:
            return problem(401, "A valid credential is needed")
        if self.name_is_taken:
            return problem(409, "Conflict")
        credential = presented if presented in self.credentials else f"credential-{len(self.registrations)}"
        self.credentials = frozenset({credential})
        instance = describe(registration, self.generation)
        interval = self.heartbeat_interval
        return reply(Registered(instance=instance, credential=credential, heartbeat_interval=interval), 201)

    def _beat(self, request: httpx2.Request) -> httpx2.Response:
        heartbeat = msgspec.json.decode(request.content, type=Heartbeat)
        for field in sorted(self.refused_fields):
            if getattr(heartbeat, field) is not msgspec.UNSET:
                return problem(422, "The request is not valid", field)
        self.heartbeats.append(heartbeat)
        return reply(self._directive())

    async def _hold(self, request: httpx2.Request) -> httpx2.Response:
        above, wait = int(request.url.params["generation"]), float(request.url.params["wait"])
        credentials = self.credentials

        def over() -> bool:
            return self.generation > above or self.away or self.decommissioned or self.credentials != credentials

        if self.holds:
            with suppress(TimeoutError):
                async with asyncio.timeout(wait), self._changed:
                    await self._changed.wait_for(over)
        if self.away:
            raise httpx2.ReadError("connection lost")
        return problem(410, "This instance was decommissioned") if self.decommissioned else reply(self._directive())

    def _directive(self) -> Directive:
        return Directive(
            name="web-1",
            desired=self.desired,
            generation=self.generation,
            deployment_id=self.deployment_id,
            update_needed=False,
            apply=self.rule,
            heartbeat_interval=self.heartbeat_interval,
        )


def describe(registration: Registration, generation: int) -> Instance:
    """Return the instance that a registration makes."""
    return Instance(
        name=registration.instance.name,
        ip=registration.instance.ip,
        labels=registration.instance.labels,
        status=Status.UNKNOWN,
        current=NOTHING,
        desired=None,
        generation=generation,
        message="",
        registered_at=EPOCH,
        last_heartbeat_at=None,
        reachable=True,
    )


def reply(answer: msgspec.Struct, status: int = 200) -> httpx2.Response:
    """Return an answer."""
    return httpx2.Response(status, content=msgspec.json.encode(answer))


def problem(status: int, title: str, field: str = "") -> httpx2.Response:
    """Return a problem document, about one field when it is given."""
    errors = [ProblemField(field=field, message="is not known here")] if field else []
    return reply(Problem(type="about:blank", title=title, status=status, errors=errors), status)
