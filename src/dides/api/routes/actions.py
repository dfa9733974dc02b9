"""The routes that act on a deployment; with `?preview=true` each but `progress` only says what it would do."""

from typing import Annotated, Any, TypeAlias

from litestar import Response, Router, post
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import Body
from msgspec import UNSET

from dides.api.access import operators
from dides.api.body import Strict
from dides.api.dependencies import Sender, Services
from dides.api.responses import with_body
from dides.api.serializers import deployment_view
from dides.coordinator.coordinator import Coordinator
from dides.coordinator.transactions.action_preview import preview
from dides.protocol.action_preview import Action, ActionPreview
from dides.protocol.messages import AbortRequest, ActionRequest, Deployment
from dides.protocol.queries import ActionQuery

EXPECTED = Example(summary="Deployment 42 and no other", value={"deployment_id": 42})
ExpectedBody: TypeAlias = Annotated[ActionRequest, Body(examples=[EXPECTED])]
AbortBody: TypeAlias = Annotated[AbortRequest, Body(examples=[Example(value={"rollback": False})])]
Query: TypeAlias = NamedDependency[ActionQuery]


def action(path: str, summary: str, dto: type[Strict[Any]] = Strict[ActionRequest]) -> post:
    """Return what makes a handler the route of an action, which answers 200."""
    return post(
        path,
        guards=[operators],
        dto=dto,
        return_dto=None,
        status_code=200,
        summary=summary,
        responses=with_body(404, 409),
    )


@action("/deploy/progress", "Take one reconcile step")
async def progress(coordinator: Services, data: ExpectedBody = ActionRequest()) -> Deployment:
    """Take one step now; answers the deployment that the step began with, as it is afterwards."""
    return deployment_view(await coordinator.progress(expected(data)))


@action("/deploy/pause", "Pause the deployment in flight")
async def pause(
    principal: Sender, coordinator: Services, parameters: Query, data: ExpectedBody = ActionRequest()
) -> Deployment | ActionPreview:
    """Start no further updates; timeouts stand still. Repeating it is fine."""
    if parameters.preview:
        return await previewed(coordinator, Action.PAUSE, data)
    return deployment_view(await coordinator.pause(principal.name, expected(data)))


@action("/deploy/resume", "Resume the deployment in flight")
async def resume(
    principal: Sender, coordinator: Services, parameters: Query, data: ExpectedBody = ActionRequest()
) -> Deployment | ActionPreview:
    """Go on. Repeating it is fine."""
    if parameters.preview:
        return await previewed(coordinator, Action.RESUME, data)
    return deployment_view(await coordinator.resume(principal.name, expected(data)))


@action("/deploy/promote", "Open the next wave")
async def promote(
    principal: Sender, coordinator: Services, parameters: Query, data: ExpectedBody = ActionRequest()
) -> Deployment | ActionPreview:
    """Go past a wave that waits for it, or that soaks; 409 while its targets are not done, or after the last one."""
    if parameters.preview:
        return await previewed(coordinator, Action.PROMOTE, data)
    return deployment_view(await coordinator.promote(principal.name, expected(data)))


@action("/deploy/abort", "Abort the deployment in flight", Strict[AbortRequest])
async def abort(
    principal: Sender, coordinator: Services, parameters: Query, data: AbortBody = AbortRequest()
) -> Deployment | ActionPreview:
    """Stop it where it is; with `rollback`, also return what it touched."""
    if parameters.preview:
        return await previewed(coordinator, Action.ABORT_AND_ROLL_BACK if data.rollback else Action.ABORT, data)
    return deployment_view(await coordinator.abort(principal.name, rollback=data.rollback, expected_id=expected(data)))


@post(
    "/deploy/rollback",
    guards=[operators],
    dto=Strict[ActionRequest],
    return_dto=None,
    summary="Roll back",
    responses={
        200: ResponseSpec(ActionPreview, generate_examples=False, description="What it would do, with `preview`."),
        **with_body(404, 409),
    },
)
async def rollback(
    principal: Sender, coordinator: Services, parameters: Query, data: ExpectedBody = ActionRequest()
) -> Response[Deployment]:
    """Stop and undo what is in flight, else undo the newest deployment; answers with the rollback."""
    if parameters.preview:
        found: Response[Any] = Response(await previewed(coordinator, Action.ROLL_BACK, data), status_code=200)
        return found
    begun = await coordinator.roll_back(principal.name, expected(data))
    return Response(deployment_view(begun), headers={"Location": f"/deployments/{begun.id}"})


def expected(request: ActionRequest) -> int | None:
    """Return the deployment that a request is about, None where any will do."""
    return None if request.deployment_id is UNSET else request.deployment_id


async def previewed(coordinator: Coordinator, wanted: Action, request: ActionRequest) -> ActionPreview:
    """Return what an action would do. The errors that the action has for a deployment that is not there."""
    return await coordinator.read(lambda tx: preview(tx, wanted, expected(request)))


router = Router("/", tags=["deployments"], route_handlers=[progress, pause, resume, promote, abort, rollback])
