"""Commands that run where the coordinator's data is: server, backup, restore."""

import re
from pathlib import Path
from typing import Annotated, Any

import typer

from dides.cli.exits import ExitCode
from dides.cli.output import print_error
from dides.cli.settings import SettingsFile
from dides.config import default_data_dir
from dides.coordinator.settings import Settings
from dides.datadir import DataDirectory, DataDirectoryError, held_database
from dides.logs import configure_logging
from dides.model.errors import UnavailableError
from dides.server import Listen, ListenError, serve
from dides.store.copies import CopyError, check_database, copy_database
from dides.store.migrate import TooNewError
from dides.store.urls import UnknownDatabaseError, is_postgresql, sqlite_file

LONGEST = 31_536_000
_REFUSALS = (CopyError, DataDirectoryError, ListenError, TooNewError, UnavailableError, UnknownDatabaseError)
_LISTEN = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<host>[^\[\]:/\s]+)):(?P<port>\d{1,5})\Z")

DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        envvar="DIDES_DATA_DIR",
        metavar="DIR",
        help="Where tokens and the embedded database are. "
        "[default: /var/lib/dides for root, else ~/.local/share/dides]",
    ),
]
Database = Annotated[
    str | None,
    typer.Option(
        "--database",
        envvar="DIDES_DATABASE",
        metavar="URL",
        help="The database: sqlite:///FILE, or postgresql://USER@HOST/NAME, which several coordinators may share. "
        "[default: dides.db in the data directory]",
    ),
]


def parse_listen(text: str) -> tuple[str, int]:
    """Return the host and port in HOST:PORT or [IPV6]:PORT; typer.BadParameter."""
    found = _LISTEN.match(text)
    if not found or int(found["port"]) > 65535:
        raise typer.BadParameter(f"{text!r} is not HOST:PORT, such as 127.0.0.1:8420 or [::1]:8420")
    return found["v6"] or found["host"], int(found["port"])


def seconds(name: str, help_text: str, *, least: float = 0.05) -> Any:
    """Return an option for a duration in seconds, also as a DIDES_ variable."""
    variable = "DIDES_" + name.upper().replace("-", "_")
    return typer.Option(f"--{name}", envvar=variable, metavar="SECONDS", min=least, max=LONGEST, help=help_text)


def server(
    context: typer.Context,
    listen: Annotated[
        str,
        typer.Option(
            "--listen",
            envvar="DIDES_LISTEN",
            metavar="HOST:PORT",
            help="Where to listen; IPv6 as [::1]:8420; port 0 takes a free one.",
        ),
    ] = "127.0.0.1:8420",
    data_dir: DataDir = None,
    database: Database = None,
    reconcile_interval: Annotated[
        float, seconds("reconcile-interval", "How often to take a step unasked; 0: by hand only.", least=0)
    ] = 5,
    heartbeat_interval: Annotated[float, seconds("heartbeat-interval", "How often instances are to report.")] = 10,
    time_to_live: Annotated[
        float, seconds("time-to-live", "How long an instance may be silent before it counts as unreachable.")
    ] = 30,
    max_heartbeats: Annotated[
        float,
        typer.Option(
            "--max-heartbeats",
            envvar="DIDES_MAX_HEARTBEATS",
            metavar="PER SECOND",
            min=1,
            max=10_000_000,
            help="Heartbeats a second of the whole fleet, beyond which instances are asked to report less often.",
        ),
    ] = 10_000,
    keep_events: Annotated[
        float,
        typer.Option(
            "--keep-events", envvar="DIDES_KEEP_EVENTS", metavar="DAYS", min=0.001, help="How long events are kept."
        ),
    ] = 90,
    insecure_http: Annotated[
        bool,
        typer.Option(
            "--insecure-http",
            envvar="DIDES_INSECURE_HTTP",
            help="Allow plain HTTP beyond loopback: something in front of it does TLS.",
        ),
    ] = False,
    dev: Annotated[
        bool,
        typer.Option("--dev", envvar="DIDES_DEV", help="Ask for no credentials. Loopback addresses only."),
    ] = False,
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
    configure_logging()
    chosen = Settings(
        heartbeat_interval=heartbeat_interval,
        time_to_live=time_to_live,
        reconcile_interval=reconcile_interval,
        max_heartbeats=max_heartbeats,
        keep_events_days=keep_events,
    )
    where = Listen(host, port, dev=dev, insecure_http=insecure_http)
    try:
        serve(DataDirectory(data_dir or default_data_dir()), where, chosen, database)
    except _REFUSALS as error:
        print_error(str(error))
        raise typer.Exit(ExitCode.REFUSED) from error


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
    directory = DataDirectory(data_dir or default_data_dir())
    try:
        source = _file(directory, database, "pg_dump --format=custom --file=FILE URL")
        copy_database(source, file)
    except _REFUSALS as error:
        print_error(str(error))
        raise typer.Exit(ExitCode.REFUSED) from error
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
    directory = DataDirectory(data_dir or default_data_dir())
    try:
        place = _file(directory, database, "pg_restore --clean --if-exists --single-transaction --dbname=URL FILE")
        with directory.locked(), held_database(place):
            if place.exists() and not force:
                print_error(f"{place} exists. Say --force to replace it.")
                raise typer.Exit(ExitCode.REFUSED)
            check_database(file)
            copy_database(file, place)
    except _REFUSALS as error:
        print_error(str(error))
        raise typer.Exit(ExitCode.REFUSED) from error
    typer.echo(f"Restored {place} from {file}.")


def _file(directory: DataDirectory, database: str | None, instead: str) -> Path:
    """Return the file of the database; UnknownDatabaseError, which says what to do instead, when it is on a server."""
    if database and is_postgresql(database):
        raise UnknownDatabaseError(
            f"PostgreSQL has its own tools for this, and they know more: {instead}. See docs/operations.md."
        )
    return sqlite_file(database) if database else directory.database
