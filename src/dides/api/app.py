"""The ASGI application."""

from collections.abc import Sequence

from litestar import Litestar, Router
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import HTTPException, ValidationException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme
from litestar.types import ASGIApp
from prometheus_client import CollectorRegistry

from dides.api.access import Access, Principal
from dides.api.fastpath.asgi import FastPath
from dides.api.fastpath.load_shedding import Overload
from dides.api.fastpath.responder import Responder
from dides.api.limits.rate_limits import RateLimits
from dides.api.limits.request_limits import BODY_BYTES
from dides.api.metrics import collector
from dides.api.metrics.collector import CoordinatorCollector, registry_of
from dides.api.middleware import Middleware, SenderGoneError, torn
from dides.api.openapi import Document
from dides.api.problems import Handled, http_error, invalid_header, refused, unexpected
from dides.api.responses import OPTIONAL
from dides.api.routes import actions, convergence, deployments, events, health, inventory, plans
from dides.api.traffic import Traffic
from dides.api.validation import check_request, decoded_query
from dides.coordinator.coordinator import Coordinator
from dides.model.errors import RefusedError

DESCRIPTION = (
    "dides rolls a version out over a fleet of instances, a few at a time, and takes it back when it fails. "
    "Times are RFC 3339 in UTC, durations are seconds, every refusal is a problem document (RFC 9457)."
)
BEARER = SecurityScheme(
    type="http",
    scheme="bearer",
    description="The operator's token, from operator-token in the coordinator's data directory; or an instance's own "
    "credential, from its registration.",
)


def create_app(
    routes: Litestar,
    coordinator: Coordinator,
    access: Access,
    version: str,
    overload: Overload | None = None,
    traffic: Traffic | None = None,
    limits: RateLimits | None = None,
    base_path: str = "",
) -> ASGIApp:
    """Return the application over a coordinator that is running.

    `routes` serve this application alone until it ends; `overload` says when it sheds load; `traffic` counts requests;
    `limits` says how much one sender may have; `base_path` is a prefix of all paths.
    """
    overload, traffic = overload or Overload(), traffic or Traffic()
    limits = limits or RateLimits(coordinator.settings, coordinator.monotonic, access.operator, dev=access.dev)
    registry = registry_of(CoordinatorCollector(coordinator, traffic, overload, limits, version))
    routes.state = State(
        {"coordinator": coordinator, "access": access, "registry": registry, "base_path": base_path, "limits": limits}
    )
    methods = {route.path_format: route.methods for route in routes.routes}
    app = Middleware(routes, methods, traffic, coordinator.standstill, base_path)
    if access.dev:
        return app  # Without credentials, who sends a request has to be looked at in other ways: the routes do that.
    return FastPath(app, Responder(coordinator, overload, traffic, limits, base_path), coordinator.standstill)


def create_routes(version: str, pages: Sequence[Router] = (), *, dev: bool = False) -> Litestar:
    """Return the routes of the API, and those of further `pages` for browsers; they find the rest in their state."""
    return Litestar(
        route_handlers=[
            Router(
                "/",
                route_handlers=[
                    inventory.router,
                    convergence.router,
                    deployments.router,
                    actions.router,
                    plans.router,
                    events.router,
                    collector.router,
                ],
                before_request=check_request,
            ),
            health.router,
            *pages,
        ],
        dependencies={
            "coordinator": Provide(_coordinator, sync_to_thread=False),
            "principal": Provide(_principal, sync_to_thread=False),
            "registry": Provide(_registry, sync_to_thread=False),
            "parameters": Provide(decoded_query, sync_to_thread=False),
        },
        exception_handlers={
            RefusedError: refused,
            ValidationException: invalid_header,
            HTTPException: http_error,
            SenderGoneError: torn,
            Exception: unexpected,
        },
        request_max_body_size=BODY_BYTES,
        # Variables of the framework's own would else switch these on.
        debug=False,
        pdb_on_exception=False,
        openapi_config=_openapi(version, dev=dev),
        logging_config=None,
    )


def _coordinator(state: State) -> Coordinator:
    coordinator: Coordinator = state.coordinator
    return coordinator


def _registry(state: State) -> CollectorRegistry:
    registry: CollectorRegistry = state.registry
    return registry


def _principal(request: Handled) -> Principal:
    principal: Principal = request.state.principal
    return principal


def _openapi(version: str, *, dev: bool) -> OpenAPIConfig:
    return OpenAPIConfig(
        title="dides",
        version=version,
        description=DESCRIPTION,
        path="/schema",
        render_plugins=[Document(extra=(health.Health,))],
        security=OPTIONAL if dev else [{"bearer": []}],
        components=Components(security_schemes={"bearer": BEARER}),
        use_handler_docstrings=True,
    )
