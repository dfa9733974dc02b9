"""The routes of the event log: a page at a time, or as a stream."""

from typing import Annotated, Any, cast

from litestar import Response, Router, get
from litestar.di import NamedDependency
from litestar.params import HeaderParameter
from msgspec import UNSET

from dides.api.access import operators
from dides.api.dependencies import DeploymentId, Services
from dides.api.middleware import is_head
from dides.api.pagination import number_in, page_of
from dides.api.problems import Handled
from dides.api.responses import for_operators
from dides.api.routes.deployments import existing
from dides.api.routes.sse import accepts_stream, head_of_stream, last_id, stream_of
from dides.api.serializers import event_view
from dides.protocol.messages import EventPage
from dides.protocol.queries import Direction, EventQuery, EventsQuery
from dides.store.interface import Transaction


@get("/events", guards=[operators], summary="List events, or follow them", responses=for_operators())
async def events(
    request: Handled,
    coordinator: Services,
    parameters: NamedDependency[EventQuery],
    last_seen: Annotated[str | None, HeaderParameter(name="Last-Event-ID")] = None,
) -> Response[EventPage]:
    """List what happened, a page at a time; with `Accept: text/event-stream` as Server-Sent Events, as it happens.

    A stream begins after `Last-Event-ID`, or now, and never ends by itself. Each of its messages has an event's id and,
    as data, the event. It can go on at another coordinator.
    """
    deployment_id = None if parameters.deployment is UNSET else parameters.deployment
    last = last_id(last_seen)
    if accepts_stream(request):
        stream = head_of_stream() if is_head(request) else await stream_of(coordinator.tail, last, deployment_id)
        return cast("Response[Any]", stream)
    beyond = number_in(parameters.cursor)
    return Response(await coordinator.read(lambda tx: _page(tx, deployment_id, parameters, beyond)))


@get(
    "/deployments/{id:str}/events",
    guards=[operators],
    summary="List the events of a deployment",
    responses=for_operators(404),
)
async def deployment_events(
    deployment_id: DeploymentId, coordinator: Services, parameters: NamedDependency[EventsQuery]
) -> EventPage:
    """List what happened in one deployment, a page at a time."""
    beyond = number_in(parameters.cursor)
    return await coordinator.read(lambda tx: _of_existing(tx, deployment_id, parameters, beyond))


def _of_existing(tx: Transaction, deployment_id: int, parameters: EventsQuery, beyond: int | None) -> EventPage:
    existing(tx, deployment_id)
    return _page(tx, deployment_id, parameters, beyond)


def _page(tx: Transaction, deployment_id: int | None, parameters: EventsQuery, beyond: int | None) -> EventPage:
    newest_first = parameters.order is Direction.NEWEST
    shown, further = page_of(
        lambda most: tx.events.page(deployment_id, beyond, most, newest_first=newest_first),
        parameters.limit,
        lambda event: event.id,
    )
    return EventPage(events=[event_view(event) for event in shown], next_cursor=further)


router = Router("/", tags=["events"], route_handlers=[events, deployment_events])
