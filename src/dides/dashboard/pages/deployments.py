"""The deployments that were, newest first."""

from datetime import datetime
from urllib.parse import urlencode

import msgspec
from litestar import Response, get
from msgspec import UNSET

from dides.api.dependencies import Services
from dides.api.limits.request_limits import TARGET_BYTES
from dides.api.pagination import number_in
from dides.api.routes.deployments import deployments_page
from dides.api.serializers import deployment_view
from dides.dashboard.guard import Browser
from dides.dashboard.pages.deploy_form import texts_of
from dides.dashboard.render import render
from dides.model.deployment import DeploymentStatus, Kind
from dides.protocol.decode import decode_query
from dides.protocol.messages import Deployment
from dides.protocol.queries import DeploymentQuery
from dides.runtime.clock import to_datetime
from dides.text.format import by_whom, selection, took, versions

PAGE = "/ui/deployments"
LIMIT = "25"


class Row(msgspec.Struct, frozen=True):
    """One deployment as the list shows it."""

    deployment: Deployment
    what: str
    where: str
    by: str
    took: str
    """How long it took; "" while it is in flight."""
    again: str
    """Where the form is, filled in for another one like it; "" for a rollback, and for one that fits no address."""


@get(PAGE)
async def deployments(request: Browser, coordinator: Services) -> Response[str]:
    """List deployments, those of one status if asked to."""
    query = _query(request)
    status, before = (None if query.status is UNSET else query.status), number_in(query.cursor)
    shown, older = await coordinator.read(lambda tx: deployments_page(tx, status, before, query.limit))
    return render(
        request,
        "deployments.html",
        rows=[row_of(deployment_view(deployment)) for deployment in shown],
        chosen=status.value if status else "",
        statuses=[("", "All"), *((choice.value, choice.value.capitalize()) for choice in DeploymentStatus)],
        older=_address(status, older) if older else "",
        newest=_address(status, "") if before is not None else "",
        now=to_datetime(coordinator.now()),
    )


def row_of(deployment: Deployment) -> Row:
    """Return a deployment as the list shows it."""
    return Row(
        deployment=deployment,
        what=versions(deployment.code_version, deployment.configuration_version),
        where=selection(deployment.labels, deployment.selector),
        by=by_whom(deployment.created_by),
        took=_took(deployment.created_at, deployment.finished_at),
        again=_again(deployment) if deployment.kind is Kind.DEPLOY else "",
    )


def _again(deployment: Deployment) -> str:
    address = f"/ui/deploy?{urlencode(texts_of(deployment))}"
    return address if len(address) <= TARGET_BYTES else ""


def _query(request: Browser) -> DeploymentQuery:
    given = [(name, value) for name, value in request.query_params.multi_items() if value]
    return decode_query(given if "limit" in dict(given) else [*given, ("limit", LIMIT)], DeploymentQuery)


def _address(status: DeploymentStatus | None, cursor: str) -> str:
    given = {"status": status.value if status else "", "cursor": cursor}
    query = urlencode({name: value for name, value in given.items() if value})
    return f"{PAGE}?{query}" if query else PAGE


def _took(begun: datetime, finished: datetime | None) -> str:
    return "" if finished is None else took((finished - begun).total_seconds())


handlers = [deployments]
