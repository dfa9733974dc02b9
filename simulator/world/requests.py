"""The doors of a coordinator, as the API opens them: who asks is checked, bodies are encoded and decoded."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias, TypeVar

import msgspec

from dides.coordinator.coordinator import Coordinator
from dides.coordinator.credentials import hash_of
from dides.coordinator.transactions.brake import Converging
from dides.coordinator.transactions.commands import DeployCommand, Key
from dides.model.actor import OPERATOR
from dides.model.deployment import Deployment
from dides.model.errors import ConflictError, ForbiddenError, GoneError, NotFoundError, UnauthorizedError
from dides.model.instance import InstanceSummary
from dides.model.selector import parse_selector
from dides.model.state import State
from dides.protocol.messages import Directive, Heartbeat, InstanceSpec
from dides.store.interface import Transaction
from simulator.base.scenario import PlannedOrder
from simulator.checker.acknowledged import Promises

T = TypeVar("T")
Door: TypeAlias = Callable[[Coordinator], Awaitable[T]]


class Doors:
    """Makes the requests of instances and operators. What is answered with success is kept as a promise."""

    def __init__(self, promises: Promises) -> None:
        self._promises = promises

    def register(self, spec: InstanceSpec, credential: str | None) -> Door[str]:
        """Register; the answer is the new credential."""

        async def enter(coordinator: Coordinator) -> str:
            _, given = await coordinator.register(_over_the_wire(spec), credential)
            self._promises.registered(spec.name, hash_of(given))
            return given

        return enter

    def heartbeat(self, name: str, credential: str, heartbeat: Heartbeat) -> Door[Directive]:
        """Send a heartbeat."""

        async def enter(coordinator: Coordinator) -> Directive:
            await self._check_is(coordinator, name, credential)
            received = _over_the_wire(heartbeat)
            summary = coordinator.instance_cache.get(name)
            if summary is not None and coordinator.accept_unchanged(summary, received):
                self._promises.heard_again(name, received)
                return _directive(summary, coordinator)
            heard = self._promises.arrives(name, received)
            try:
                taking = coordinator.ingest(summary, received) if summary else coordinator.heartbeat(name, received)
                summary = await _still_there(taking)
                self._promises.taken_in(heard)
            finally:
                self._promises.over(heard)
            return _directive(summary, coordinator)

        return enter

    def desired(self, name: str, credential: str, generation: int, wait: float) -> Door[Directive]:
        """Hold a blocking query."""

        async def enter(coordinator: Coordinator) -> Directive:
            await self._check_is(coordinator, name, credential)
            return _directive(
                await _still_there(coordinator.queries.wait_for_change(name, generation, wait)), coordinator
            )

        return enter

    def trigger(self, planned: PlannedOrder, key: str) -> Door[int]:
        """Trigger a deployment under an idempotency key; the answer is its id."""
        command = _command(planned)
        body = hashlib.sha256(msgspec.json.encode(planned)).digest()

        async def enter(coordinator: Coordinator) -> int:
            triggered = await coordinator.trigger(command, Key(key, body))
            self._promises.triggered(key, triggered.deployment.id)
            return triggered.deployment.id

        return enter

    def act(self, action: str, *, rollback: bool = False, named: int | None = None) -> Door[Deployment]:
        """Pause, resume, promote, abort, roll back (perhaps one that is named), converge, or take one step by hand."""

        async def enter(coordinator: Coordinator) -> Deployment:
            deeds: Mapping[str, Callable[[], Awaitable[Deployment]]] = {
                "pause": lambda: coordinator.pause(OPERATOR),
                "resume": lambda: coordinator.resume(OPERATOR),
                "promote": lambda: coordinator.promote(OPERATOR),
                "abort": lambda: coordinator.abort(OPERATOR, rollback=rollback),
                "roll_back": lambda: self._roll_back(coordinator, named),
                "converge": lambda: _source(coordinator.resume_convergence(OPERATOR, named)),
                "progress": coordinator.progress,
            }
            with self._promises.asked(action):
                answer = await deeds[action]()
            self._promises.done(answer)
            return answer

        return enter

    async def _roll_back(self, coordinator: Coordinator, named: int | None) -> Deployment:
        try:
            return await coordinator.roll_back(OPERATOR, named)
        except ConflictError as error:
            self._promises.refused_to_undo(named, error.detail)
            raise

    def relabel(self, name: str, labels: Mapping[str, str]) -> Door[None]:
        """Replace an instance's labels."""

        async def enter(coordinator: Coordinator) -> None:
            await coordinator.relabel(name, dict(labels), OPERATOR)

        return enter

    def decommission(self, name: str, *, force: bool) -> Door[None]:
        """Remove an instance."""

        async def enter(coordinator: Coordinator) -> None:
            await coordinator.decommission(name, OPERATOR, force=force)
            self._promises.decommissioned(name)

        return enter

    async def _check_is(self, coordinator: Coordinator, name: str, credential: str) -> None:
        """Raise what the API raises for the credential of nobody, of somebody else, or of a decommissioned instance."""
        owner = await coordinator.read(lambda tx: _owner(tx, hash_of(credential)))
        if owner is None:
            raise UnauthorizedError("nobody has this credential")
        if owner != name:
            raise ForbiddenError(f"this is the credential of {owner}")


def _owner(tx: Transaction, credential: bytes) -> str | None:
    if owner := tx.inventory.owner_of(credential):
        return owner
    if tx.inventory.decommissioned(credential):
        raise GoneError("this instance was decommissioned")
    return None


def _over_the_wire(message: T) -> T:
    return msgspec.json.decode(msgspec.json.encode(message), type=type(message))


def _command(planned: PlannedOrder) -> DeployCommand:
    return DeployCommand(
        to=State(planned.code_version, planned.configuration_version),
        labels=dict(planned.labels),
        selector_text=None,
        selector=parse_selector("").and_labels(planned.labels),
        policy=planned.policy,
        actor=OPERATOR,
    )


async def _source(resuming: Awaitable[Converging]) -> Deployment:
    return (await resuming).source


async def _still_there(reading: Awaitable[InstanceSummary]) -> InstanceSummary:
    try:
        return await reading
    except NotFoundError as error:
        raise GoneError(error.detail) from error


def _directive(summary: InstanceSummary, coordinator: Coordinator) -> Directive:
    directive = Directive(
        name=summary.name,
        desired=summary.desired,
        generation=summary.generation,
        deployment_id=summary.assigned_by,
        update_needed=summary.update_needed,
        apply=summary.apply,
        heartbeat_interval=coordinator.interval_for(summary),
    )
    return _over_the_wire(directive)
