"""The advisory locks of a PostgreSQL database that coordinators share. All end with their transactions."""

_DIDES = 0x6469_6465_7300

DECIDING = _DIDES + 1
"""Held alone by who decides, shared by who only takes heartbeats in."""
MIGRATING = _DIDES + 2
APPENDING = _DIDES + 3
"""Held by who adds to the event log."""
