"""The table of requests that hold together the ways in which heartbeats and blocking queries may be answered."""

from collections.abc import Mapping
from typing import Any

import msgspec

from support.app import OPERATOR, App

INSTANCES = "/inventory/instances/"
WEB, DESIRED = f"{INSTANCES}web-1", f"{INSTANCES}web-1/desired"
OWN = "own credential"


class Case(msgspec.Struct, frozen=True):
    """One request; `first` are heartbeats that come before it, `deployed` whether web-1 has been told version 2."""

    method: str = "PATCH"
    path: str = WEB
    body: bytes = b"{}"
    credential: str | None = OWN
    headers: Mapping[str, str] = {}
    first: tuple[bytes, ...] = ()
    deployed: bool = False


def beat(body: str, *first: str, **fields: Any) -> Case:
    return Case(body=body.encode(), first=tuple(each.encode() for each in first), **fields)


def query(text: str, **fields: Any) -> Case:
    return Case(method="GET", path=f"{DESIRED}{text}", body=b"", **fields)


def _session(sequence: int, session: str = "9f86d081884c7d65", **more: object) -> str:
    said = {"code_version": "1", "status": 1, "session": session, "sequence": sequence, **more}
    return msgspec.json.encode(said).decode()


HEALTHY = '{"code_version":"1","status":1}'
CASES = {
    "alive": beat("{}"),
    "an empty body": beat(""),
    "blanks": beat("  \n"),
    "a first report": beat(HEALTHY),
    "the same again": beat(HEALTHY, HEALTHY),
    "alive after a report": beat("{}", HEALTHY),
    "another version": beat('{"code_version":"2"}', HEALTHY),
    "no version": beat('{"code_version":null}', HEALTHY),
    "a message": beat('{"status":2,"message":"caf\\u00e9 \\"x\\""}', HEALTHY),
    "failed twice": beat('{"status":3,"message":"x"}', '{"status":3,"message":"x"}'),
    "told, and has not read it": beat(HEALTHY, HEALTHY, deployed=True),
    "told, and there": beat('{"code_version":"2","status":1,"observed":1}', HEALTHY, deployed=True),
    "observed from the future": beat('{"observed":9007199254740992}', HEALTHY),
    "observed too large": beat('{"observed":9007199254740993}'),
    "observed negative": beat('{"observed":-1}'),
    "observed as text": beat('{"observed":"1"}'),
    "a session": beat(_session(1), HEALTHY),
    "the next of a session": beat(_session(2), _session(1)),
    "the same of a session again": beat(_session(2), _session(1), _session(2)),
    "late, and it would change much": beat(_session(1, status=3, message="late"), _session(2)),
    "late, and the same": beat(_session(1), _session(2)),
    "of an earlier session": beat(_session(8, status=3), _session(7), _session(1, "other")),
    "of a session, and told": beat(_session(2), _session(1), deployed=True),
    "a session alone": beat('{"session":"a"}'),
    "a number alone": beat('{"sequence":1}'),
    "a session that is empty": beat(_session(1, "")),
    "a session too long": beat(_session(1, "x" * 65)),
    "a session with a blank": beat(_session(1, "a b")),
    "a session as a number": beat('{"session":1,"sequence":1}'),
    "a session null": beat('{"session":null,"sequence":1}'),
    "number nought": beat(_session(0)),
    "the largest number": beat(_session(2**53)),
    "a number too large": beat(_session(2**53 + 1)),
    "a number beyond 64 bits": beat(_session(2**64)),
    "a number as text": beat('{"session":"a","sequence":"1"}'),
    "the operator's session": beat(_session(1), credential=OPERATOR),
    "a float for a status": beat('{"status":1.0}'),
    "status null": beat('{"status":null}'),
    "status unknown to us": beat('{"status":4}'),
    "status as text": beat('{"status":"1"}'),
    "status true": beat('{"status":true}'),
    "an unknown field": beat('{"statsu":1}'),
    "a field twice": beat('{"status":2,"status":1}', HEALTHY),
    "a list": beat("[]"),
    "a number": beat("1"),
    "null": beat("null"),
    "no JSON": beat('{"status":1'),
    "more than JSON": beat("{} {}"),
    "no UTF-8": Case(body=b'{"message":"\xff"}'),
    "a byte order mark": Case(body=b"\xef\xbb\xbf{}"),
    "half a surrogate": beat('{"message":"\\ud800"}'),
    "NUL in the message": beat('{"message":"a\\u0000b"}'),
    "a message too long": beat('{"message":"' + "x" * 2001 + '"}'),
    "a version too long": beat('{"code_version":"' + "x" * 129 + '"}'),
    "a version with a blank": beat('{"code_version":"1 2"}'),
    "deep": beat("[" * 5000 + "]" * 5000),
    "large": Case(body=b'{"message":"' + b"x" * 2_000_000 + b'"}'),
    "its labels": beat('{"labels":{"a":"b"}}'),
    "the operator's labels": beat('{"labels":{"a":"b"}}', credential=OPERATOR),
    "the operator's nothing": beat("{}", credential=OPERATOR),
    "the operator's report": beat(HEALTHY, credential=OPERATOR),
    "no credential": beat("{}", credential=None),
    "nobody's credential": beat("{}", credential="nobody's"),
    "another scheme": beat("{}", credential=None, headers={"Authorization": "Basic eDp5"}),
    "a bare credential": beat("{}", credential=None, headers={"Authorization": "Bearer"}),
    "a blank credential": beat("{}", credential=None, headers={"Authorization": "Bearer  "}),
    "nobody's instance": Case(path="/inventory/instances/nobody"),
    "the operator's nobody": Case(path="/inventory/instances/nobody", credential=OPERATOR),
    "another instance": Case(path="/inventory/instances/other"),
    "no name": Case(path="/inventory/instances/"),
    "no hostname": Case(path="/inventory/instances/WEB-1"),
    "an escaped name": Case(path="/inventory/instances/web%2D1"),
    "a slash behind": Case(path=f"{WEB}/"),
    "a parameter": Case(path=f"{WEB}?force=true"),
    "a lone question mark": Case(path=f"{WEB}?"),
    "another method": Case(method="PUT"),
    "HEAD": Case(method="HEAD", path=f"{DESIRED}?generation=0&wait=0", body=b""),
    "OPTIONS": Case(method="OPTIONS", body=b""),
    "a request id of ours": beat("{}", headers={"X-Request-ID": "abc-123"}),
    "a content type that is none": beat("{}", headers={"Content-Type": "text/plain"}),
    "asks": query("?generation=0&wait=0"),
    "asks what is known": query("?generation=0&wait=0.01"),
    "asks what is news": query("?generation=0&wait=60", deployed=True),
    "asks without waiting": query("?wait=0"),
    "asks the other way round": query("?wait=0&generation=0"),
    "asks with decimals": query("?generation=0&wait=0.000001"),
    "asks as an agent does": query("?generation=0&wait=0.45899306425086123"),
    "asks with too many decimals": query("?generation=0&wait=0.000000000000000001"),
    "asks too long": query("?generation=0&wait=61"),
    "asks a bit too long": query("?generation=0&wait=60.5"),
    "asks less than nothing": query("?generation=0&wait=-1"),
    "asks below nought": query("?generation=-1&wait=0"),
    "asks above all": query("?generation=9007199254740993&wait=0"),
    "asks twice": query("?generation=0&generation=0&wait=0"),
    "asks more": query("?generation=0&wait=0&x=1"),
    "asks for words": query("?generation=a&wait=b"),
    "asks with a sign": query("?generation=%2B1&wait=0"),
    "asks with other digits": query("?generation=%D9%A1&wait=0"),
    "asks as an operator": query("?generation=0&wait=0", credential=OPERATOR),
    "asks as nobody": query("?generation=0&wait=0", credential="x"),
    "asks for nobody": Case(method="GET", path="/inventory/instances/nobody/desired?generation=0&wait=0", body=b""),
}


class Asked(msgspec.Struct, frozen=True):
    """What a case comes down to for one instance."""

    path: str
    headers: Mapping[str, str]
    credential: str | None


async def prepared(app: App, case: Case, web: str) -> Asked:
    """Do what comes before a case for the instance `web`, which stands for web-1 in a fleet of its own."""
    own = await app.register(web, case=web)
    await app.register(f"other-than-{web}", case="other")
    for body in case.first:
        assert (await app.send("PATCH", f"{INSTANCES}{web}", content=body, credential=own)).status_code == 200
    if case.deployed:
        await app.deploy("2", labels={"case": web})
        assert (await app.send("POST", "/deploy/abort")).status_code == 200
        await app.deploy("2", labels={"case": web})
    return Asked(
        path=case.path.replace("web-1", web).replace("other", f"other-than-{web}"),
        headers={"X-Request-ID": "the-same-for-both", **case.headers},
        credential=own if case.credential == OWN else case.credential,
    )
