"""The routes under /deploy and /deployments."""

from collections.abc import Sequence
from typing import Annotated

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import Body, HeaderParameter
from msgspec import UNSET

from dides.api.access import operators
from dides.api.body import Strict
from dides.api.dependencies import DeploymentId, Sender, Services
from dides.api.deploy_request import command_of, key_of
from dides.api.pagination import number_in, page_of
from dides.api.responses import for_operators, with_body
from dides.api.serializers import deployment_view, target_view
from dides.coordinator.transactions import preconditions, undo
from dides.model import deployment as model
from dides.model.errors import NotFoundError
from dides.protocol.messages import Deployment, DeploymentPage, DeployRequest, TargetPage
from dides.protocol.queries import DeploymentQuery, TargetQuery
from dides.store.interface import Transaction

HIGHEST_POSITION = 2**31 - 1
"""Of a target in the order of its deployment, as databases have it."""
DEPLOY = Example(
    summary="Two at a time, stopped by the first failure",
    value={
        "code_version": "1.0.0",
        "configuration_version": "1.0.1",
        "labels": {"env": "production"},
        "configuration": {"batch_size": 2, "failure_threshold": 1},
    },
)


@post(
    "/deploy",
    guards=[operators],
    dto=Strict[DeployRequest],
    return_dto=None,
    summary="Trigger a deployment",
    responses={
        200: ResponseSpec(Deployment, generate_examples=False, description="Made earlier, under the same key."),
        **with_body(409),
    },
)
async def deploy(
    data: Annotated[DeployRequest, Body(examples=[DEPLOY])],
    principal: Sender,
    coordinator: Services,
    key: Annotated[str | None, HeaderParameter(name="Idempotency-Key")] = None,
) -> Response[Deployment]:
    """Fix the list of targets, store the deployment, and take its first step."""
    command = command_of(data, principal.name)
    triggered = await coordinator.trigger(command, key_of(key, command))
    return Response(
        deployment_view(triggered.deployment),
        status_code=201 if triggered.created else 200,
        headers={"Location": f"/deployments/{triggered.deployment.id}"},
    )


@get("/deploy", guards=[operators], summary="Read the deployment in flight", responses=for_operators(404))
async def in_flight(coordinator: Services) -> Deployment:
    """Return the deployment in flight."""
    return deployment_view(await coordinator.read(preconditions.in_flight))


@get(
    "/deploy/rollback",
    guards=[operators],
    summary="Read the deployment that a rollback would undo",
    responses=for_operators(404, 409),
)
async def undoable(coordinator: Services) -> Deployment:
    """Return the deployment in flight, else the newest that can be undone; 404 and 409 as the rollback would answer."""
    return deployment_view(await coordinator.read(undo.to_undo))


@get("/deployments", guards=[operators], summary="List deployments", responses=for_operators())
async def deployments(coordinator: Services, parameters: NamedDependency[DeploymentQuery]) -> DeploymentPage:
    """List deployments, newest first."""
    status, before = (None if parameters.status is UNSET else parameters.status), number_in(parameters.cursor)
    shown, further = await coordinator.read(lambda tx: deployments_page(tx, status, before, parameters.limit))
    return DeploymentPage(deployments=[deployment_view(deployment) for deployment in shown], next_cursor=further)


@get("/deployments/{id:str}", guards=[operators], summary="Read one deployment", responses=for_operators(404))
async def deployment(deployment_id: DeploymentId, coordinator: Services) -> Deployment:
    """Return one deployment."""
    return deployment_view(await coordinator.read(lambda tx: existing(tx, deployment_id)))


@get(
    "/deployments/{id:str}/instances",
    guards=[operators],
    summary="List the targets of a deployment",
    responses=for_operators(404),
)
async def targets(
    deployment_id: DeploymentId, coordinator: Services, parameters: NamedDependency[TargetQuery]
) -> TargetPage:
    """List the targets in the deployment's order."""
    after = number_in(parameters.cursor, HIGHEST_POSITION)
    return await coordinator.read(lambda tx: _targets(tx, deployment_id, parameters, after or 0))


def deployments_page(
    tx: Transaction, status: model.DeploymentStatus | None, before: int | None, limit: int
) -> tuple[Sequence[model.Deployment], str | None]:
    """Return up to `limit` deployments with ids under `before`, newest first, and the cursor of the next page."""
    return page_of(lambda most: tx.deployments.page(status, before, most), limit, lambda deployment: deployment.id)


def existing(tx: Transaction, deployment_id: int) -> model.Deployment:
    """Return a deployment by id; NotFoundError."""
    if found := tx.deployments.get(deployment_id):
        return found
    raise NotFoundError(f"There is no deployment {deployment_id}. List what there is with GET /deployments.")


def _targets(tx: Transaction, deployment_id: int, parameters: TargetQuery, after: int) -> TargetPage:
    existing(tx, deployment_id)
    state = None if parameters.state is UNSET else parameters.state
    shown, further = page_of(
        lambda most: tx.targets.page(deployment_id, state, after, most),
        parameters.limit,
        lambda target: target.position,
    )
    return TargetPage(instances=[target_view(target) for target in shown], next_cursor=further)


router = Router(
    "/",
    tags=["deployments"],
    route_handlers=[
        deploy,
        in_flight,
        undoable,
        deployments,
        deployment,
        targets,
    ],
)
