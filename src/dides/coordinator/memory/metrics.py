"""What is known here of rollouts, from what units of work return: for metrics, so that nobody asks the store for it."""

from collections import Counter

from dides.coordinator.transactions.step import Stepped
from dides.model.deployment import Deployment, DeploymentStatus, Kind
from dides.runtime.histogram import Histogram


class Rollouts:
    """Counts since the start, and the deployment in flight as the newest unit of work here has seen it.

    Others bring deployments on as well, where several coordinators share a database: this one sees that at its next
    step, at the latest after the reconcile interval.
    """

    def __init__(self) -> None:
        self.in_flight: Deployment | None = None
        self.ended: Counter[tuple[Kind, DeploymentStatus]] = Counter()
        """Deployments that have ended by a unit of work of this coordinator."""
        self.assigned = 0
        """How often an instance's desired state was set by steps, and by what operators do with deployments."""
        self.steps = Histogram()
        """Seconds that the steps took of which there was something in flight, with the wait for the writer."""
        self.failed = 0
        """Steps that could not be taken, because the store was away."""

    def note(self, stepped: Stepped | None) -> None:
        """Take up what a unit of work did; None: it found nothing in flight."""
        self.in_flight = stepped.in_flight if stepped else None
        if stepped:
            self.assigned += len(stepped.assigned)
            self.ended.update((deployment.kind, deployment.status) for deployment in stepped.ended)

    def step_taken(self, stepped: Stepped | None, seconds: float) -> None:
        """Take up what a step did, and how long it took."""
        self.note(stepped)
        if stepped:
            self.steps.observe(seconds)
