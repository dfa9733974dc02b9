"""Registering with the coordinator, for as long as it takes."""

import asyncio
import socket
from random import Random
from typing import Never
from urllib.parse import urlsplit

import structlog

from dides.agent.errors import DecommissionedError, SettingError
from dides.agent.settings import AgentSettings
from dides.agent.state import Situation
from dides.client.backoff import Backoff
from dides.client.errors import ClientError, RefusedError, UnreachableError
from dides.client.instance import InstanceClient
from dides.protocol.messages import InstanceSpec, Registered

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
LOOK_EVERY = 60.0
"""Seconds between two looks at the address of this host."""
DECOMMISSIONED = (
    "This instance was decommissioned; the agent stops. To bring it back on purpose, remove memory.json from its "
    "state directory and start the agent again."
)


class Registration:
    """Registers one instance, and again when the coordinator has forgotten it, or when there is news of it."""

    def __init__(self, settings: AgentSettings, situation: Situation, client: InstanceClient, random: Random) -> None:
        self._settings = settings
        self._situation = situation
        self._client = client
        self._backoff = Backoff(random)
        self._registered: InstanceSpec | None = None
        """What the coordinator knows of the instance, as far as this process has told it."""

    async def register(self) -> None:
        """Register an instance that has no credential, and try until that succeeds.

        Raises SettingError when the coordinator can never accept what it is told, DecommissionedError.
        """
        if self._settings.token is None:
            raise SettingError("--token", "needed to register: the coordinator has no credential for this instance")
        self._registered = None
        while not await self._try():
            pass
        self._backoff.reset()

    async def keep(self) -> Never:
        """Register anew with the instance's own credential, whenever its labels or its address are other ones.

        At the start of a process as well: the one before it may have been started with others. Raises as `register`.
        """
        while True:
            if await self._try():
                self._backoff.reset()
                await asyncio.sleep(LOOK_EVERY)

    async def _try(self) -> bool:
        """Register once if there is anything new to say; wait, and return False, when that fails."""
        try:
            spec = await self._describe()
            if spec != self._registered:
                await self._say(spec)
        except UnreachableError as error:
            return await self._rest(error, error.retry_after)
        except RefusedError as error:
            return await self._rest(error)
        return True

    async def _describe(self) -> InstanceSpec:
        """Return what there is to say of the instance. Raises UnreachableError when its address cannot be told."""
        ip = self._settings.ip or await find_address(self._settings.server)
        return InstanceSpec(name=self._settings.name, ip=ip, labels=dict(self._settings.labels))

    async def _say(self, spec: InstanceSpec) -> None:
        """Register; an instance that is refused may go on as it was registered earlier. Raises ClientError."""
        try:
            registered = await self._client.register(spec, self._settings.token)
        except RefusedError as error:
            if not self._may_go_on(error):
                raise
            log.warning("not registered anew; address and labels stay as they were", error=str(error))
        else:
            self._take(registered, spec)
        self._registered = spec

    def _take(self, registered: Registered, spec: InstanceSpec) -> None:
        self._situation.admit(registered.credential)
        self._situation.pace(registered.heartbeat_interval)
        log.info("registered", server=self._settings.server, ip=spec.ip)

    def _may_go_on(self, error: RefusedError) -> bool:
        """Tell whether an instance may go on with its earlier credential. Raises what ends the agent."""
        if error.status == 410:
            raise DecommissionedError(DECOMMISSIONED)
        # An earlier version wants the token, though the instance has a credential.
        wants_token = error.status == 422 and self._settings.token is None and _flag_of(error) == "--token"
        if error.status == 422 and not wants_token:
            raise SettingError(_flag_of(error), f"the coordinator refuses it: {error}")
        return bool(self._client.credential) and (wants_token or error.status == 401)

    async def _rest(self, error: ClientError, asked: float | None = None) -> bool:
        delay = self._backoff.next_delay(asked)
        log.warning("cannot register; trying again", error=str(error), seconds=round(delay, 1))
        await asyncio.sleep(delay)
        return False


async def find_address(server: str) -> str:
    """Return the address that this host uses towards a server (a URL). Raises UnreachableError when there is none."""
    url = urlsplit(server)
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(url.hostname, url.port or 80, type=socket.SOCK_DGRAM)
        family, kind, protocol, _, address = found[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.connect(address)  # a datagram socket: this only chooses a route, nothing is sent
            return str(probe.getsockname()[0]).partition("%")[0]
    except OSError as error:
        raise UnreachableError(f"no way to {url.hostname}: {error.strerror}; --ip would name the address") from error


def _flag_of(error: RefusedError) -> str:
    """Return the flag behind the field that the coordinator refuses first."""
    field = error.problem.errors[0].field if error.problem.errors else ""
    for part, flag in (("labels", "--label"), ("ip", "--ip"), ("token", "--token")):
        if part in field.split("."):
            return flag
    return "--name"
