"""The composition root of the coordinator: wires store, services and API, and serves them."""

import asyncio
import contextlib
import gc
import ipaddress
import os
import resource
import signal
import socket
from collections.abc import Callable, Iterator
from importlib.metadata import version
from typing import Any

import msgspec
import structlog
import uvicorn
import uvloop

from dides.api.access import Access
from dides.api.app import create_app, create_routes
from dides.api.connections.acceptor import Acceptor
from dides.api.connections.late_requests import Backlog, punctual_connection
from dides.api.fastpath.asgi import FastPath
from dides.api.fastpath.load_shedding import Overload
from dides.api.fastpath.protocol import answering_connection
from dides.api.limits.client_address import Network
from dides.api.limits.rate_limits import RateLimits
from dides.api.traffic import Traffic
from dides.coordinator.coordinator import Coordinator
from dides.coordinator.credentials import hash_of
from dides.coordinator.settings import Settings
from dides.dashboard.routes import create_dashboard
from dides.runtime.clock import SystemClock
from dides.runtime.datadir import OPERATOR_FILE, REGISTRATION_FILE, DataDirectory, held_database
from dides.runtime.systemd import notify
from dides.store.open import open_store
from dides.store.urls import is_postgresql, sqlite_file

log = structlog.get_logger()
KEEP_ALIVE_SECONDS = 75
GRACE_SECONDS = 20
GC_THRESHOLDS = (50_000, 20, 50)
"""Python's own are 700, 10, 10: with as many objects as a batch of heartbeats makes, that is a pause in every one."""


class ListenError(Exception):
    """An address that the coordinator may not, or cannot, listen on; the text says what to do."""


class Listen(msgspec.Struct, frozen=True):
    """Where to listen, and what that is allowed to mean."""

    host: str
    port: int
    dev: bool = False
    insecure_http: bool = False
    base_path: str = ""
    """The path prefix below which a proxy shows it; "" for none."""
    trusted_proxies: tuple[Network, ...] = ()
    """From where X-Forwarded-For is believed."""

    def check(self) -> None:
        """Raise ListenError where plain HTTP, or an open door, would be reachable from another machine."""
        if self.loopback:
            return
        if self.dev:
            raise ListenError(f"--dev opens every door, so it is refused on {self.host}: use a loopback address.")
        if not self.insecure_http:
            raise ListenError(
                f"Plain HTTP on {self.host} would show credentials to the network. Listen on a loopback address, "
                "or say --insecure-http when something in front of it does TLS."
            )

    @property
    def loopback(self) -> bool:
        """True when only this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def open(self) -> socket.socket:
        """Return a listening socket. ListenError when the address cannot be had."""
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        everywhere = self.host == "::" and socket.has_dualstack_ipv6()
        try:
            return socket.create_server((self.host, self.port), family=family, backlog=2048, dualstack_ipv6=everywhere)
        except OSError as error:
            raise ListenError(f"Cannot listen on {self.host}, port {self.port}: {error.strerror or error}.") from error


def serve(
    directory: DataDirectory,
    listen: Listen,
    settings: Settings,
    database: str | None,
    announce: Callable[[str], object],
) -> None:
    """Run a coordinator until SIGTERM or SIGINT.

    `database` is a URL, by default that of the embedded one in the data directory; `announce` is called with the URL
    at which it listens, once it does. Raises ListenError,
    DataDirectoryError, UnknownDatabaseError, TooNewError and UnavailableError, all before anything is served.
    """
    listen.check()
    os.umask(0o077)  # The database holds what only its owner should read.
    _allow_many_connections()
    url = database or f"sqlite:///{directory.database}"
    with directory.locked(), _held(url), listen.open() as listening:
        access = Access(
            operator=hash_of(directory.token(OPERATOR_FILE)),
            registration=hash_of(directory.token(REGISTRATION_FILE)),
            dev=listen.dev,
        )
        if listen.dev:
            log.warning("development mode: no credential is asked for, and any registration token is accepted")
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(url, access, settings, listen, listening, announce))


def _held(url: str) -> contextlib.AbstractContextManager[None]:
    """Hold a database that one coordinator alone may use."""
    return contextlib.nullcontext() if is_postgresql(url) else held_database(sqlite_file(url))


def _allow_many_connections() -> None:
    """Use as many open files as the system allows: every agent holds two connections, and the usual limit is 1,024."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):  # macOS calls its limit infinite, and refuses it
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def _serve(
    database: str,
    access: Access,
    settings: Settings,
    listen: Listen,
    listening: socket.socket,
    announce: Callable[[str], object],
) -> None:
    store = open_store(database, SystemClock())
    coordinator = Coordinator(store, store.clock, settings)
    overload, traffic = Overload(), Traffic()
    limits = RateLimits(
        settings, store.clock.monotonic, access.operator, dev=listen.dev, trusted=listen.trusted_proxies
    )
    routes = create_routes(version("dides"), [create_dashboard()], dev=listen.dev)
    app = create_app(
        routes, coordinator, access, version("dides"), overload, traffic, limits, base_path=listen.base_path
    )
    backlog = Backlog(coordinator.standstill)
    backlog.listen(listening)
    config = uvicorn.Config(
        app,
        http=answering_connection(app, backlog) if isinstance(app, FastPath) else punctual_connection(backlog, traffic),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        workers=1,  # Else the variable WEB_CONCURRENCY counts.
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    try:
        async with coordinator.running():
            watching = [asyncio.create_task(watched.watch()) for watched in (overload, coordinator.standstill)]
            server = _Server(config, coordinator, traffic, lambda url: announce(url + listen.base_path))
            await server.serve(sockets=[listening])
            for task in watching:
                task.cancel()
    finally:
        await store.close()
        log.info("stopped")


class _Server(uvicorn.Server):
    """Serves until told to leave: then held queries are answered, what was accepted is finished, and that is all."""

    def __init__(
        self, config: uvicorn.Config, coordinator: Coordinator, traffic: Traffic, announce: Callable[[str], object]
    ) -> None:
        super().__init__(config)
        self._coordinator = coordinator
        self._traffic = traffic
        self._announce = announce

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave on SIGTERM and SIGINT; a second one does not wait for anybody."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._leave)
        loop.add_signal_handler(signal.SIGHUP, _ignore_hangup)
        yield
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.remove_signal_handler(number)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so to the log and to the service manager."""
        await super().startup(sockets=[])
        if not self.started or not sockets:
            return
        self._listen(sockets)
        # What is allocated by now stays; looking through it again and again would only delay answers.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GC_THRESHOLDS)
        host, port = sockets[0].getsockname()[:2]
        url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        log.info("listening", url=url)
        self._announce(url)
        notify("READY=1")

    def _listen(self, sockets: list[socket.socket]) -> None:
        """Take connections; uvicorn would leave that to the event loop."""
        most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        servers: list[Any] = self.servers
        for listening in sockets:
            listening.setblocking(False)
            servers.append(
                Acceptor(listening, self._connect, self._traffic, None if most == resource.RLIM_INFINITY else most)
            )

    def _connect(self) -> asyncio.Protocol:
        connection: Any = self.config.http_protocol_class
        made: asyncio.Protocol = connection(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return made

    def _leave(self) -> None:
        notify("STOPPING=1")
        self.force_exit = self.should_exit
        self.should_exit = True
        self._coordinator.release()


def _ignore_hangup() -> None:
    log.info("SIGHUP is ignored; settings are read at the start")
