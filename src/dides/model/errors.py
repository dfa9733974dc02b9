"""Why a request is refused. Each error says what to do next; the API turns it into a problem document."""

import msgspec


class FieldError(msgspec.Struct, frozen=True):
    """One thing wrong with one field of a request; `field` is a dotted path, "" for the body as a whole."""

    field: str
    message: str


STOOD_STILL = (
    "This coordinator has stood still for a moment. Nothing was accepted that came before: send it again after "
    "Retry-After seconds, if it still holds."
)
TOO_BUSY = "The coordinator is busy, and nothing was accepted. Send it again after Retry-After seconds."


class RefusedError(Exception):
    """A request that is understood and refused; nothing was changed. The base of all that follows."""

    kind = "refused"
    title = "Refused"
    status = 400

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class MalformedError(RefusedError):
    """The body is no JSON; the detail says at which line and column."""

    kind, title, status = "malformed-json", "The body is not valid JSON", 400


class InvalidError(RefusedError):
    """The body, a parameter or a selector breaks the schema; `errors` names each field and why."""

    kind, title, status = "invalid", "The request is not valid", 422

    def __init__(self, *errors: FieldError) -> None:
        super().__init__("; ".join(f"{e.field}: {e.message}" if e.field else e.message for e in errors))
        self.errors = errors


class UnauthorizedError(RefusedError):
    """No credential, or one that nobody issued."""

    kind, title, status = "unauthorized", "A valid credential is needed", 401


class ForbiddenError(RefusedError):
    """A credential that may not do this."""

    kind, title, status = "forbidden", "This credential may not do that", 403


class NotFoundError(RefusedError):
    """No such instance or deployment, or nothing in flight."""

    kind, title, status = "not-found", "Not found", 404


class ConflictError(RefusedError):
    """The request does not fit the present state of what it names."""

    kind, title, status = "conflict", "Conflict", 409


class InFlightError(ConflictError):
    """Another deployment is in flight; `deployment_id` says which."""

    kind, title = "in-flight", "Another deployment is in flight"

    def __init__(self, deployment_id: int) -> None:
        super().__init__(
            f"Deployment {deployment_id} is in flight, and only one may be. "
            "Wait for it, abort it (POST /deploy/abort) or roll it back (POST /deploy/rollback)."
        )
        self.deployment_id = deployment_id


class GoneError(RefusedError):
    """The credential of an instance that was decommissioned."""

    kind, title, status = "decommissioned", "This instance was decommissioned", 410


class UnavailableError(RefusedError):
    """The store cannot be reached; nothing was accepted."""

    kind, title, status = "unavailable", "The store cannot be reached", 503


class OutcomeUnknownError(UnavailableError):
    """The store was lost in the middle of a commit: what was asked for is done, or not done, and nobody can say."""

    kind, title = "outcome-unknown", "It is not known whether it was done"


class RateError(RefusedError):
    """One sender asks for more than its share; nothing was accepted."""

    kind, title, status = "rate", "Too many requests", 429

    def __init__(self, detail: str, seconds: float) -> None:
        """`seconds` is how long it has to wait."""
        super().__init__(detail)
        self.seconds = seconds


class StoodStillError(UnavailableError):
    """It came before this process stood still, and is read after it; nothing was accepted."""

    kind, title = "stood-still", "The coordinator has stood still"

    def __init__(self) -> None:
        super().__init__(STOOD_STILL)


class BusyError(RefusedError):
    """More is asked for than can be done; nothing was accepted. It is refused before it has waited."""

    kind, title, status = "busy", "Too many requests at the moment", 429

    def __init__(self) -> None:
        super().__init__(TOO_BUSY)
