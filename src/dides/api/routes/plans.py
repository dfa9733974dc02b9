"""The route of POST /deploy/plan."""

from typing import Annotated

from litestar import Router, post
from litestar.params import Body

from dides.api.access import operators
from dides.api.body import Strict
from dides.api.dependencies import Sender, Services
from dides.api.deploy_request import command_of
from dides.api.responses import with_body
from dides.api.routes.deployments import DEPLOY
from dides.engine import forecast as engine
from dides.protocol.forecast import Forecast, ForecastWave, WorstCase
from dides.protocol.messages import DeployRequest

MOST_NAMES = 100
"""Names in each wave of an answer; the size says how many there are."""


@post(
    "/deploy/plan",
    guards=[operators],
    dto=Strict[DeployRequest],
    return_dto=None,
    status_code=200,
    summary="Say what a deployment would do",
    responses=with_body(),
)
async def plan(
    data: Annotated[DeployRequest, Body(examples=[DEPLOY])], principal: Sender, coordinator: Services
) -> Forecast:
    """Take the body of a trigger, and change nothing."""
    return forecast_view(await coordinator.forecast(command_of(data, principal.name)))


def forecast_view(forecast: engine.Forecast) -> Forecast:
    """Return a forecast as the wire has it."""
    return Forecast(
        matched=forecast.matched,
        already_at_target=forecast.already_at_target,
        unreachable=forecast.unreachable,
        waves=[ForecastWave(size=len(wave), instances=list(wave[:MOST_NAMES])) for wave in forecast.waves],
        window=forecast.window,
        worst_case=WorstCase(reached=forecast.reached, down_at_once=forecast.down_at_once),
        warnings=list(forecast.warnings),
    )


router = Router("/", tags=["deployments"], route_handlers=[plan])
