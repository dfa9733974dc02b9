"""The routes under /inventory."""

from collections.abc import Awaitable
from typing import Annotated, TypeVar

import msgspec
from litestar import Response, Router, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import Body
from msgspec import UNSET

from dides.api.access import Principal, Role, access_of, bearer, instance_itself, instance_or_operators, operators
from dides.api.body import Strict
from dides.api.dependencies import Name, Sender, Services
from dides.api.limits.rate_limits import limits_of
from dides.api.limits.request_limits import REGISTRATION_BYTES
from dides.api.pagination import name_in, page_of
from dides.api.problems import Handled
from dides.api.registration_proof import has_token, registrants
from dides.api.responses import OPTIONAL, for_operators, refusals
from dides.api.serializers import directive_view, instance_view, why_view
from dides.coordinator.coordinator import Coordinator
from dides.coordinator.credentials import hash_of, same
from dides.coordinator.transactions.explaining import explain_instance
from dides.coordinator.transactions.ingest import changes_nothing
from dides.coordinator.transactions.registration import existing
from dides.model.errors import ForbiddenError, GoneError, NotFoundError
from dides.model.instance import Instance, InstanceSummary
from dides.model.selector import Selector, parse_selector
from dides.protocol import messages
from dides.protocol.messages import Directive, Heartbeat, InstancePage, Registered, Registration
from dides.protocol.queries import DecommissionQuery, DesiredQuery, InstanceQuery
from dides.store.interface import Transaction

T = TypeVar("T")
REGISTRATION = Example(
    summary="A first registration",
    value={
        "instance": {
            "ip": "192.168.1.100",
            "name": "web-server-01",
            "labels": {"environment": "production", "role": "web"},
        },
        "token": "your-registration-token",
    },
)
HEARTBEAT = Example(
    summary="HEALTHY at two versions, acting on generation 7",
    value={
        "code_version": "1.0.0",
        "configuration_version": "1.0.1",
        "status": 1,
        "observed": 7,
        "session": "9f86d081884c7d65",
        "sequence": 1,
    },
)


@post(
    "/register",
    guards=[registrants],
    request_max_body_size=REGISTRATION_BYTES,
    dto=Strict[Registration],
    return_dto=None,
    summary="Register an instance",
    responses={
        200: ResponseSpec(Registered, generate_examples=False, description="An instance that was there before."),
        **refusals(400, 401, 403, 409, 410, 413, 422, 429),
    },
    security=OPTIONAL,
)
async def register(
    data: Annotated[Registration, Body(examples=[REGISTRATION])], request: Handled, coordinator: Services
) -> Response[Registered]:
    """Register; 201 the first time, 200 when the instance is the same one or the earlier one has fallen silent."""
    _check_registers_seldom(request, coordinator, data.instance.name)
    joined, credential = await coordinator.register(data.instance, bearer(request), has_token=has_token(request))
    registered = Registered(
        instance=_view(coordinator, joined.instance, converging=joined.converging),
        credential=credential,
        heartbeat_interval=coordinator.interval_for(joined.instance),
    )
    return Response(registered, status_code=201 if joined.created else 200)


@patch(
    "/instances/{name:str}",
    guards=[instance_or_operators],
    dto=Strict[Heartbeat],
    return_dto=None,
    summary="Heartbeat, or an operator's change of labels",
    responses=refusals(400, 401, 403, 404, 410, 413, 422, 429),
)
async def heartbeat(
    name: Name,
    principal: Sender,
    request: Handled,
    coordinator: Services,
    data: Annotated[Heartbeat, Body(examples=[HEARTBEAT])] = Heartbeat(),
) -> Directive:
    """Report any subset of versions and status; an empty object says "alive". Operators may change labels only."""
    _check_may_change(principal, data)
    if principal.role is Role.INSTANCE:
        # Once more: the body may have come long after the head, and its sender been replaced meanwhile.
        await access_of(request).principal(request)
    if data.labels is not UNSET:
        await coordinator.relabel(name, data.labels, principal.name)
    instance: InstanceSummary | Instance
    if _reports(data) or (data.labels is UNSET and principal.is_instance(name)):
        reported = data if data.labels is UNSET else msgspec.structs.replace(data, labels=UNSET)
        _check_changes_seldom(request, principal, coordinator.instance_cache.get(name), reported)
        instance = await _still_there(principal, name, coordinator.heartbeat(name, reported))
    else:
        instance = await coordinator.instance(name)
    return directive_view(instance, coordinator.interval_for(instance))


@get(
    "/instances/{name:str}/desired",
    guards=[instance_itself],
    summary="Wait for the desired state to change",
    responses=refusals(401, 403, 404, 410, 422, 429),
)
async def desired(
    name: Name,
    principal: Sender,
    coordinator: Services,
    parameters: NamedDependency[DesiredQuery],
) -> Directive:
    """Answer at once when the generation is above the given one, else as soon as it rises, else after `wait`."""
    instance = await _still_there(
        principal, name, coordinator.queries.wait_for_change(name, parameters.generation, parameters.wait)
    )
    return directive_view(instance, coordinator.interval_for(instance))


@get(
    "/instances",
    guards=[operators],
    summary="List instances",
    responses=for_operators(),
)
async def instances(coordinator: Services, parameters: NamedDependency[InstanceQuery]) -> InstancePage:
    """List the matching instances by name, a page at a time."""
    selector, after = parse_selector(parameters.selector), name_in(parameters.cursor)
    return await coordinator.read(lambda tx: _page(tx, coordinator, parameters, selector, after))


@get(
    "/instances/{name:str}",
    guards=[instance_or_operators],
    summary="Read one instance",
    responses=for_operators(404),
)
async def instance(request: Handled, name: Name, principal: Sender, coordinator: Services) -> messages.Instance:
    """Return what the coordinator knows of an instance, and why it was updated, or was not."""
    seconds = limits_of(request).rests_in(name)
    return await _still_there(principal, name, coordinator.read(lambda tx: _one(tx, name, coordinator, seconds)))


@delete(
    "/instances/{name:str}",
    guards=[operators],
    summary="Decommission an instance",
    responses=for_operators(404, 409),
)
async def decommission(
    name: Name, principal: Sender, coordinator: Services, parameters: NamedDependency[DecommissionQuery]
) -> None:
    """Remove an instance; its credential then gets 410, and its agent stops."""
    await coordinator.decommission(name, principal.name, force=parameters.force)


def _view(coordinator: Coordinator, instance: Instance, *, converging: bool) -> messages.Instance:
    heard_at = coordinator.last_heard(instance)
    return instance_view(instance, now=coordinator.now(), converging=converging, heard_at=heard_at)


def _one(tx: Transaction, name: str, coordinator: Coordinator, rests_in: float) -> messages.Instance:
    found = existing(tx, name)
    until = tx.now + round(1000 * rests_in) if rests_in else None
    why = explain_instance(tx, found, heard_at=coordinator.last_heard(found), refused_until=until)
    shown = _view(coordinator, found, converging=bool(tx.convergences.of([found.id])))
    return msgspec.structs.replace(shown, why=why_view(why))


def _page(
    tx: Transaction, coordinator: Coordinator, parameters: InstanceQuery, selector: Selector, after: str | None
) -> InstancePage:
    status = None if parameters.status is UNSET else parameters.status
    duplicated_at = tx.now if parameters.duplicated else None
    shown, further = page_of(
        lambda most: tx.inventory.page(selector, status, after or "", most, duplicated_at=duplicated_at),
        parameters.limit,
        lambda instance: instance.name,
    )
    converging = {source.instance.id for source in tx.convergences.of(instance.id for instance in shown)}
    return InstancePage(
        instances=[_view(coordinator, instance, converging=instance.id in converging) for instance in shown],
        count=tx.inventory.count(selector, status, duplicated_at=duplicated_at) if after is None else None,
        next_cursor=further,
    )


def _reports(heartbeat: Heartbeat) -> bool:
    """Tell whether it says anything that only an instance may say of itself."""
    said = (heartbeat.code_version, heartbeat.configuration_version, heartbeat.status, heartbeat.message)
    return any(value is not UNSET for value in (*said, heartbeat.observed, heartbeat.session, heartbeat.sequence))


def _check_may_change(principal: Principal, heartbeat: Heartbeat) -> None:
    if principal.role is Role.INSTANCE and heartbeat.labels is not UNSET:
        raise ForbiddenError("An instance may not change its own labels after registration; an operator may.")
    if principal.role is Role.OPERATOR and _reports(heartbeat):
        raise ForbiddenError("Only the instance itself may report versions and status; an operator may change labels.")


def _check_changes_seldom(
    request: Handled, principal: Principal, summary: InstanceSummary | None, heartbeat: Heartbeat
) -> None:
    if principal.role is Role.INSTANCE and principal.instance and not (summary and changes_nothing(summary, heartbeat)):
        limits_of(request).check_change(principal.instance)


def _check_registers_seldom(request: Handled, coordinator: Coordinator, name: str) -> None:
    """Count the registration of an instance that shows that it is the one that is there."""
    summary, presented = coordinator.instance_cache.get(name), bearer(request)
    if summary and presented and same(hash_of(presented), summary.credential_hash):
        limits_of(request).check_change(name)


async def _still_there(principal: Principal, name: str, reading: Awaitable[T]) -> T:
    """Await something of an instance; GoneError to an instance that was decommissioned meanwhile."""
    try:
        return await reading
    except NotFoundError as error:
        if principal.instance == name:
            raise GoneError(f"The instance {name} was decommissioned.") from error
        raise


router = Router(
    "/inventory",
    tags=["inventory"],
    route_handlers=[register, heartbeat, desired, instances, instance, decommission],
)
