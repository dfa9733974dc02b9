"""The routes of the event log."""

from litestar import Router, get
from litestar.di import NamedDependency

from dides.api.access import operators
from dides.api.deployments import existing
from dides.api.injected import DeploymentId, Services
from dides.api.pages import cursor_of, number_in
from dides.api.refusals import for_operators
from dides.api.views import event_view
from dides.protocol.messages import EventPage
from dides.protocol.queries import Direction, EventQuery
from dides.store.base import Transaction


@get("/events", guards=[operators], summary="List events", responses=for_operators())
async def events(coordinator: Services, parameters: NamedDependency[EventQuery]) -> EventPage:
    """List what happened, a page at a time."""
    beyond = number_in(parameters.cursor)
    return await coordinator.read(lambda tx: _page(tx, None, parameters, beyond))


@get(
    "/deployments/{id:str}/events",
    guards=[operators],
    summary="List the events of a deployment",
    responses=for_operators(404),
)
async def deployment_events(
    deployment_id: DeploymentId, coordinator: Services, parameters: NamedDependency[EventQuery]
) -> EventPage:
    """List what happened in one deployment, a page at a time."""
    beyond = number_in(parameters.cursor)
    return await coordinator.read(lambda tx: _page(tx, deployment_id, parameters, beyond))


def _page(tx: Transaction, deployment_id: int | None, parameters: EventQuery, beyond: int | None) -> EventPage:
    if deployment_id is not None:
        existing(tx, deployment_id)
    newest_first = parameters.order is Direction.NEWEST
    found = tx.events.page(deployment_id, beyond, parameters.limit + 1, newest_first=newest_first)
    shown = found[: parameters.limit]
    return EventPage(
        events=[event_view(each) for each in shown],
        next_cursor=cursor_of(shown[-1].id) if len(found) > parameters.limit else None,
    )


router = Router("/", tags=["events"], route_handlers=[events, deployment_events])
