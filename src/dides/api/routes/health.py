"""The routes that load balancers and service managers ask."""

from typing import Literal

import msgspec
from litestar import Router, get

from dides.api.dependencies import Services
from dides.api.responses import refusals


class Health(msgspec.Struct):
    """All is well; anything else is an error."""

    status: Literal["ok"] = "ok"


@get("/healthz", summary="Is the process alive?", security=[{}])
async def healthz() -> Health:
    """Answer, without touching the store."""
    return Health()


@get("/readyz", summary="Can it serve?", security=[{}], responses=refusals())
async def readyz(coordinator: Services) -> Health:
    """Answer once the store has answered; 503 while it cannot be reached, or could not be written a moment ago."""
    await coordinator.check_ready()
    return Health()


router = Router("/", tags=["operations"], route_handlers=[healthz, readyz])
