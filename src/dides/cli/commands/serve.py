"""Commands that run where the coordinator's data is: server, backup, restore."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from dides.cli.display.exits import ExitCode
from dides.cli.display.welcome import welcome
from dides.cli.options.output import print_error
from dides.cli.options.server import (
    BasePath,
    Database,
    DataDir,
    Dev,
    HeartbeatInterval,
    InsecureHttp,
    InstanceChanges,
    InstanceRequests,
    KeepDeployments,
    KeepEvents,
    ListenAt,
    MaxHeartbeats,
    OutageLimit,
    ReconcileInterval,
    TimeToLive,
    TrustedProxy,
    parse_base_path,
    parse_listen,
    parse_networks,
)
from dides.cli.options.settings import SettingsFile
from dides.coordinator.settings import Settings
from dides.model.errors import UnavailableError
from dides.runtime.config import SettingsError, default_data_dir
from dides.runtime.datadir import DataDirectory, DataDirectoryError, held_database
from dides.runtime.first_process import leave_first_process
from dides.runtime.logs import configure_logging, say
from dides.server import Listen, ListenError, serve
from dides.store.migrate import TooNewError
from dides.store.sqlite.backup import CopyError, back_up, check_database, copy_database
from dides.store.urls import UnknownDatabaseError, is_postgresql, sqlite_file

_REFUSALS = (CopyError, DataDirectoryError, ListenError, TooNewError, UnavailableError, UnknownDatabaseError)


def server(
    listen: ListenAt = "127.0.0.1:8420",
    data_dir: DataDir = None,
    database: Database = None,
    reconcile_interval: ReconcileInterval = 5,
    heartbeat_interval: HeartbeatInterval = 10,
    time_to_live: TimeToLive = 30,
    max_heartbeats: MaxHeartbeats = 10_000,
    instance_requests: InstanceRequests = 5,
    instance_changes: InstanceChanges = 1,
    outage_limit: OutageLimit = 3600,
    keep_events: KeepEvents = 90,
    base_path: BasePath = "",
    keep_deployments: KeepDeployments = 365,
    insecure_http: InsecureHttp = False,
    trusted_proxy: TrustedProxy = None,
    dev: Dev = False,
    settings: SettingsFile = None,
) -> None:
    """Run the coordinator until SIGTERM or Ctrl-C.

    At its first start it writes an operator token and a registration token into the data directory.

    Example:
      dides server --data-dir /var/lib/dides
    """
    host, port = parse_listen(listen)
    if time_to_live <= heartbeat_interval:
        raise typer.BadParameter("--time-to-live must be longer than --heartbeat-interval, or every instance is lost")
    chosen = Settings(
        heartbeat_interval=heartbeat_interval,
        time_to_live=time_to_live,
        reconcile_interval=reconcile_interval,
        max_heartbeats=max_heartbeats,
        instance_requests=instance_requests,
        instance_changes=instance_changes,
        outage_limit=outage_limit,
        keep_events_days=keep_events,
        keep_deployments_days=keep_deployments,
    )
    where = Listen(
        host,
        port,
        dev=dev,
        insecure_http=insecure_http,
        base_path=parse_base_path(base_path),
        trusted_proxies=parse_networks(trusted_proxy or []),
    )
    _serve(where, chosen, data_directory(data_dir), database)


def _serve(where: Listen, chosen: Settings, directory: DataDirectory, database: str | None) -> None:
    leave_first_process()
    configure_logging()
    with _refusing():
        serve(directory, where, chosen, database, partial(say_welcome, directory, where))


def say_welcome(directory: DataDirectory, listen: Listen, url: str) -> None:
    """Say to somebody at a terminal where the coordinator is, and what to do next."""
    if sys.stdout.isatty():
        for line in welcome(url, directory.path.absolute(), dev=listen.dev):
            say(line)


def backup(
    file: Annotated[Path, typer.Argument(help="The file to write; it appears whole or not at all.")],
    data_dir: DataDir = None,
    database: Database = None,
) -> None:
    """Write a copy of the coordinator's data, also while the coordinator runs.

    The tokens are not in it: they are files of their own in the data directory.

    Example:
      dides backup /backup/dides-$(date +%F).db
    """
    directory = data_directory(data_dir)
    with _refusing():
        source = _file(directory, database, "pg_dump --format=custom --file=FILE URL")
        back_up(source, file)
    typer.echo(f"Wrote {file} ({file.stat().st_size:,} bytes).")


def restore(
    file: Annotated[Path, typer.Argument(help="A file that `dides backup` has written.")],
    data_dir: DataDir = None,
    database: Database = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the database that is there.")] = False,
) -> None:
    """Put a backup into a data directory; the coordinator must be stopped.

    Agents take the restored desired states up within one time to live.

    Example:
      dides restore /backup/dides-2026-11-23.db
    """
    directory = data_directory(data_dir)
    with _refusing():
        place = _file(directory, database, "pg_restore --clean --if-exists --single-transaction --dbname=URL FILE")
        with directory.locked(), held_database(place):
            if place.exists() and not force:
                print_error(f"{place} exists. Say --force to replace it.")
                raise typer.Exit(ExitCode.REFUSED)
            check_database(file)
            copy_database(file, place)
    typer.echo(f"Restored {place} from {file}.")


def data_directory(named: Path | None) -> DataDirectory:
    """Return the data directory that is named, or this user's own. Raises SettingsError when there is neither."""
    place = named or default_data_dir()
    if place is None:
        raise SettingsError("This user has no home directory: name a data directory with --data-dir or DIDES_DATA_DIR.")
    return DataDirectory(place)


@contextmanager
def _refusing() -> Iterator[None]:
    """Say in a line what is in the way, and end."""
    try:
        yield
    except _REFUSALS as error:
        print_error(str(error))
        raise typer.Exit(ExitCode.REFUSED) from error


def _file(directory: DataDirectory, database: str | None, instead: str) -> Path:
    """Return the file of the database; UnknownDatabaseError, which says what to do instead, when it is on a server."""
    if database and is_postgresql(database):
        raise UnknownDatabaseError(
            f"PostgreSQL has its own tools for this, and they know more: {instead}. See docs/operations.md."
        )
    return sqlite_file(database) if database else directory.database
