"""What counts as a request id, and as a bearer credential, wherever a request comes in."""

from hashlib import sha256

import pytest

from dides.api.fastpath.parser import request_in
from dides.api.request_headers import BEARER_SCHEMES, bearer_in, credential_hash_in, is_request_id


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (b"a", True),
        (b"x" * 128, True),
        (b"!~", True),
        (b"", False),
        (b"x" * 129, False),
        (b"a b", False),
        (b"a\n", False),
    ],
)
def test_a_request_id_is_kept_when_it_is_visible_ascii(value: bytes, *, kept: bool) -> None:
    assert is_request_id(value) is kept


@pytest.mark.parametrize("authorization", ["Bearer x", "bearer x", "BEARER x", "Bearer   x "])
def test_a_bearer_credential_is_read_in_any_case(authorization: str) -> None:
    assert bearer_in(authorization) == "x"
    assert credential_hash_in(authorization.encode()) == sha256(b"x").digest()


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer ", "Bearer   ", "Basic x", "Bearerx y", "x"])
def test_no_credential_is_found_where_there_is_none(authorization: str) -> None:
    assert bearer_in(authorization) is None
    assert credential_hash_in(authorization.encode()) == b""


@pytest.mark.parametrize("scheme", BEARER_SCHEMES)
@pytest.mark.parametrize("name", [b"Authorization", b"authorization"])
def test_the_fast_parser_reads_the_same_credential(name: bytes, scheme: bytes) -> None:
    plain = request_in(b"GET / HTTP/1.1\r\nHost: x\r\n%s: %sthe-token\r\n\r\n" % (name, scheme))
    assert plain is not None
    assert plain.credential == credential_hash_in(scheme + b"the-token")
