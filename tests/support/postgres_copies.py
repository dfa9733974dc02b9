"""Copies of a PostgreSQL server's data: one that is put back later, and one that is kept up to date by a standby."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from support.postgres_server import PostgresServer

STANDBY = "standby"
POLL = 0.01
PATIENCE = 60.0


class CopiedServer(PostgresServer):
    """A server whose whole directory can be put back to what it was, as from a snapshot of its disk."""

    def keep(self) -> None:
        """Keep a copy of what there is."""
        self.stop("fast")
        subprocess.run(["cp", "-a", self._data, self._kept], check=True)
        self.start()

    def put_back(self) -> None:
        """Stop it, and start it with what was kept."""
        self.stop()
        shutil.rmtree(self._data)
        subprocess.run(["cp", "-a", self._kept, self._data], check=True)
        self.start()

    def dump(self, database: str) -> None:
        """Keep a copy of one database."""
        self._run("pg_dump", "--format=custom", f"--file={self._kept}", f"--dbname={self.url(database)}")

    def restore(self, database: str) -> None:
        """Put that database back, in use as it may be."""
        how = ("--clean", "--if-exists", "--single-transaction", f"--dbname={self.url(database)}")
        self._run("pg_restore", *how, str(self._kept))

    def restore_in_front_of(self, database: str, somebody_waits: Callable[[], bool]) -> None:
        """Put that database back, and commit that only once somebody waits for it, as when it takes long."""
        script = self.directory / "script"
        self._run("pg_restore", "--clean", "--if-exists", f"--file={script}", str(self._kept))
        how = ("--quiet", f"--output={os.devnull}", "--set=ON_ERROR_STOP=1", f"--dbname={self.url(database)}")
        with subprocess.Popen([self._programs / "psql", *how], stdin=subprocess.PIPE, text=True) as restoring:
            assert restoring.stdin
            print(f"BEGIN;\n\\i {script}", file=restoring.stdin, flush=True)
            while not somebody_waits() and restoring.poll() is None:
                time.sleep(POLL)
            restoring.communicate("COMMIT;\n", PATIENCE)
        assert restoring.returncode == 0

    @property
    def _kept(self) -> Path:
        return self.directory / "kept"


class Primary(PostgresServer):
    """A server that a standby may follow."""

    def await_standby(self, name: str = STANDBY) -> None:
        """From now on nothing is committed that a standby has not got, too. Empty: commits wait for none."""
        statements = [f"ALTER SYSTEM SET synchronous_standby_names = '{name}'", "SELECT pg_reload_conf()"]
        self._run("psql", "--quiet", "-d", self.url(), *(word for each in statements for word in ("-c", each)))

    def kill(self) -> None:
        """Kill it for good, as a machine that loses its power."""
        running = self._data / "postmaster.pid"
        os.kill(int(running.read_text().split()[0]), signal.SIGKILL)
        running.unlink()  # Nobody stops what is dead.


class Standby(PostgresServer):
    """A server that follows a primary until it is promoted."""

    def __init__(self, primary: PostgresServer) -> None:
        self._primary = primary
        super().__init__(cluster_name=STANDBY, hot_standby="on")

    def promote(self) -> None:
        """Make it a primary of its own, and wait until it is one."""
        self._run("pg_ctl", "-w", "-D", str(self._data), "promote")

    def _fill(self) -> None:
        source = f"host=127.0.0.1 port={self._primary.port} user=postgres"
        how = ("--write-recovery-conf", "--checkpoint=fast", "--no-sync", "--wal-method=stream")
        self._run("pg_basebackup", "-d", source, *how, "-D", str(self._data))
