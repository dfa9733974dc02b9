"""What an agent says to the coordinator."""

from msgspec import UNSET

from dides.client.errors import UnreachableError
from dides.client.transport import Transport
from dides.protocol.messages import Directive, Heartbeat, InstanceSpec, Registered, Registration


class InstanceClient(Transport):
    """One instance's side of the wire. `credential` is its own, set by registration."""

    longest_answer_seconds = 10.0
    largest_answer_bytes = 1024 * 1024

    async def register(self, instance: InstanceSpec, token: str | None) -> Registered:
        """Register the instance and use the credential in the answer from now on.

        With its own credential it needs no token, and keeps that credential.
        Raises RefusedError (409 when a live instance has the name, 401 for a wrong token), UnreachableError.
        """
        registration = Registration(instance=instance, token=UNSET if token is None else token)
        registered = await self.send(Registered, "POST", "/inventory/register", registration)
        self._check_name(instance.name, registered.instance.name)
        self.credential = registered.credential
        return registered

    async def heartbeat(self, name: str, heartbeat: Heartbeat) -> Directive:
        """Report, and learn the desired state. Raises RefusedError (410 once decommissioned), UnreachableError."""
        directive = await self.send(Directive, "PATCH", f"/inventory/instances/{name}", heartbeat)
        self._check_name(name, directive.name)
        return directive

    async def desired(self, name: str, generation: int, wait: float) -> Directive:
        """Wait up to `wait` seconds for a generation above the given one, and answer with the desired state.

        Raises RefusedError (410 once decommissioned), UnreachableError.
        """
        path, query = f"/inventory/instances/{name}/desired", {"generation": generation, "wait": wait}
        directive = await self.send(Directive, "GET", path, query=query, patience=wait)
        self._check_name(name, directive.name)
        return directive

    def _check_name(self, asked: str, answered: str) -> None:
        """Raise UnreachableError for an answer that is meant for another instance: a cache, or a mix-up, on the way."""
        if answered != asked:
            raise UnreachableError(f"{self.server} answered for the instance {answered}, not for {asked}")
