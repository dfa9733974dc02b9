"""All pages, as one router."""

from litestar import Router
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import HTTPException

from dides.dashboard.assets import asset
from dides.dashboard.guard import check, to_login
from dides.dashboard.pages import deploy, deployment, deployments, events, fleet, instances, login
from dides.dashboard.render import not_found, refused
from dides.dashboard.version_marks import VersionMarks
from dides.model.errors import RefusedError, UnauthorizedError


def create_dashboard() -> Router:
    """Return the routes of the dashboard."""
    return Router(
        "/",
        dependencies={"marks": Provide(_marks, sync_to_thread=False)},
        route_handlers=[
            asset,
            login.login,
            login.sign_in,
            login.sign_out,
            *deploy.handlers,
            *deployment.handlers,
            *deployments.handlers,
            *events.handlers,
            *fleet.handlers,
            *instances.handlers,
        ],
        before_request=check,
        include_in_schema=False,
        exception_handlers={
            UnauthorizedError: to_login,
            RefusedError: refused,
            HTTPException: not_found,
        },
    )


def _marks(state: State) -> VersionMarks:
    marks: VersionMarks = state.setdefault("marks", VersionMarks())
    return marks
