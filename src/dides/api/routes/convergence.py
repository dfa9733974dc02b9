"""The routes under /converge: how those fare who inherit a state, and how that goes on after it has stopped."""

from typing import Annotated

from litestar import Router, get, post
from litestar.params import Body

from dides.api.access import operators
from dides.api.body import Strict
from dides.api.dependencies import Sender, Services
from dides.api.responses import for_operators, with_body
from dides.api.routes.actions import EXPECTED, expected
from dides.api.serializers import convergence_view
from dides.coordinator.transactions import brake
from dides.protocol.messages import ActionRequest, Convergence, Convergences


@get("/converge", guards=[operators], summary="Read how late instances converge", responses=for_operators())
async def converging(coordinator: Services) -> Convergences:
    """List the deployments whose states instances wait for, or are on their way to, or that have stopped for them."""
    found = await coordinator.read(brake.converging)
    return Convergences(sources=[convergence_view(source) for source in found])


@post(
    "/converge/resume",
    guards=[operators],
    dto=Strict[ActionRequest],
    return_dto=None,
    status_code=200,
    summary="Resume convergence",
    responses=with_body(404, 409),
)
async def resume_convergence(
    principal: Sender,
    coordinator: Services,
    data: Annotated[ActionRequest, Body(examples=[EXPECTED])] = ActionRequest(),
) -> Convergence:
    """Let instances inherit a deployment's state again after too many had failed there. Repeating it is fine."""
    return convergence_view(await coordinator.resume_convergence(principal.name, expected(data)))


router = Router("/", tags=["inventory"], route_handlers=[converging, resume_convergence])
