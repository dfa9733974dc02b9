"""What a deployment would do if it were triggered now: read in one transaction, and nothing is changed."""

from collections.abc import Sequence

import msgspec

from dides.coordinator.transactions.commands import DeployCommand, matched_by
from dides.engine.forecast import Circumstances, Forecast, forecast
from dides.model.instance import Matched
from dides.model.selector import Selector
from dides.store.interface import Transaction


def forecast_of(tx: Transaction, command: DeployCommand) -> Forecast:
    """Return what a command would do. InvalidError when nothing matches, as when it is triggered."""
    matched = matched_by(tx, command)
    in_flight = tx.deployments.in_flight()
    newest = tx.deployments.page(None, None, 1)
    around = Circumstances(
        whole_fleet=len(matched) == tx.inventory.count(Selector(), None),
        in_flight=in_flight.id if in_flight else None,
        next_id=newest[0].id + 1 if newest else 1,
    )
    return forecast(command.policy, command.to, _with_what_they_missed(tx, matched), around)


def _with_what_they_missed(tx: Transaction, matched: Sequence[Matched]) -> list[Matched]:
    """Return the instances with the desired states that some of them wait for: a version left out stays as in those."""
    missed = {
        waiting.instance.id: waiting.desired
        for source in tx.convergences.sources()
        for waiting in tx.convergences.waiting(source)
    }
    return [
        msgspec.structs.replace(instance, desired=missed.get(instance.id, instance.desired)) for instance in matched
    ]
