"""The instances, and the targets of the newest deployment, in dictionaries; the two share their numbers."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Self

from msgspec.structs import replace

from dides.model.deployment import Target, TargetState
from dides.model.instance import Instance
from dides.model.plan import Candidate
from dides.model.state import State, Status, known
from dides.rehearsal.pending_queue import Line
from dides.rehearsal.timers import Timers


class Books:
    """Keeps who waits, who is updating and until when, at a cost that grows neither with the fleet nor the window."""

    def __init__(self, instances: Iterable[Instance]) -> None:
        self.instances = {instance.id: instance for instance in instances}
        self.targets: dict[int, Target] = {}
        self.updating: dict[int, None] = {}
        self.marked: dict[int, None] = {}
        """The targets of which a report calls for a verdict that no step has given yet."""
        self.put_off: dict[int, None] = {}
        """The pending targets that were unreachable when their turn came, and have not returned."""
        self._line = Line()
        self._ill = Line()
        """Those in line of which the instance is not HEALTHY."""
        self._timers = Timers()
        self._last_position = 0

    def copy(self) -> Self:
        """Return books that go their own way from here; frozen values are shared."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        for name in ("instances", "targets", "updating", "marked", "put_off", "_line", "_ill", "_timers"):
            setattr(other, name, getattr(self, name).copy())
        return other

    def _line_up(self, targets: Sequence[Target]) -> None:
        """Make these the targets, in this order."""
        for held in (self.put_off, self.updating, self.marked, self._timers):
            held.clear()
        self.targets = {target.id: target for target in targets}
        self._last_position = len(targets)
        self._line.form(targets)
        self._ill.form(target for target in targets if not self._is_healthy(target))

    def _clear_line(self) -> None:
        """Let nobody wait any more."""
        self._line.form(())
        self._ill.form(())

    def _join_line(self, target: Target) -> None:
        """Let a pending target wait at its position."""
        self._line.join(target)
        if not self._is_healthy(target):
            self._ill.join(target)

    def _leave_line(self, target: Target) -> None:
        """Let a waiting target go: it is told, or put off."""
        self._line.leave(target)
        if not self._is_healthy(target):
            self._ill.leave(target)

    def _follow_health(self, number: int, before: Status) -> None:
        """Keep who in line is not HEALTHY, when the status of an instance was `before`."""
        target = self.targets.get(number)
        if target is None or target.state is not TargetState.PENDING or target.deferred:
            return
        was, healthy = before is Status.HEALTHY, self._is_healthy(target)
        if was and not healthy:
            self._ill.join(target)
        elif healthy and not was:
            self._ill.leave(target)

    def _is_healthy(self, target: Target) -> bool:
        return self.instances[target.id].status is Status.HEALTHY

    def _set(self, target: Target) -> None:
        """Write a target, and remember what it waits for."""
        number = target.id
        before, self.targets[number] = self.targets[number], target
        if _wait_alike(target, before):
            return
        self._timers.put(number, target.due_at)
        if target.state is TargetState.UPDATING:
            self.updating[number] = None
        else:
            self.updating.pop(number, None)

    def _set_desired(self, number: int, desired: State | None, assigned_by: int) -> int:
        """Set an instance's desired state, and return its new generation."""
        before = self.instances[number]
        generation = before.generation + 1
        self.instances[number] = replace(before, desired=known(desired), generation=generation, assigned_by=assigned_by)
        return generation

    def _set_last_good(self, number: int, good: State | None) -> None:
        self.instances[number] = replace(self.instances[number], last_good=good)

    def _put_off(self, number: int) -> None:
        """Move a pending target to the end of the order, out of the candidates' sight."""
        self._leave_line(self.targets[number])
        self._last_position += 1
        self.put_off[number] = None
        self._set(replace(self.targets[number], deferred=True, position=self._last_position))

    def _take_back(self, number: int) -> None:
        """Let a target that was put off wait in the line again, at the place that it has now."""
        del self.put_off[number]
        self._set(replace(self.targets[number], deferred=False))
        self._join_line(self.targets[number])

    def _shown(self, numbers: Iterable[int]) -> tuple[Target, ...]:
        """Return targets as a step is shown them: with how their instances are now."""
        return tuple(
            replace(self.targets[number], reachable=instance.reachable, status=instance.status)
            for number in numbers
            for instance in (self.instances[number],)
        )

    def _first_in_line(self, limit: int, of_each: Mapping[str, int] | None) -> tuple[Candidate, ...]:
        """Return the next candidates in order, up to `limit`; with `of_each` up to so many of each of these values."""
        return self._candidates(self._line.first(limit, of_each))

    def _unhealthy(self, limit: int) -> tuple[Candidate, ...]:
        """Return up to `limit` of those in line that are not HEALTHY, the first in order."""
        return self._candidates(self._ill.first(limit, None))

    def _candidates(self, numbers: Iterable[int]) -> tuple[Candidate, ...]:
        return tuple(Candidate(self.targets[number], self.instances[number]) for number in numbers)


def _wait_alike(one: Target, other: Target) -> bool:
    """Tell whether two versions of a target are both updating, or both not, and wait for the same timers."""
    return (
        one.state is other.state
        and one.healthy_at == other.healthy_at
        and one.deadline_at == other.deadline_at
        and one.retry_at == other.retry_at
    )
