"""The one thing dides tells systemd: that it is ready, or stopping (sd_notify(3))."""

import os
import socket


def notify(state: str) -> None:
    """Send a state such as "READY=1" to the service manager; does nothing where there is none."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.sendto(state.encode(), address)
