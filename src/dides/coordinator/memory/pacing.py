"""How often instances are asked to report now, and for how long one may be silent."""

from dides.coordinator.settings import Settings
from dides.engine.pacing import Pace, allowed_silence, pace_of
from dides.model.instance import Instance, InstanceSummary


class Pacing:
    """Follows the size of the fleet. An instance is held to the interval that it was told, not to a newer one."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._pace = self._earlier = self._pace_of(0, 0)
        self._until = 0.0

    def follow(self, reachable: int, awaited: int, now: float) -> None:
        """Take up how many instances are reachable, and awaited, at a time in seconds that never goes back."""
        pace = self._pace_of(reachable, awaited)
        if now >= self._until or pace.time_to_live > self._earlier.time_to_live:
            # What was told until a moment ago is acted on for as long as an instance may be silent.
            self._earlier, self._until = self._pace, now + self._pace.time_to_live
        self._pace = pace

    def interval_for(self, instance: InstanceSummary | Instance) -> float:
        """Return in how many seconds an instance is to report next."""
        return self._pace.updating if instance.awaited else self._pace.interval

    @property
    def interval(self) -> float:
        """The interval in seconds of an instance of which no news is awaited."""
        return self._pace.interval

    @property
    def allowed_ms(self) -> int:
        """For how many milliseconds any instance may be silent."""
        return round(allowed_silence(self._pace, self._earlier) * 1000)

    def _pace_of(self, reachable: int, awaited: int) -> Pace:
        settings = self._settings
        return pace_of(
            reachable,
            awaited,
            interval=settings.heartbeat_interval,
            time_to_live=settings.time_to_live,
            most=settings.max_heartbeats,
        )
