"""The page of the fleet: every instance at a glance, and what is in flight."""

from typing import Any, TypeAlias

import msgspec
from litestar import MediaType, Response, get, post
from litestar.di import NamedDependency
from litestar.exceptions import HTTPException
from litestar.response import Redirect

from dides.api import problems
from dides.api.dependencies import DeploymentId, Sender, Services
from dides.api.serializers import deployment_view
from dides.coordinator.coordinator import Coordinator
from dides.coordinator.transactions import brake
from dides.dashboard.guard import HEADERS, HTML_ONLY, Browser
from dides.dashboard.origin import server_address
from dides.dashboard.pages.fleet_columns import FleetQuery, columns_of
from dides.dashboard.render import render
from dides.dashboard.version_marks import VersionMarks
from dides.engine.brake import is_stopped, limit_of
from dides.model.errors import RefusedError, UnauthorizedError
from dides.model.selector import parse_selector
from dides.protocol.decode import decode_query
from dides.store.interface import Transaction

Marks: TypeAlias = NamedDependency[VersionMarks]
"""Which version has which mark, in all windows."""


@get("/", opt={HTML_ONLY: True}, exception_handlers={HTTPException: problems.http_error})
async def fleet(request: Browser, coordinator: Services) -> Response[str]:
    """Show the fleet."""
    newest = await coordinator.read(_newest)
    there_are = len(coordinator.instance_cache) > 0
    return render(
        request,
        "fleet.html",
        there_are=there_are,
        server=server_address(request),
        twice=_duplicated(coordinator),
        **newest,
    )


@get("/ui/fleet/deployment")
async def fleet_deployment(request: Browser, coordinator: Services) -> Response[str]:
    """Show the deployment in flight, or the newest one, as a part of the page."""
    newest = await coordinator.read(_newest)
    return render(request, "parts/newest.html", twice=_duplicated(coordinator), **newest)


@get("/ui/converge/{id:str}/confirm")
async def confirm_resume(request: Browser, deployment_id: DeploymentId, coordinator: Services) -> Response[str]:
    """Say what it means to let convergence go on, and ask."""
    found = await coordinator.read(brake.converging)
    stopped = next((heirs for heirs in found if heirs.source.id == deployment_id and is_stopped(heirs.source)), None)
    limit = limit_of(stopped.source) if stopped else 0
    return render(request, "parts/converge_question.html", id=deployment_id, it=stopped, limit=limit)


@post("/ui/converge/{id:str}/resume")
async def resume(
    request: Browser, deployment_id: DeploymentId, principal: Sender, coordinator: Services
) -> Response[Any]:
    """Let late instances inherit a deployment's state again, and show the fleet."""
    await coordinator.resume_convergence(principal.name, deployment_id)
    if request.headers.get("hx-request"):
        return Response(b"", status_code=200, headers={"HX-Redirect": "/"})
    return Redirect("/", status_code=303)


@get("/ui/fleet.json", exception_handlers={RefusedError: problems.refused, UnauthorizedError: problems.refused})
async def fleet_json(request: Browser, coordinator: Services, marks: Marks) -> Response[bytes]:
    """Return the instances that a selector matches, or those of them that are named, for scripts of the page."""
    query = decode_query(list(request.query_params.multi_items()), FleetQuery)
    selector, total = parse_selector(query.selector), len(coordinator.instance_cache)
    # Encoded by the thread that reads: the event loop has heartbeats to answer.
    content = await coordinator.read(lambda tx: msgspec.json.encode(columns_of(tx, query, selector, total, marks)))
    return Response(content, media_type=MediaType.JSON, headers=HEADERS)


def _duplicated(coordinator: Coordinator) -> list[str]:
    """Return the names of the instances as which two agents report."""
    return coordinator.instance_cache.duplicated(coordinator.now())


def _newest(tx: Transaction) -> dict[str, Any]:
    """Return the newest deployment, in flight or not, what it rolls out, and what it undoes."""
    found = next(iter(tx.deployments.page(None, None, 1)), None)
    undone = tx.deployments.get(found.rollback_of) if found and found.rollback_of is not None else None
    return {
        "newest": deployment_view(found) if found else None,
        "to": found.to if found else None,
        "undone": deployment_view(undone) if undone else None,
        "undone_to": undone.to if undone else None,
        "stopped": [heirs for heirs in brake.converging(tx) if is_stopped(heirs.source)],
    }


handlers = [fleet, fleet_deployment, confirm_resume, resume, fleet_json]
