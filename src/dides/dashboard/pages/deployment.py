"""The page of one deployment: how far it is, its timeline, and what an operator can do about it."""

from collections import Counter
from typing import Any

import msgspec
from litestar import MediaType, Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect

from dides.api.dependencies import DeploymentId, Sender, Services
from dides.api.serializers import deployment_view, target_view
from dides.coordinator.coordinator import Coordinator
from dides.coordinator.transactions.action_preview import preview_of, why_not_now
from dides.dashboard.guard import Browser
from dides.dashboard.pages import timeline
from dides.dashboard.render import render
from dides.model.deployment import Deployment, Kind, Target, TargetState
from dides.model.errors import NotFoundError
from dides.protocol.action_preview import Action
from dides.store.interface import Transaction
from dides.text.action_preview import DANGEROUS, NAMES, consequences, question
from dides.text.format import state
from dides.text.hold_reasons import hold_of
from dides.text.policy import policy_facts, wave_facts

PATH = "/ui/deployments/{id:str}"
MOST_FAILURES = 20
"""How many failed targets are listed with their messages; the table below has the others."""
MOST_FROM = 1000
"""How many targets are looked at for what the instances ran before."""


@get(PATH)
async def page(request: Browser, deployment_id: DeploymentId, coordinator: Services) -> Response[str]:
    """Show a deployment."""
    context = await coordinator.read(lambda tx: {**_summary(tx, deployment_id), **_befores(tx, deployment_id)})
    return render(request, "deployment.html", **context, policy=policy_facts(context["record"]))


@get(f"{PATH}/summary")
async def summary(request: Browser, deployment_id: DeploymentId, coordinator: Services) -> Response[str]:
    """Show the part of the page that changes while the deployment is in flight."""
    return render(request, "parts/deployment.html", **await coordinator.read(lambda tx: _summary(tx, deployment_id)))


@get(f"{PATH}/timeline.json")
async def timeline_json(request: Browser, deployment_id: DeploymentId, coordinator: Services) -> Response[bytes]:
    """Return the targets for the chart: all, or those of the instances in `names`."""
    names = [name for name in request.query_params.get("names", "").split(",") if name.isprintable() and name]
    found = await coordinator.read(lambda tx: _timeline(tx, existing(tx, deployment_id), names))
    return Response(msgspec.json.encode(found), media_type=MediaType.JSON)


@get(f"{PATH}/confirm/{{action:str}}")
async def confirm(
    request: Browser, deployment_id: DeploymentId, action: FromPath[str], coordinator: Services
) -> Response[str]:
    """Say what an action would do, and ask."""
    wanted = _action(action)
    context = await coordinator.read(lambda tx: _question(tx, deployment_id, wanted))
    return render(request, "parts/confirm.html", **context, dangerous=wanted in DANGEROUS)


@post(f"{PATH}/{{action:str}}")
async def act(
    request: Browser, deployment_id: DeploymentId, action: FromPath[str], principal: Sender, coordinator: Services
) -> Response[Any]:
    """Do it, and show the deployment that is to be looked at next."""
    begun = await _do(coordinator, _action(action), principal.name, deployment_id)
    onward = f"/ui/deployments/{begun.rolled_back_by or begun.id}"
    if request.headers.get("hx-request"):
        return Response(b"", status_code=200, headers={"HX-Redirect": onward})
    return Redirect(onward, status_code=303)


def existing(tx: Transaction, deployment_id: int) -> Deployment:
    """Return a deployment by id; NotFoundError."""
    if found := tx.deployments.get(deployment_id):
        return found
    raise _unknown(deployment_id)


def _unknown(deployment_id: int) -> NotFoundError:
    return NotFoundError(f"There is no deployment {deployment_id}. The page Deployments lists what there is.")


async def _do(coordinator: Coordinator, action: Action, actor: str, expected_id: int) -> Deployment:
    match action:
        case Action.PAUSE:
            return await coordinator.pause(actor, expected_id)
        case Action.RESUME:
            return await coordinator.resume(actor, expected_id)
        case Action.PROMOTE:
            return await coordinator.promote(actor, expected_id)
        case Action.ROLL_BACK:
            return await coordinator.roll_back(actor, expected_id)
        case Action.ABORT | Action.ABORT_AND_ROLL_BACK:
            return await coordinator.abort(
                actor, rollback=action is Action.ABORT_AND_ROLL_BACK, expected_id=expected_id
            )


def _action(name: str) -> Action:
    if name in set(Action):
        return Action(name)
    raise NotFoundError(f"There is no action {name[:80]}; a deployment has: {', '.join(Action)}.")


def _summary(tx: Transaction, deployment_id: int) -> dict[str, Any]:
    record = existing(tx, deployment_id)
    # To find that there are none, the store would go through all the targets.
    failed = tx.targets.page(deployment_id, TargetState.FAILED, 0, MOST_FAILURES) if record.counts.failed else []
    return {
        "record": record,
        "deployment": deployment_view(record),
        "progress": deployment_view(record).progress,
        "title": title_of(record),
        "hold": hold_of(record),
        "waves": wave_facts(record),
        "failures": [target_view(target) for target in failed],
        "actions": [action for action in Action if _why_not(tx, action, record) is None],
        "dangerous": DANGEROUS,
        "buttons": NAMES,
    }


def title_of(deployment: Deployment) -> str:
    """Return what a deployment rolls out, or what it undoes."""
    if deployment.rollback_of is not None:
        return f"rollback of deployment {deployment.rollback_of}"
    return state(deployment.to)


def _why_not(tx: Transaction, action: Action, deployment: Deployment) -> str | None:
    """Return why a page offers no such button: what is in flight is rolled back together with its abort."""
    if action is Action.ROLL_BACK and deployment.in_flight and deployment.kind is Kind.DEPLOY:
        return f"Deployment {deployment.id} is in flight: abort it, and roll it back with that."
    return why_not_now(tx, action, deployment)


def _befores(tx: Transaction, deployment_id: int) -> dict[str, Any]:
    """Return what the instances ran before, the commonest first, how many of them did, and how many were looked at."""
    found = tx.targets.page(deployment_id, None, 0, MOST_FROM)
    return {"befores": Counter(_before(target) for target in found).most_common(), "looked_at": len(found)}


def _before(target: Target) -> str:
    return state(target.before, "nothing known")


def _timeline(tx: Transaction, deployment: Deployment, names: list[str]) -> timeline.Timeline:
    return timeline.some(tx, deployment, names) if names else timeline.whole(tx, deployment)


def _question(tx: Transaction, deployment_id: int, action: Action) -> dict[str, Any]:
    record = existing(tx, deployment_id)
    context = {"id": deployment_id, "action": action, "refusal": _why_not(tx, action, record), "button": NAMES[action]}
    if context["refusal"]:
        return context
    found = preview_of(tx, action, record)
    return {**context, "question": question(found), "consequences": consequences(found)}


handlers = [page, summary, timeline_json, confirm, act]
