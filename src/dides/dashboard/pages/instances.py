"""Parts of the fleet's page: one instance with its history, and instances as the rows of a table."""

from collections.abc import Sequence
from typing import Annotated
from urllib.parse import quote

import msgspec
from litestar import Response, get
from litestar.response import Redirect
from msgspec import Meta

from dides.api.dependencies import Name, Services
from dides.api.serializers import deployment_view, event_view, instance_view, target_view
from dides.coordinator.coordinator import Coordinator
from dides.coordinator.transactions.explaining import explain_instance
from dides.coordinator.transactions.registration import existing, target_in
from dides.dashboard.guard import Browser
from dides.dashboard.render import render
from dides.model.deployment import TargetState
from dides.model.instance import Instance
from dides.model.state import State
from dides.protocol import messages
from dides.protocol.decode import decode_query
from dides.protocol.messages import Request
from dides.store.interface import Transaction
from dides.text.events import say

EVENTS = 30
"""Events that are shown of an instance."""
LOOK_BACK = 100_000
"""The newest events of all among which they are looked for."""


class RowsQuery(Request, frozen=True):
    """Which instances."""

    names: Annotated[str, Meta(max_length=60_000, description="Their names, separated by commas.")]


class Row(msgspec.Struct, frozen=True):
    """An instance, and how it stands to the deployment in flight."""

    its: messages.Instance
    updating: bool

    @property
    def drifted(self) -> bool:
        """True when it runs something else than it should, and nothing is being done about it."""
        away = not self.its.current.empty and not self.its.current.meets(self.its.desired)
        return away and not self.updating and not self.its.converging


class Sight(msgspec.Struct, frozen=True):
    """All that is shown of one instance."""

    row: Row
    last_good: State | None
    assigned_by: int | None
    deployment: messages.Deployment | None
    """The one in flight."""
    target: messages.Target | None
    """Its target there."""
    why: str
    """Why it was updated, or was not."""
    history: list[tuple[messages.Event, str]]
    """Its newest events, and what they say."""

    @property
    def more(self) -> bool:
        """True when it may have older ones than are shown."""
        return len(self.history) == EVENTS


@get("/ui/instances/{name:str}")
async def instance(request: Browser, name: Name, coordinator: Services) -> Response[str] | Redirect:
    """Show one instance as a part of the page; whoever comes here otherwise is sent to the page."""
    if not request.headers.get("hx-request"):
        return Redirect(f"/?instance={quote(name)}", status_code=303)
    sight = await coordinator.read(lambda tx: _sight(tx, name, coordinator))
    return render(request, "parts/instance.html", sight=sight, row=sight.row, its=sight.row.its, look_back=LOOK_BACK)


@get("/ui/instances")
async def instances(request: Browser, coordinator: Services) -> Response[str]:
    """Show those of the named instances that there are as rows, in the order in which they are named."""
    query = decode_query(list(request.query_params.multi_items()), RowsQuery)
    rows = await coordinator.read(lambda tx: _rows(tx, query.names.split(","), coordinator))
    return render(request, "parts/instances.html", rows=rows)


def _sight(tx: Transaction, name: str, coordinator: Coordinator) -> Sight:
    found = existing(tx, name)
    in_flight = tx.deployments.in_flight()
    target = target_in(tx, in_flight, found)
    return Sight(
        row=_seen(tx, [found], coordinator)[0],
        last_good=found.last_good,
        assigned_by=found.assigned_by,
        deployment=deployment_view(in_flight) if in_flight else None,
        target=target_view(target) if target else None,
        why=explain_instance(tx, found, heard_at=coordinator.last_heard(found)).message,
        history=[(event, say(event)) for event in map(event_view, tx.events.of_instance(name, EVENTS, LOOK_BACK))],
    )


def _rows(tx: Transaction, names: Sequence[str], coordinator: Coordinator) -> list[Row]:
    found = tx.inventory.many(names)
    return _seen(tx, [found[name] for name in dict.fromkeys(names) if name in found], coordinator)


def _seen(tx: Transaction, found: Sequence[Instance], coordinator: Coordinator) -> list[Row]:
    ids = [instance.id for instance in found]
    converging = {heir.instance.id for heir in tx.convergences.of(ids)}
    in_flight = tx.deployments.in_flight()
    targets = tx.targets.of(in_flight.id, ids) if in_flight else []
    updating = {target.instance_id for target in targets if target.state is TargetState.UPDATING}
    return [
        Row(
            its=instance_view(
                instance, now=tx.now, converging=instance.id in converging, heard_at=coordinator.last_heard(instance)
            ),
            updating=instance.id in updating,
        )
        for instance in found
    ]


handlers = [instance, instances]
