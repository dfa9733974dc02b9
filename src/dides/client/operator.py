"""What an operator says to the coordinator."""

from collections.abc import AsyncIterator
from typing import TypeVar

from msgspec import UNSET

from dides.client.transport import Query, Transport
from dides.protocol.action_preview import Action, ActionPreview
from dides.protocol.forecast import Forecast
from dides.protocol.messages import (
    AbortRequest,
    ActionRequest,
    Convergence,
    Convergences,
    Deployment,
    DeploymentPage,
    DeployRequest,
    Event,
    EventPage,
    Instance,
    InstancePage,
    Target,
    TargetPage,
)

PAGE = 1000
P = TypeVar("P", InstancePage, TargetPage)


class OperatorClient(Transport):
    """The operator's side of the wire. Every method raises RefusedError and UnreachableError.

    An action that names a deployment acts on no other one.
    """

    repeats = 2

    async def deploy(self, request: DeployRequest, idempotency_key: str) -> Deployment:
        """Trigger a deployment; the same key again answers with the deployment that the first call made."""
        return await self.send(
            Deployment, "POST", "/deploy", request, headers={"Idempotency-Key": idempotency_key}, patience=20
        )

    async def plan(self, request: DeployRequest) -> Forecast:
        """Return what a deployment would do; changes nothing."""
        return await self.send(Forecast, "POST", "/deploy/plan", request, patience=20)

    async def in_flight(self) -> Deployment:
        """Return the deployment in flight; RefusedError with status 404 when there is none."""
        return await self.send(Deployment, "GET", "/deploy")

    async def progress(self, deployment_id: int | None = None) -> Deployment:
        """Take one reconcile step."""
        return await self.send(Deployment, "POST", "/deploy/progress", _action(deployment_id))

    async def act(self, action: Action, deployment_id: int | None = None) -> Deployment:
        """Do something about the deployment in flight; a rollback answers with itself, and may undo an earlier one."""
        path, request = _request_of(action, deployment_id)
        return await self.send(Deployment, "POST", path, request)

    async def preview(self, action: Action, deployment_id: int | None = None) -> ActionPreview:
        """Return what an action would do; changes nothing."""
        path, request = _request_of(action, deployment_id)
        return await self.send(ActionPreview, "POST", path, request, query={"preview": "true"})

    async def convergences(self) -> list[Convergence]:
        """Return how those fare who inherit deployments' states, by deployment, newest first."""
        return (await self.send(Convergences, "GET", "/converge")).sources

    async def resume_convergence(self, deployment_id: int | None = None) -> Convergence:
        """Let instances inherit a deployment's state again after that had stopped."""
        return await self.send(Convergence, "POST", "/converge/resume", _action(deployment_id))

    async def undoable(self) -> Deployment:
        """Return the deployment that a rollback would undo now; RefusedError (404 or 409) when there is none."""
        return await self.send(Deployment, "GET", "/deploy/rollback")

    async def deployment(self, deployment_id: int) -> Deployment:
        """Return one deployment."""
        return await self.send(Deployment, "GET", f"/deployments/{deployment_id}")

    async def deployments(
        self, *, status: str | None = None, limit: int = 20, cursor: str | None = None
    ) -> DeploymentPage:
        """Return a page of deployments, newest first."""
        query: Query = {"status": status, "limit": limit, "cursor": cursor}
        return await self.send(DeploymentPage, "GET", "/deployments", query=query)

    async def targets(self, deployment_id: int, *, state: str | None = None) -> AsyncIterator[Target]:
        """Yield the targets of a deployment in its order, page by page."""
        async for page in self._pages(TargetPage, f"/deployments/{deployment_id}/instances", {"state": state}):
            for target in page.instances:
                yield target

    async def events(self, *, deployment_id: int | None = None, limit: int = 100) -> list[Event]:
        """Return the newest events in the order in which they happened, of one deployment or of all."""
        path = "/events" if deployment_id is None else f"/deployments/{deployment_id}/events"
        query: Query = {"limit": limit, "order": "newest"}
        page = await self.send(EventPage, "GET", path, query=query, headers={"Accept": "application/json"})
        return page.events[::-1]

    async def instances(
        self, *, selector: str | None = None, status: int | None = None, duplicated: bool = False
    ) -> AsyncIterator[Instance]:
        """Yield the instances that match, by name, page by page."""
        query = {"selector": selector, "status": status, "duplicated": "true" if duplicated else None}
        async for page in self._pages(InstancePage, "/inventory/instances", query):
            for instance in page.instances:
                yield instance

    async def count(self, *, selector: str | None = None, status: int | None = None, duplicated: bool = False) -> int:
        """Return how many instances match."""
        only = "true" if duplicated else None
        query = {"selector": selector, "status": status, "duplicated": only, "limit": 1}
        page = await self.send(InstancePage, "GET", "/inventory/instances", query=query)
        return page.count or 0

    async def instance(self, name: str) -> Instance:
        """Return one instance."""
        return await self.send(Instance, "GET", f"/inventory/instances/{name}")

    async def decommission(self, name: str, *, force: bool = False) -> None:
        """Remove an instance from the inventory; its agent stops. Refused while it updates, unless forced."""
        query = {"force": "true" if force else None}
        await self.send(type(None), "DELETE", f"/inventory/instances/{name}", query=query)

    async def _pages(self, kind: type[P], path: str, query: Query) -> AsyncIterator[P]:
        """Yield every page of a list, as long as a page names a next one."""
        cursor: str | None = None
        while True:
            page = await self.send(kind, "GET", path, query={**query, "limit": PAGE, "cursor": cursor})
            yield page
            cursor = page.next_cursor
            if cursor is None:
                return


def _request_of(action: Action, deployment_id: int | None) -> tuple[str, ActionRequest]:
    """Return the path of an action, and the body that names the deployment."""
    if action in (Action.ABORT, Action.ABORT_AND_ROLL_BACK):
        expected = UNSET if deployment_id is None else deployment_id
        return "/deploy/abort", AbortRequest(deployment_id=expected, rollback=action is Action.ABORT_AND_ROLL_BACK)
    return f"/deploy/{action}", _action(deployment_id)


def _action(deployment_id: int | None) -> ActionRequest:
    return ActionRequest(deployment_id=UNSET if deployment_id is None else deployment_id)
