"""The path prefix below which a proxy shows this coordinator, such as /dides; "" is none.

Proxies differ: some pass the prefix on, some take it away. A request is understood either way, and every address in an
answer has it. Within the program addresses are as they are without a prefix.
"""

from dides.api.access import Connection


def base_of(connection: Connection) -> str:
    """Return the prefix of the application that a connection belongs to."""
    base: str = connection.app.state.base_path
    return base


def without(base: str, path: str) -> str:
    """Return a path without the prefix, if it has it; what else an address has may follow."""
    if not path.startswith(base):
        return path
    rest = path[len(base) :]
    if rest.startswith("/"):
        return rest
    return f"/{rest}" if rest[:1] in ("", "?") else path


def is_local(address: str) -> bool:
    """Tell whether an address is a path of ours: browsers take two slashes for another host."""
    return address.startswith("/") and not address.startswith(("//", "/\\"))
