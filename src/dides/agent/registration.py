"""Registering with the coordinator, for as long as it takes."""

import asyncio
import socket
from random import Random
from urllib.parse import urlsplit

import structlog

from dides.agent.backoff import Backoff
from dides.agent.errors import DecommissionedError, SettingError
from dides.agent.settings import AgentSettings
from dides.agent.situation import Situation
from dides.client.errors import ClientError, RefusedError, UnreachableError
from dides.client.instance import InstanceClient
from dides.protocol.messages import InstanceSpec

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
DECOMMISSIONED = (
    "This instance was decommissioned; the agent stops. To bring it back on purpose, remove memory.json from its "
    "state directory and start the agent again."
)


class Registration:
    """Registers one instance, and again when the coordinator has forgotten it."""

    def __init__(self, settings: AgentSettings, situation: Situation, client: InstanceClient, random: Random) -> None:
        self._settings = settings
        self._situation = situation
        self._client = client
        self._backoff = Backoff(random)

    async def register(self) -> None:
        """Register, and try until that succeeds; an instance that has a credential may go on with that one.

        Raises SettingError when the coordinator can never accept what it is told, DecommissionedError.
        """
        token = self._settings.token
        if token is None and self._client.credential:
            log.info("no registration token; going on with the credential of an earlier registration")
            return
        if token is None:
            raise SettingError("--token", "needed to register: the coordinator has no credential for this instance")
        while not await self._try(token):
            pass
        self._backoff.reset()

    async def _try(self, token: str) -> bool:
        """Register once, and wait when that fails; True when the instance may go on to send heartbeats."""
        try:
            ip = self._settings.ip or await find_address(self._settings.server)
            spec = InstanceSpec(name=self._settings.name, ip=ip, labels=dict(self._settings.labels))
            registered = await self._client.register(spec, token)
        except UnreachableError as error:
            return await self._rest(error, error.retry_after)
        except RefusedError as error:
            return self._refused(error) or await self._rest(error)
        self._situation.admit(registered.credential)
        self._situation.pace(registered.heartbeat_interval)
        log.info("registered", server=self._settings.server, ip=ip)
        return True

    def _refused(self, error: RefusedError) -> bool:
        """Tell whether an earlier credential may stand in for a refused registration. Raises what ends the agent."""
        match error.status:
            case 410:
                raise DecommissionedError(DECOMMISSIONED)
            case 422:
                raise SettingError(_flag_of(error), f"the coordinator refuses it: {error}")
            case 401 if self._client.credential:
                log.warning(
                    "registration refused; going on with the earlier credential, ip and labels stay", error=str(error)
                )
                return True
            case _:
                return False

    async def _rest(self, error: ClientError, asked: float | None = None) -> bool:
        delay = self._backoff.next_delay(asked)
        log.warning("not registered yet; trying again", error=str(error), seconds=round(delay, 1))
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
