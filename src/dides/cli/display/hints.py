"""What to do next when the coordinator refuses, or cannot be reached."""

from dides.cli.options.tokens import token_file
from dides.client.errors import ClientError, RefusedError, UnreachableError


def next_step(error: ClientError) -> str:
    """Return what to do about an error, in a sentence or two; empty when its own text says it all."""
    if isinstance(error, UnreachableError):
        return (
            "Is the coordinator running? Start one with `dides server`; "
            "name one elsewhere with --server or DIDES_SERVER."
        )
    if not isinstance(error, RefusedError):
        return ""
    if error.problem.deployment_id is not None:
        return "Watch it with `dides status --watch`; stop it with `dides abort`, undo it with `dides rollback`."
    return _BY_STATUS.get(error.status, _nothing)()


def _nothing() -> str:
    return ""


def _unauthorized() -> str:
    file = token_file()
    found = (
        f"it is found there by itself, if you may read {file} (DIDES_DATA_DIR names another directory)."
        if file
        else "it is found there by itself, if DIDES_DATA_DIR names that directory: this user has no home directory."
    )
    return (
        "Give the operator token with --token or DIDES_TOKEN. The coordinator wrote it, at its first start, into the "
        f"file operator-token in its data directory. On the coordinator's machine {found}"
    )


def _forbidden() -> str:
    return "This needs the operator token, not that of an instance: give it with --token or DIDES_TOKEN."


_BY_STATUS = {401: _unauthorized, 403: _forbidden}
