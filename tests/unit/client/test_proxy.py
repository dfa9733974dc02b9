"""Which proxy the environment names, and for whom none does."""

import httpx2
import pytest

from dides.client.errors import EnvironmentVariableError
from dides.client.proxy import find_proxy

PROXY = "http://proxy.test:3128"


def proxy_for(server: str, **environment: str) -> str:
    found = find_proxy(httpx2.URL(server), environment)
    return "" if found is None else str(found)


@pytest.mark.parametrize("host", ["127.0.0.1:8420", "localhost", "[::1]:8420", "127.1", "0.0.0.0", "me.localhost."])
@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])
def test_loopback_never_goes_through_a_proxy(host: str, variable: str) -> None:
    assert proxy_for(f"http://{host}", **{variable: PROXY}) == ""
    assert proxy_for(f"https://{host}", **{variable: PROXY, "https_proxy": PROXY}) == ""


@pytest.mark.parametrize(
    ("server", "variables", "named"),
    [
        ("http://a.test", {"http_proxy": PROXY}, "http_proxy"),
        ("http://a.test", {"HTTP_PROXY": PROXY}, "HTTP_PROXY"),
        ("https://a.test", {"https_proxy": PROXY, "all_proxy": "http://other.test"}, "https_proxy"),
        ("http://a.test", {"https_proxy": "http://other.test", "all_proxy": PROXY}, "all_proxy"),
        ("http://a.test", {"http_proxy": PROXY, "HTTP_PROXY": "http://other.test"}, "http_proxy"),
        ("http://a.test", {"http_proxy": "proxy.test:3128"}, "http_proxy"),
    ],
)
def test_elsewhere_the_variables_count(server: str, variables: dict[str, str], named: str) -> None:
    assert proxy_for(server, **variables) == f"the proxy {PROXY} ({named})"


def test_an_empty_variable_in_lower_case_means_no_proxy() -> None:
    assert proxy_for("http://a.test", http_proxy="", HTTP_PROXY=PROXY) == ""


def test_a_header_that_a_web_server_passes_on_names_no_proxy() -> None:
    assert proxy_for("http://a.test", HTTP_PROXY=PROXY, REQUEST_METHOD="GET") == ""


@pytest.mark.parametrize(
    ("server", "no_proxy"),
    [
        ("http://a.test", "*"),
        ("http://a.test", "b.test, A.test"),
        ("http://x.a.test", "a.test"),
        ("http://x.a.test", ".a.test"),
        ("http://x.a.test", "*.a.test"),
        ("http://a.test:8420", "a.test:8420"),
        ("http://a.test", "a.test:80"),
        ("http://10.1.2.3", "10.1.2.3"),
        ("http://10.1.2.3", "192.168.0.0/16 10.0.0.0/8"),
        ("http://[2001:db8::1]:8420", "2001:db8::/32"),
        ("http://[2001:db8::1]:8420", "[2001:db8::1]:8420"),
    ],
)
def test_no_proxy_lists_who_is_reached_without_one(server: str, no_proxy: str) -> None:
    assert proxy_for(server, http_proxy=PROXY, NO_PROXY=no_proxy) == ""


@pytest.mark.parametrize(
    ("server", "no_proxy"),
    [
        ("http://xa.test", "a.test"),
        ("http://a.test", "a.test:8420"),
        ("http://10.1.2.3", "10.1.2.4,11.0.0.0/8,2001:db8::/32"),
        ("http://a.test", ",,.,*.,10.0.0.0/99"),
    ],
)
def test_no_proxy_means_nobody_else(server: str, no_proxy: str) -> None:
    assert proxy_for(server, http_proxy=PROXY, no_proxy=no_proxy) != ""


@pytest.mark.parametrize("value", ["ftp://proxy.test", "http://", "http://proxy.test:99999", "http://[::1", "::::"])
def test_a_value_that_is_no_proxy_is_said_with_its_variable(value: str) -> None:
    with pytest.raises(EnvironmentVariableError, match="https_proxy in the environment"):
        proxy_for("https://a.test", https_proxy=value)
    assert proxy_for("http://a.test", https_proxy=value) == ""


def test_the_password_of_a_proxy_is_shown_to_nobody() -> None:
    assert proxy_for("http://a.test", http_proxy="http://me:secret@proxy.test:3128") == (
        f"the proxy {PROXY} (http_proxy)"
    )
    with pytest.raises(EnvironmentVariableError) as error:
        proxy_for("http://a.test", http_proxy="http://me:secret@proxy.test:99999")
    assert "secret" not in str(error.value)
