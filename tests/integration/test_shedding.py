"""A real server that sheds load: heartbeats are refused on their connection, which goes on being good for more."""

from contextlib import AsyncExitStack
from pathlib import Path

from dides.api.fastpath.asgi import FastPath
from dides.api.fastpath.fair_queue import FairQueue
from dides.api.fastpath.load_shedding import Overload
from dides.api.fastpath.protocol import answering_connection
from support.app import OPERATOR, running_app, until
from support.serving import request, serving

WEB = "/inventory/instances/web-1"
HEALTHY = b'{"status":1}'


async def test_a_connection_outlives_what_was_refused_on_it(tmp_path: Path) -> None:
    overload = Overload(most=0)
    async with AsyncExitStack() as stack:
        app = await stack.enter_async_context(running_app(tmp_path, overload=overload))
        assert isinstance(app.asgi, FastPath)
        server = await stack.enter_async_context(serving(app.asgi, answering_connection(app.asgi)))
        own = await app.register("web-1")
        wire = await server.wire()
        beat, unusual = request("PATCH", WEB, own, HEALTHY), request("PATCH", WEB, own, HEALTHY, "Pad:x")
        assert (await wire.ask(beat)).status == 200
        overload.shedding = True
        for _ in range(3):
            answer = await wire.ask(beat)
            assert (answer.status, b"retry-after: 1\r\n" in answer.head) == (429, True)
            assert b"urn:dides:problem:busy" in answer.body
        assert (await wire.ask(request("GET", "/deploy", OPERATOR))).status == 404, "operators are served"
        assert (await wire.ask(unusual)).status == 429, "what is not plain finds its refusal in the handler"
        wire.send(beat + beat)
        assert [(await wire.answer()).status for _ in range(2)] == [429, 429], "and so do two at once"
        assert (await wire.ask(request("PATCH", "/inventory/instances/nobody", own, b"{}"))).status == 403
        assert (await wire.ask(request("PATCH", WEB, "nobody's", b"{}"))).status == 401, (
            "a credential is looked at first"
        )
        overload.shedding = False
        assert (await wire.ask(beat)).status == 200


async def test_who_waits_in_line_is_answered_who_finds_it_full_is_not_and_who_is_awaited_does_not_wait(
    tmp_path: Path,
) -> None:
    overload = Overload()
    overload.fair_queue = FairQueue(most=0, longest=1)
    async with AsyncExitStack() as stack:
        app = await stack.enter_async_context(running_app(tmp_path, overload=overload))
        assert isinstance(app.asgi, FastPath)
        server = await stack.enter_async_context(serving(app.asgi, answering_connection(app.asgi)))
        credentials = {name: await app.register(name, env=name) for name in ("web-1", "web-2", "web-3")}
        await app.deploy("2", labels={"env": "web-3"})
        first, second, third = [await server.wire() for _ in range(3)]

        def beat(name: str) -> bytes:
            return request("PATCH", f"/inventory/instances/{name}", credentials[name], HEALTHY)

        first.send(beat("web-1"))
        await until(lambda: overload.fair_queue.waiting == 1)
        answer = await second.ask(beat("web-2"))
        assert (answer.status, b"retry-after: 1\r\n" in answer.head) == (429, True)
        assert (await third.ask(beat("web-3"))).status == 200, "it is awaited"
        assert (await second.ask(request("PATCH", WEB, "nobody's", b"{}"))).status == 401, "the routes have the words"
        overload.fair_queue._most = 1
        overload.fair_queue._turn_over()
        assert (await first.answer()).status == 200
        assert overload.shed == 1
