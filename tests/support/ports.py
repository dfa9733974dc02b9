"""Ports for what is started again on the port that it had: nobody else is given them in the meantime."""

import errno
import random
import socket
from pathlib import Path

LOWEST = 10_000
HANDED_OUT = Path("/proc/sys/net/ipv4/ip_local_port_range")
USUALLY_HANDED_OUT_FROM = 32_768


def free_port() -> int:
    """Return a free port of 127.0.0.1, below those that the system hands out to whoever asks for any."""
    highest = _handed_out_from() - 1
    while True:
        port = random.randint(LOWEST, highest)
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
        else:
            return port


def _handed_out_from() -> int:
    try:
        return int(HANDED_OUT.read_text().split()[0])
    except FileNotFoundError:
        return USUALLY_HANDED_OUT_FROM
