"""Requests that are slow to look at, but for those who look at little of them."""

import json
from typing import Any

from support.app import REGISTRATION
from support.serving import request

KIB, MIB = 1024, 1024 * 1024
REGISTER, LOGIN, WEB = "/inventory/register", "/ui/login", "/inventory/instances/web-1"
FORM = "Content-Type: application/x-www-form-urlencoded"
MULTIPART = "Content-Type: multipart/form-data; boundary=x"


def filled(size: int, piece: bytes, join: bytes = b"") -> bytes:
    """Return as many pieces as fit."""
    return join.join([piece] * (size // (len(piece) + len(join))))


def bodies(size: int) -> dict[str, bytes]:
    """Return bodies of a size that break the grammar, or every schema."""
    numbered = b",".join(b'"%d":1' % number for number in range(size // 10))
    return {
        "garbage": filled(size, b"x"),
        "lines": filled(size - 1, b"\n") + b"x",
        "depth": filled(size, b"["),
        "depth of objects": filled(size, b'{"a":'),
        "entries": b"[" + filled(size - 2, b"1", b",") + b"1]",
        "fields": b"{" + numbered + b"}",
        "a field again": b"{" + numbered + b',"1":1}',
        "surrogates, and half of a pair": b'["' + filled(size - 20, b"\\ud800\\udc00") + b'\\ud800"]',
        "escapes, and half of a pair": b'["' + filled(size - 20, b"\\n") + b'\\ud800"]',
        "a long number": b'{"a":' + filled(size - 8, b"9") + b"}",
        "a long number that breaks off": b'{"a":' + filled(size - 8, b"9") + b",]",
        "a long name": b'{"' + filled(size - 8, b"x") + b'":1}',
        "what is no UTF-8": filled(size - 1, b"\xc3\xa9") + b"\xff",
        "one field": b'{"token":"a"' + filled(size - 100, b',"token":"a"') + b"}",
    }


def registration(token: str, **instance: Any) -> bytes:
    """Return a registration."""
    return json.dumps({"instance": {"name": "a", "ip": "192.0.2.1", **instance}, "token": token}).encode()


def registrations(size: int, token: str = REGISTRATION) -> dict[str, bytes]:
    """Return registrations of a size that break the schema."""
    size -= 200
    again = b",".join(b'"k%d":"1"' % (number % 60) for number in range(size // 10))
    return {
        "a key": registration(token, labels={"a" * size: "b"}),
        "a key with dots": registration(token, labels={"a." * (size // 2): "b"}),
        "a prefix": registration(token, labels={"a." * (size // 2) + "/a": "b"}),
        "a value": registration(token, labels={"a": "b" * size}),
        "labels": registration(token, labels={f"k{number}": "b" for number in range(size // 14)}),
        "a name": registration(token, name="a" * size),
        "a name with dots": registration(token, name="a." * (size // 2)),
        "an address": registration(token, ip="1" * size),
        "a token": registration(token + "x" * size),
        "labels again": registration(token, labels={}).replace(b"{}", b"{" + again + b"}"),
    }


def deployments(size: int) -> dict[str, bytes]:
    """Return triggers of a size that break the schema."""
    size -= 200
    settings = {
        "a percentage": {"batch_size": "1" * size + "%"},
        "a percentage with dots": {"batch_size": "1." * (size // 2)},
        "waves": {"waves": [1] * (size // 3)},
        "a spread": {"spread_by": "a." * (size // 2)},
        "an order": {"order": "n" * size},
    }
    return {
        "a version": json.dumps({"code_version": "x" * size, "labels": {}}).encode(),
        "a selector": json.dumps({"code_version": "1", "selector": "a," * (size // 2)}).encode(),
        "conditions": json.dumps({"code_version": "1", "selector": "a," * 4999}).encode(),
        "a condition": json.dumps({"code_version": "1", "selector": "a in (" + "b," * 4990 + ")"}).encode(),
        "blanks in a selector": json.dumps({"code_version": "1", "selector": "a" + " " * 9990 + "b"}).encode(),
        **{
            name: json.dumps({"code_version": "1", "labels": {}, "configuration": setting}).encode()
            for name, setting in settings.items()
        },
    }


def heads() -> dict[str, bytes]:
    """Return requests whose heads break a limit, or keep to all of them only just."""
    head = b"GET / HTTP/1.1\r\nHost: x\r\n"
    chunked = b"POST /inventory/register HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    comes_back = "HX-Current-URL: http://x/" + "%e9" * 20_000
    return {
        "a header without an end": head + b"x: " + filled(MIB, b"x"),
        "header lines without an end": head + filled(2 * MIB, b"x:\r\n"),
        "a target without an end": b"GET /" + filled(MIB, b"x"),
        "zeroes": filled(MIB, b"\x00"),
        "chunks of a byte": chunked + filled(MIB, b"1\r\nx\r\n"),
        "cookies": request("GET", "/deploy", None, b"", "Cookie: " + ";" * 60_000),
        "fewer cookies": request("GET", "/deploy", None, b"", "Cookie: " + ";" * 16_000),
        "a session": request("GET", "/deploy", None, b"", "Cookie: dides-session=" + "." * 16_000),
        "a credential": request("GET", "/deploy", "x" * 60_000),
        "slashes": request("GET", "/" * 8000, None),
        "parts of a path": request("GET", "/a" * 4000, None),
        "escapes in a path": request("GET", "/" + "%41" * 2700, None),
        "parameters": request("GET", "/events?" + "a&" * 4000, None),
        "parameters of a sign-in": request("PUT", "/ui/login?" + "a&" * 4000, None),
        "a name": request("PATCH", "/inventory/instances/" + "a." * 4000, None),
        "a page to come back to": request("POST", "/ui/deploy", None, b"", "HX-Request: 1", comes_back),
    }


def without_credential() -> dict[str, bytes]:
    """Return requests that anybody may send."""
    registers = {**bodies(64 * KIB), **registrations(64 * KIB), **registrations(64 * KIB, "another token")}
    sign_ins = {
        "fields of a sign-in": request("POST", LOGIN, None, filled(8 * KIB, b"a&"), FORM),
        "escapes of a sign-in": request("POST", LOGIN, None, b"token=" + filled(8 * KIB - 9, b"%41"), FORM),
        "parts of a sign-in": request(
            "POST", LOGIN, None, filled(8 * KIB - 8, b"--x\r\n\r\n\r\n") + b"--x--\r\n", MULTIPART
        ),
    }
    too_large = {
        "a heartbeat": request("PATCH", WEB, None, filled(MIB, b"x")),
        "a deployment": request("POST", "/deploy", None, filled(MIB, b"x")),
        "a registration": request("POST", REGISTER, None, filled(MIB, b"x")),
        "a sign-in": request("POST", LOGIN, None, filled(MIB, b"x"), FORM),
        "another form": request("POST", "/ui/deploy", None, filled(MIB, b"a&"), FORM),
    }
    return {
        **heads(),
        **sign_ins,
        **{f"a mebibyte of {name}": sent for name, sent in too_large.items()},
        **{f"a registration of {name}": request("POST", REGISTER, None, body) for name, body in registers.items()},
    }


def with_credential(own: str, operator: str) -> dict[str, bytes]:
    """Return requests of those who have a credential."""
    heartbeats = {**bodies(MIB), "a message": json.dumps({"message": "\0" * (MIB // 7)}).encode()}
    triggers = {**bodies(MIB), **deployments(MIB)}
    return {
        **{f"a heartbeat of {name}": request("PATCH", WEB, own, body) for name, body in heartbeats.items()},
        **{f"a trigger of {name}": request("POST", "/deploy", operator, body) for name, body in triggers.items()},
    }
