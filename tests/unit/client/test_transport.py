"""One exchange with the coordinator: every kind of answer, and what can never be answered."""

import httpx2
import pytest

from dides.client.errors import RefusedError, UnreachableError
from dides.client.operator import OperatorClient
from dides.client.transport import Transport

SERVER = "http://coordinator.test"


def answering(status: int, body: str, **headers: str) -> OperatorClient:
    response = httpx2.Response(
        status, text=body, headers={name.replace("_", "-"): each for name, each in headers.items()}
    )
    return OperatorClient(SERVER, "token", transport=httpx2.MockTransport(lambda _: response))


@pytest.mark.parametrize(
    "server", ["http://127.0.0.1:99999", "http://[::1", "ftp://coordinator.test", "coordinator.test", "http://", ""]
)
def test_an_unusable_url_is_said_at_once(server: str) -> None:
    with pytest.raises(UnreachableError, match="not a usable URL"):
        Transport(server)


@pytest.mark.parametrize("token", ["é", "a\nb"])
def test_an_unusable_token_is_said_at_once(token: str) -> None:
    with pytest.raises(UnreachableError, match="characters that no token has"):
        Transport(SERVER, token)


async def test_a_problem_document_is_a_refusal_that_names_fields() -> None:
    problem = '{"type": "t", "title": "No", "status": 422, "errors": [{"field": "labels", "message": "is needed"}]}'
    with pytest.raises(RefusedError, match="labels: is needed") as refused:
        await answering(422, problem).in_flight()
    assert refused.value.status == 422


async def test_an_overloaded_coordinator_is_unreachable_for_as_long_as_it_says() -> None:
    problem = '{"type": "t", "title": "Away", "status": 503}'
    with pytest.raises(UnreachableError, match="503: Away") as away:
        await answering(503, problem, Retry_After="7").in_flight()
    assert away.value.retry_after == 7


async def test_an_overloaded_coordinator_may_name_the_moment() -> None:
    problem = '{"type": "t", "title": "Too many requests", "status": 429}'
    headers = {"Date": "Wed, 21 Oct 2026 07:28:00 GMT", "Retry_After": "Wed, 21 Oct 2026 07:28:09 GMT"}
    with pytest.raises(UnreachableError, match="429: Too many") as busy:
        await answering(429, problem, **headers).in_flight()
    assert busy.value.retry_after == 9


@pytest.mark.parametrize("status", [200, 404, 502])
async def test_an_answer_that_is_not_dides_is_no_answer(status: int) -> None:
    with pytest.raises(UnreachableError):
        await answering(status, "<html>a proxy's page</html>").in_flight()
