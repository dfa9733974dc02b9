"""What the schema says of access and of refusals."""

from collections.abc import Mapping

from litestar.openapi.datastructures import ResponseSpec

from dides.protocol.messages import Problem

OPTIONAL: list[dict[str, list[str]]] = [{}, {"bearer": []}]
"""The security requirement of what works without a credential and makes something of one."""

_WHEN = {
    400: "The body is no JSON; the detail says at which line and column.",
    401: "No credential, or one that nobody has.",
    403: "A credential that may not do this.",
    404: "There is no such instance or deployment, or none in flight.",
    409: "Conflict with the present state, such as another deployment in flight (`deployment_id` says which).",
    410: "The credential of an instance that was decommissioned.",
    413: "The body is over its limit: 64 KiB of a registration, else 1 MiB.",
    422: "What was sent breaks the schema, or a selector matches nothing; `errors` names each field or parameter.",
    429: "The coordinator is busy, or this sender asks too often; after Retry-After seconds it may be sent again.",
    503: "The store cannot be reached; nothing was accepted.",
}


def refusals(*statuses: int) -> Mapping[int, ResponseSpec]:
    """Return the described refusals of a route; every route that reads the store may also answer 503."""
    return {
        status: ResponseSpec(
            Problem, generate_examples=False, description=_WHEN[status], media_type="application/problem+json"
        )
        for status in (*statuses, 503)
    }


def for_operators(*statuses: int) -> Mapping[int, ResponseSpec]:
    """Return the refusals of a route that needs the operator's token."""
    return refusals(401, 403, 410, 422, 429, *statuses)


def with_body(*statuses: int) -> Mapping[int, ResponseSpec]:
    """Return the refusals of an operator's route that takes a body."""
    return for_operators(400, 413, *statuses)
