"""What a request may cost before it is known who sends it, and how much of it is read after that."""

HEAD_BYTES = 64 * 1024
"""A request line and its headers, in bytes: beyond that 431."""
HEAD_LINES = 100
"""Header lines, trailers included: beyond that 431."""
COOKIE_BYTES = 16 * 1024
"""Of the head: what browsers have to say to other programs of the same host is read only so far, else 431."""
TARGET_BYTES = 8 * 1024
"""What is asked for, a path with its query string, in bytes: beyond that 414."""
CHUNKS = 4096
"""Pieces in which a body may come: beyond that 413, for each costs as much as a piece of any size."""
PIPELINED = 32
"""Requests on one connection that wait for an earlier one; the connection closes once they are answered."""

HEAD_SECONDS = 10.0
"""From the connection, or from the first byte of a request, to the end of its head."""
BODY_SECONDS = 30.0
"""From the end of a head to the end of its body."""
WRITE_SECONDS = 60.0
"""How long a sender may leave its answers unread."""
LINGER_SECONDS = 2.0
"""How long a connection that is closed early goes on discarding what comes, so that its answer arrives."""

REGISTRATION_BYTES = 64 * 1024
"""The body of a registration."""
LOGIN_BYTES = 8 * 1024
"""The body of a sign-in to the dashboard."""
BODY_BYTES = 1024 * 1024
"""The body of any other request; one that needs a credential is refused without one before its body is read."""
