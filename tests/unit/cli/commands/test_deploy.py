import httpx2
import pytest
from msgspec import UNSET

from dides.cli.commands.deploy import RETRIES, make_request, read_target, trigger
from dides.cli.options.common import UsageError
from dides.client.errors import RefusedError, UnreachableError
from dides.protocol.messages import Configuration, DeployRequest
from support.fake_coordinator import FakeCoordinator, make_deployment, refuse

REQUEST = DeployRequest(code_version="1.1.0", labels={"env": "test"})


def test_no_selection_is_a_usage_error_that_says_what_to_write() -> None:
    with pytest.raises(UsageError, match=r"-l env=production.*--selector.*--all"):
        read_target(None, None, whole_fleet=False)


def test_all_means_labels_of_nothing() -> None:
    assert read_target(None, None, whole_fleet=True) == ({}, None)


def test_all_beside_a_selection_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="leave out"):
        read_target(["env=a"], None, whole_fleet=True)


def test_labels_and_selector_may_stand_alone_or_together() -> None:
    assert read_target(["env=a"], None, whole_fleet=False) == ({"env": "a"}, None)
    assert read_target(None, "!canary", whole_fleet=False) == (None, "!canary")
    assert read_target(["env=a"], "!canary", whole_fleet=False) == ({"env": "a"}, "!canary")


def test_a_request_leaves_out_what_was_not_given() -> None:
    request = make_request(None, "7", (None, "!canary"), Configuration())
    assert request == DeployRequest(configuration_version="7", selector="!canary", configuration=Configuration())
    assert request.code_version is UNSET
    assert request.labels is UNSET


def test_a_request_without_any_version_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="--config"):
        make_request(None, None, ({}, None), Configuration())


async def at_once(_: float) -> None:
    """Do not wait."""


async def test_a_trigger_is_tried_again_under_the_same_key() -> None:
    coordinator = FakeCoordinator()
    coordinator.triggered = make_deployment()
    coordinator.faults = [httpx2.ConnectError("refused"), refuse(503, "starting")]
    async with coordinator.client() as client:
        assert await trigger(client, REQUEST, sleep=at_once) == make_deployment()
    keys = {request.headers["Idempotency-Key"] for request in coordinator.sent("POST", "/deploy")}
    assert len(coordinator.requests) == 3
    assert len(keys) == 1


async def test_two_triggers_have_two_keys() -> None:
    coordinator = FakeCoordinator()
    coordinator.triggered = make_deployment()
    async with coordinator.client() as client:
        await trigger(client, REQUEST)
        await trigger(client, REQUEST)
    assert len({request.headers["Idempotency-Key"] for request in coordinator.requests}) == 2


async def test_a_trigger_that_never_gets_through_says_so() -> None:
    coordinator = FakeCoordinator()
    coordinator.faults = [httpx2.ConnectError("refused")] * (RETRIES + 1)
    async with coordinator.client() as client:
        with pytest.raises(UnreachableError, match="refused"):
            await trigger(client, REQUEST, sleep=at_once)
    assert len(coordinator.requests) == RETRIES + 1


async def test_a_refused_trigger_is_not_tried_again() -> None:
    coordinator = FakeCoordinator()
    coordinator.faults = [refuse(409, deployment_id=7)]
    async with coordinator.client() as client:
        with pytest.raises(RefusedError):
            await trigger(client, REQUEST, sleep=at_once)
    assert len(coordinator.requests) == 1
