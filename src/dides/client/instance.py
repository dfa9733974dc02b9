"""What an agent says to the coordinator."""

from dides.client.transport import Transport
from dides.protocol.messages import Directive, Heartbeat, InstanceSpec, Registered, Registration


class InstanceClient(Transport):
    """One instance's side of the wire. `credential` is its own, set by registration."""

    async def register(self, instance: InstanceSpec, token: str) -> Registered:
        """Register the instance and use the credential in the answer from now on.

        Raises RefusedError (409 when a live instance has the name, 401 for a wrong token), UnreachableError.
        """
        registration = Registration(instance=instance, token=token)
        registered = await self.send(Registered, "POST", "/inventory/register", registration)
        self.credential = registered.credential
        return registered

    async def heartbeat(self, name: str, heartbeat: Heartbeat) -> Directive:
        """Report, and learn the desired state. Raises RefusedError (410 once decommissioned), UnreachableError."""
        return await self.send(Directive, "PATCH", f"/inventory/instances/{name}", heartbeat)

    async def desired(self, name: str, generation: int, wait: float) -> Directive:
        """Wait up to `wait` seconds for a generation above the given one, and answer with the desired state.

        Raises RefusedError (410 once decommissioned), UnreachableError.
        """
        return await self.send(
            Directive,
            "GET",
            f"/inventory/instances/{name}/desired",
            query={"generation": generation, "wait": wait},
            patience=wait,
        )
