"""The one thing dides tells systemd: that it is ready, or stopping (sd_notify(3))."""

import os
import socket
from contextlib import suppress


def notify(state: str) -> None:
    """Send a state such as "READY=1" to the service manager; does nothing where there is none, or none that listens."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.sendto(state.encode(), address)
