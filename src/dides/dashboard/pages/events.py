"""Who did what, when: the event log, newest first."""

from typing import Annotated
from urllib.parse import urlencode

import msgspec
from litestar import Response, get
from msgspec import UNSET, Meta

from dides.api.dependencies import Services
from dides.api.pagination import cursor_of, number_in
from dides.api.serializers import event_view
from dides.dashboard.guard import Browser
from dides.dashboard.render import render
from dides.protocol import messages
from dides.protocol.decode import decode_query
from dides.protocol.fields import LARGEST
from dides.protocol.queries import EventQuery
from dides.store.interface import Transaction
from dides.store.records import Event
from dides.text.events import KINDS, Group, details, group_of, meaning, say
from dides.text.format import by_whom

PAGE = "/ui/events"
LIMIT = 50
NEW = 200
"""New events that are answered with at once; a page that is further behind loads again."""
PIECE, FARTHEST = 500, 5_000
"""Events that are read at once, and that are looked through for one page at the most."""


class EventsPageQuery(EventQuery, frozen=True):
    """Which events, as the page asks for them."""

    group: Group | None = None
    text: Annotated[str, Meta(max_length=320)] = ""
    """A part of the name of an instance, or of who did it."""
    after: Annotated[int, Meta(ge=0, le=LARGEST)] = 0
    """For what is new: the newest event that the page has looked at."""


class Row(msgspec.Struct, frozen=True):
    """One event as the list shows it."""

    event: messages.Event
    group: str
    said: str
    meaning: str
    by: str
    details: list[tuple[str, str]]


class Found(msgspec.Struct):
    """What was found in the log."""

    events: list[Event]
    looked_to: int | None
    """The id of the last event that was looked at, where there may be more beyond it; None at the end of the log."""
    newest: int
    """The id of the newest event that there is; 0 of an empty log."""


@get(PAGE)
async def events(request: Browser, coordinator: Services) -> Response[str]:
    """List what happened, from a cursor backwards."""
    query = _query(request)
    before = number_in(query.cursor)
    found = await coordinator.read(lambda tx: _find(tx, query, before))
    older = _address(query, cursor_of(found.looked_to)) if found.looked_to is not None else ""
    return render(
        request,
        "events.html",
        rows=[row_of(event) for event in found.events],
        query=query,
        deployment="" if query.deployment is UNSET else query.deployment,
        groups=[group.value for group in Group],
        filtered=_is_filtered(query),
        older=older,
        full=len(found.events) >= LIMIT,
        newest=_address(query, "") if before is not None else "",
        last=found.newest,
        new=_new_address(query) if before is None else "",
        kinds=KINDS,
    )


@get(f"{PAGE}/new")
async def new_events(request: Browser, coordinator: Services) -> Response[str]:
    """Return the rows of what has happened since the page looked, as a part of it."""
    query = _query(request)
    found = await coordinator.read(lambda tx: _find_new(tx, query))
    rows = [row_of(event) for event in found.events]
    return render(request, "parts/events_new.html", rows=rows, last=found.newest, too_many=found.looked_to is not None)


def row_of(event: Event) -> Row:
    """Return an event as the list shows it."""
    shown = event_view(event)
    return Row(
        event=shown,
        group=group_of(event.kind),
        said=say(shown),
        meaning=meaning(shown),
        by=by_whom(event.actor, event.instance),
        details=details(shown),
    )


def _find(tx: Transaction, query: EventsPageQuery, before: int | None) -> Found:
    """Look backwards until a page is full, or so far that it would take long; then one may go on from there."""
    deployment_id = None if query.deployment is UNSET else query.deployment
    most = PIECE if query.group or query.text else LIMIT + 1
    found: list[Event] = []
    looked = 0
    while looked < FARTHEST:
        piece = tx.events.page(deployment_id, before, most, newest_first=True)
        for event in piece:
            before = event.id
            found += [event] if _fits(event, query) else []
            if len(found) == LIMIT:
                return Found(found, before if _is_more(tx, deployment_id, before) else None, _newest(tx))
        looked += len(piece)
        if len(piece) < most:
            return Found(found, None, _newest(tx))
    return Found(found, before, _newest(tx))


def _find_new(tx: Transaction, query: EventsPageQuery) -> Found:
    """Return what fits of what is new, newest first; `looked_to` where that is too much to add to a page."""
    deployment_id = None if query.deployment is UNSET else query.deployment
    newest = _newest(tx)
    piece = tx.events.page(deployment_id, query.after, NEW + 1)
    if len(piece) > NEW or newest < query.after:
        return Found([], newest, newest)
    return Found([event for event in reversed(piece) if _fits(event, query)], None, newest)


def _fits(event: Event, query: EventsPageQuery) -> bool:
    if query.group is not None and group_of(event.kind) != query.group:
        return False
    wanted = query.text.strip().lower()
    who = (event.instance or "", event.actor, by_whom(event.actor))
    return any(wanted in text.lower() for text in who)


def _is_more(tx: Transaction, deployment_id: int | None, before: int) -> bool:
    return bool(tx.events.page(deployment_id, before, 1, newest_first=True))


def _newest(tx: Transaction) -> int:
    found = tx.events.page(None, None, 1, newest_first=True)
    return found[0].id if found else 0


def _query(request: Browser) -> EventsPageQuery:
    return decode_query([pair for pair in request.query_params.multi_items() if pair[1]], EventsPageQuery)


def _is_filtered(query: EventsPageQuery) -> bool:
    return bool(query.group or query.text or query.deployment is not UNSET)


def _address(query: EventsPageQuery, cursor: str) -> str:
    given = _filters(query) | ({"cursor": cursor} if cursor else {})
    return f"{PAGE}?{urlencode(given)}" if given else PAGE


def _new_address(query: EventsPageQuery) -> str:
    return f"{PAGE}/new?{urlencode(_filters(query))}"


def _filters(query: EventsPageQuery) -> dict[str, str]:
    deployment = "" if query.deployment is UNSET else str(query.deployment)
    given = {"deployment": deployment, "group": query.group.value if query.group else "", "text": query.text}
    return {name: value for name, value in given.items() if value}


handlers = [events, new_events]
