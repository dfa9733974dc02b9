"""A coordinator of a few lines, at the client's transport: it answers from lists that a test fills."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx2
import msgspec

from dides.client.operator import OperatorClient
from dides.model.deployment import DeploymentStatus, Kind, TargetState
from dides.model.state import NOTHING, State, Status
from dides.protocol.forecast import Forecast
from dides.protocol.messages import (
    Configuration,
    Convergence,
    Convergences,
    Deployment,
    DeploymentPage,
    Event,
    EventPage,
    Instance,
    InstancePage,
    Problem,
    Progress,
    Target,
    TargetPage,
    Wave,
)

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
Answer = Callable[[httpx2.Request], httpx2.Response]


def make_progress(
    *, pending: int = 0, updating: int = 0, succeeded: int = 0, failed: int = 0, skipped: int = 0
) -> Progress:
    return Progress(
        total=pending + updating + succeeded + failed + skipped,
        pending=pending,
        updating=updating,
        succeeded=succeeded,
        failed=failed,
        skipped=skipped,
    )


def make_deployment(
    deployment_id: int = 42,
    status: DeploymentStatus = DeploymentStatus.RUNNING,
    progress: Progress | None = None,
    *,
    reason: str = "",
    held_by: str | None = None,
    rollback_of: int | None = None,
    rolled_back_by: int | None = None,
    configuration: Configuration | None = None,
    wave: Wave | None = None,
) -> Deployment:
    final = status not in (DeploymentStatus.RUNNING, DeploymentStatus.PAUSED)
    return Deployment(
        id=deployment_id,
        kind=Kind.DEPLOY if rollback_of is None else Kind.ROLLBACK,
        rollback_of=rollback_of,
        status=status,
        reason=reason,
        code_version="1.1.0" if rollback_of is None else None,
        configuration_version=None,
        labels={"env": "test"},
        selector=None,
        configuration=configuration or Configuration(batch_size=2),
        progress=progress or make_progress(pending=3, updating=2),
        wave=wave,
        held_by=held_by,
        rolled_back_by=rolled_back_by,
        withdrawn=rolled_back_by is not None,
        created_at=NOON,
        finished_at=NOON + timedelta(seconds=90) if final else None,
        created_by="operator",
    )


COMPLETED = make_deployment(status=DeploymentStatus.COMPLETED, progress=make_progress(succeeded=5))
FAILED = make_deployment(
    status=DeploymentStatus.FAILED,
    progress=make_progress(failed=1, skipped=4),
    reason="1 of 5 failed: the limit is 1",
    rolled_back_by=43,
)
ABORTED = make_deployment(status=DeploymentStatus.ABORTED, progress=make_progress(succeeded=1, skipped=4))
ROLLBACK = make_deployment(43, status=DeploymentStatus.COMPLETED, progress=make_progress(succeeded=1), rollback_of=42)


def make_instance(
    name: str = "web-1",
    status: Status = Status.HEALTHY,
    *,
    current: State = NOTHING,
    desired: State | None = None,
    message: str = "",
    reachable: bool = True,
    converging: bool = False,
) -> Instance:
    return Instance(
        name=name,
        ip="10.0.0.1",
        labels={"env": "test"},
        status=status,
        current=current,
        desired=desired,
        generation=1,
        message=message,
        registered_at=NOON,
        last_heartbeat_at=NOON,
        reachable=reachable,
        converging=converging,
    )


def make_target(
    instance: str = "web-1",
    state: TargetState = TargetState.UPDATING,
    *,
    reason: str = "",
    message: str = "",
    assigned_at: datetime | None = NOON,
    attempt: int = 1,
) -> Target:
    final = state in (TargetState.SUCCEEDED, TargetState.FAILED)
    return Target(
        instance=instance,
        state=state,
        reason=reason,
        message=message,
        from_=State("1.0.0"),
        to=State("1.1.0"),
        attempt=attempt,
        assigned_at=assigned_at,
        finished_at=NOON + timedelta(seconds=3) if final else None,
    )


def answer(body: msgspec.Struct | None, status: int = 200) -> httpx2.Response:
    return httpx2.Response(status, content=b"" if body is None else msgspec.json.encode(body))


def refuse(status: int, detail: str = "", *, deployment_id: int | None = None) -> httpx2.Response:
    problem = Problem(
        type="about:blank", title=f"Refused {status}", status=status, detail=detail, deployment_id=deployment_id
    )
    return answer(problem, status)


class FakeCoordinator:
    """Answers as a coordinator would. Each deployment is a list of how it looks at one question after another."""

    def __init__(self) -> None:
        self.instances: list[Instance] = []
        self.events: list[Event] = []
        self.deployments: dict[int, list[Deployment]] = {}
        self.targets: dict[int, list[Target]] = {}
        self.triggered: Deployment | None = None
        self.convergences: list[Convergence] = []
        self.undoable: Deployment | None = None
        """What a rollback would undo."""
        self.forecast: Forecast | None = None
        self.action: httpx2.Response | None = None
        """The answer to every POST but the trigger and the plan."""
        self.faults: list[httpx2.Response | Exception] = []
        """What happens to the next requests instead of an answer, in this order."""
        self.look: Callable[[], None] = lambda: None
        """Called before the targets of a deployment are read."""
        self.requests: list[httpx2.Request] = []

    @property
    def transport(self) -> httpx2.MockTransport:
        return httpx2.MockTransport(self.handle)

    def client(self) -> OperatorClient:
        return OperatorClient("http://coordinator.test", "secret", transport=self.transport)

    def sent(self, method: str, path: str) -> list[httpx2.Request]:
        return [request for request in self.requests if (request.method, request.url.path) == (method, path)]

    def bodies(self, method: str, path: str) -> list[object]:
        return [json.loads(request.content) for request in self.sent(method, path)]

    def handle(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        if self.faults:
            fault = self.faults.pop(0)
            if isinstance(fault, Exception):
                raise fault
            return fault
        parts = request.url.path.strip("/").split("/")
        return self._post(parts) if request.method == "POST" else self._read(request, parts)

    def _post(self, parts: list[str]) -> httpx2.Response:
        if parts == ["deploy"]:
            return answer(self.triggered, 201) if self.triggered else refuse(422, "no instance matches")
        if parts == ["deploy", "plan"]:
            return answer(self.forecast) if self.forecast else refuse(422, "no instance matches")
        return self.action or refuse(404, "nothing is in flight")

    def _read(self, request: httpx2.Request, parts: list[str]) -> httpx2.Response:
        match parts:
            case ["inventory", "instances"]:
                found = self._matching(request)
                return answer(InstancePage(instances=found, count=len(found), next_cursor=None))
            case ["inventory", "instances", name]:
                return self._instance(request, name)
            case ["converge"] | ["deploy", *_]:
                return self._to_be_acted_on(parts)
            case ["deployments"]:
                newest = sorted((d[0] for d in self.deployments.values()), key=lambda d: -d.id)
                return answer(DeploymentPage(deployments=newest, next_cursor=None))
            case ["deployments", number]:
                return self._deployment(int(number))
            case ["deployments", number, "instances"]:
                self.look()
                state = request.url.params.get("state")
                targets = [t for t in self.targets.get(int(number), []) if state in (None, t.state)]
                return answer(TargetPage(instances=targets, next_cursor=None))
            case ["events"] | ["deployments", _, "events"]:
                return answer(EventPage(events=self.events[::-1], next_cursor=None))
        return refuse(404, f"no such path: {request.url.path}")

    def _to_be_acted_on(self, parts: list[str]) -> httpx2.Response:
        if parts == ["converge"]:
            return answer(Convergences(sources=self.convergences))
        if parts == ["deploy", "rollback"]:
            return answer(self.undoable) if self.undoable else refuse(409, "nothing can be undone")
        flying = [d[0] for d in self.deployments.values() if d[0].finished_at is None]
        return answer(flying[0]) if flying else refuse(404, "nothing is in flight")

    def _matching(self, request: httpx2.Request) -> list[Instance]:
        status = request.url.params.get("status")
        only = request.url.params.get("duplicated") == "true"
        found = [instance for instance in self.instances if status in (None, str(instance.status.value))]
        return [instance for instance in found if instance.duplicated or not only]

    def _instance(self, request: httpx2.Request, name: str) -> httpx2.Response:
        found = [instance for instance in self.instances if instance.name == name]
        if not found:
            return refuse(404, f"no instance {name}")
        if request.method == "DELETE":
            self.instances.remove(found[0])
            return httpx2.Response(204)
        return answer(found[0])

    def _deployment(self, deployment_id: int) -> httpx2.Response:
        script = self.deployments.get(deployment_id)
        if not script:
            return refuse(404, f"no deployment {deployment_id}")
        return answer(script.pop(0) if len(script) > 1 else script[0])
