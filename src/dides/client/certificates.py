"""The certificates by which a server is known, as the environment has them."""

import ssl
from collections.abc import Mapping

import httpx2

from dides.client.errors import EnvironmentVariableError

CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
KEY_LOG = "SSLKEYLOGFILE"
"""Where Python writes the secrets of connections, for those who look into them; opened with the context."""


def make_tls_context(environment: Mapping[str, str]) -> ssl.SSLContext:
    """Return the context for TLS connections. Raises EnvironmentVariableError, which names what is wrong."""
    try:
        return httpx2.create_ssl_context()
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        why = getattr(error, "strerror", None) or str(error)
        raise EnvironmentVariableError(_culprit(error, environment), f"TLS cannot be set up with it: {why}") from error


def named_certificates(environment: Mapping[str, str]) -> str:
    """Return the variable that says which certificates are trusted; "" when it is for the system to say."""
    return next((name for name in CERTIFICATES if environment.get(name)), "")


def _culprit(error: OSError | ValueError, environment: Mapping[str, str]) -> str:
    if environment.get(KEY_LOG) and getattr(error, "filename", None) == environment[KEY_LOG]:
        return KEY_LOG
    return named_certificates(environment) or KEY_LOG
