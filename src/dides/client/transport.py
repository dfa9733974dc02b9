"""One HTTP exchange with the coordinator: JSON in, a typed answer or a typed error out."""

import asyncio
import os
import ssl
from collections.abc import Mapping
from types import TracebackType
from typing import Self, TypeVar

import httpx2
import msgspec

from dides.client.certificates import make_tls_context, named_certificates
from dides.client.errors import EnvironmentVariableError, RefusedError, StoodStillError, UnreachableError
from dides.client.proxy import NamedProxy, find_proxy
from dides.client.retry_after import read_retry_after
from dides.protocol.messages import Problem
from dides.runtime.clock import SystemClock

T = TypeVar("T")
STOOD_STILL = "urn:dides:problem:stood-still"
LONGEST_REST = 5.0
"""Seconds before a request is repeated, at the most."""
UNTRUSTED = "CERTIFICATE_VERIFY_FAILED"
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
HEADERS = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
"""A compressed answer could unpack to more than there is memory."""
Query = Mapping[str, str | int | float | None]


class Transport:
    """Sends requests to one coordinator with one credential, over kept-alive connections."""

    repeats = 0
    """How often a request is repeated that a coordinator has refused because it had stood still."""
    longest_answer_seconds = 60.0
    """How long an answer may take from its request to its last byte, however steadily it comes."""
    largest_answer_bytes = 64 * 1024 * 1024

    def __init__(
        self,
        server: str,
        credential: str | None = None,
        *,
        timeout: float = 10.0,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        """Prepare, without connecting. `server` is a base URL, `timeout` seconds; `transport` is the seam for tests.

        Raises UnreachableError for a URL, or a credential, with which nothing could ever be reached, and
        EnvironmentVariableError for a variable of the environment with which it could not.
        """
        self.server = server.rstrip("/")
        self.credential = credential
        url = _check(self.server, credential)
        self._proxy = None if transport else find_proxy(url, os.environ)
        self._http = httpx2.AsyncClient(
            base_url=self.server,
            timeout=timeout,
            transport=transport or make_transport(url, self._proxy),
            trust_env=False,  # The environment has had its say.
        )
        self._timeout = timeout

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def send(
        self,
        answer: type[T],
        method: str,
        path: str,
        body: msgspec.Struct | None = None,
        *,
        query: Query | None = None,
        headers: Mapping[str, str] | None = None,
        patience: float = 0.0,
    ) -> T:
        """Send one request and decode its answer; `patience` is added to the timeout (a blocking query's wait).

        Raises UnreachableError when there is no usable answer, RefusedError when the coordinator says no.
        """
        request = self._http.build_request(
            method,
            path,
            content=None if body is None else msgspec.json.encode(body),
            params={name: value for name, value in (query or {}).items() if value is not None},
            headers={**HEADERS, **self._authorization(), **(headers or {})},
            timeout=self._timeout + patience,
        )
        longest = self.longest_answer_seconds + patience
        for _ in range(self.repeats):
            try:
                return await self._exchange(answer, request, longest)
            except StoodStillError as error:
                await asyncio.sleep(min(error.retry_after or 0.0, LONGEST_REST))
        return await self._exchange(answer, request, longest)

    async def _exchange(self, answer: type[T], request: httpx2.Request, longest: float) -> T:
        try:
            async with asyncio.timeout(longest):
                response = await self._http.send(request, stream=True)
                content = await self._read(response)
        except httpx2.HTTPError as error:
            raise UnreachableError(f"{self._named} cannot be reached: {_explain(error)}") from error
        except TimeoutError as error:
            raise UnreachableError(f"{self._named} has not answered in full within {longest:g} s") from error
        if response.is_success:
            return self._decode(answer, content)
        raise self._failure(response, content)

    async def _read(self, response: httpx2.Response) -> bytes:
        """Return the body of an answer, as it was sent. Raises UnreachableError when it is no answer of dides."""
        try:
            if response.headers.get("Content-Encoding", "identity") != "identity":
                raise UnreachableError(f"{self._named} answered with an encoding that it was not asked for")
            content = bytearray()
            async for piece in response.aiter_bytes():
                content += piece
                if len(content) > self.largest_answer_bytes:
                    raise UnreachableError(f"{self._named} answered more than {self.largest_answer_bytes} bytes")
            return bytes(content)
        finally:
            await response.aclose()

    @property
    def _named(self) -> str:
        """The server as errors name it: with the proxy through which it is spoken to."""
        return f"{self.server}, through {self._proxy}," if self._proxy else self.server

    def _authorization(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.credential}"} if self.credential else {}

    def _decode(self, answer: type[T], content: bytes) -> T:
        try:
            return msgspec.json.decode(content or b"null", type=answer)
        except UNREADABLE as error:
            raise UnreachableError(f"{self._named} answered something that is not dides': {error}") from error

    def _failure(self, response: httpx2.Response, content: bytes) -> RefusedError | UnreachableError:
        try:
            problem = msgspec.json.decode(content, type=Problem)
        except UNREADABLE:
            return UnreachableError(f"{self._named} answered {response.status_code}, not as dides does")
        if response.status_code >= 500 or response.status_code == 429:
            headers = response.headers
            stood_still = problem.type == STOOD_STILL
            return (StoodStillError if stood_still else UnreachableError)(
                f"{self._named} answered {response.status_code}: {problem.detail or problem.title}",
                read_retry_after(headers.get("Retry-After"), headers.get("Date"), SystemClock().now()),
            )
        return RefusedError(msgspec.structs.replace(problem, status=response.status_code))


def make_transport(server: httpx2.URL, proxy: NamedProxy | None) -> httpx2.AsyncHTTPTransport:
    """Return what carries requests to a server. Raises EnvironmentVariableError.

    Certificates are read only where TLS is spoken, which takes a while and may fail.
    """
    speaks_tls = "https" in (server.scheme, proxy.url.scheme if proxy else "")
    trusted = make_tls_context(os.environ) if speaks_tls else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if proxy is None:
        return httpx2.AsyncHTTPTransport(verify=trusted, trust_env=False)
    through = httpx2.Proxy(proxy.url, ssl_context=trusted if proxy.url.scheme == "https" else None)
    try:
        return httpx2.AsyncHTTPTransport(verify=trusted, trust_env=False, proxy=through)
    except ImportError as error:
        raise EnvironmentVariableError(
            proxy.variable,
            f"a {proxy.url.scheme} proxy needs the library socksio, which is not installed. Install it (pip install "
            "socksio), or name an http proxy.",
        ) from error


def _explain(error: httpx2.HTTPError) -> str:
    """Return why a request failed, with the variable that says whom to trust when that is why."""
    text, variable = str(error) or type(error).__name__, named_certificates(os.environ)
    return f"{text} (trusted is what {variable} names)" if variable and UNTRUSTED in text else text


def _check(server: str, credential: str | None) -> httpx2.URL:
    """Return a base URL. Raises UnreachableError for one, or for a credential, that cannot be used."""
    try:
        url = httpx2.URL(server)
        usable = url.scheme in ("http", "https") and bool(url.host) and (url.port or 1) in range(1, 65536)
    except httpx2.InvalidURL:
        url, usable = httpx2.URL(), False
    if not usable:
        raise UnreachableError(f"{server} is not a usable URL; one is http://127.0.0.1:8420")
    if credential and not (credential.isascii() and credential.isprintable()):
        raise UnreachableError("the token holds characters that no token has; was it copied whole, and alone?")
    return url
