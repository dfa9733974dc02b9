"""The form that triggers a deployment, with its plan beside it."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import msgspec
from litestar import Response, get, post
from litestar.response import Redirect

from dides.api.access import Principal
from dides.api.dependencies import Sender, Services
from dides.api.deploy_request import command_of, key_of
from dides.api.routes.plans import forecast_view
from dides.coordinator.coordinator import Coordinator
from dides.dashboard.guard import TYPED, Browser
from dides.dashboard.origin import server_address
from dides.dashboard.pages.deploy_form import (
    NAMES,
    PACE,
    RARE,
    WHAT,
    Pairs,
    Typed,
    fields,
    in_form,
    in_words,
    is_missing,
    read,
    texts_in,
    texts_in_body,
)
from dides.dashboard.render import render
from dides.model.errors import InFlightError, InvalidError
from dides.protocol.decode import decode
from dides.protocol.forecast import Forecast
from dides.protocol.messages import Configuration, DeployRequest
from dides.text import plan
from dides.text.commands import curl_command, dides_command
from dides.text.format import selection, versions

PAGE = "/ui/deploy"


class Draft(msgspec.Struct, kw_only=True):
    """What a form comes to: a plan, or what is wrong with it."""

    typed: Typed | None = None
    forecast: Forecast | None = None
    problems: Mapping[str, str] = {}
    """What is wrong, by field."""
    missing: Mapping[str, str] = {}
    """What is not typed yet, by field."""
    error: InvalidError | None = None


def address_of(form: Pairs) -> str:
    """Return the address at which the form is filled in as it was sent, or as the question about it has it."""
    sent = dict(form.multi_items())
    texts = texts_in_body(str(sent["body"]).encode(errors="replace")) if "body" in sent else texts_in(form)
    typed = {name: text for name, text in texts.items() if text != fields()[name].default}
    return f"{PAGE}?{urlencode(typed)}" if typed else PAGE


@get(PAGE)
async def form(request: Browser) -> Response[str]:
    """Show the form, filled in as far as the query string says."""
    texts = {**{name: field.default for name, field in fields().items()}, **texts_in(request.query_params)}
    return render(request, "deploy.html", fields=fields(), texts=texts, what=WHAT, pace=PACE, rare=RARE)


@post(f"{PAGE}/preview", opt={TYPED: address_of})
async def preview(request: Browser, principal: Sender, coordinator: Services) -> Response[str]:
    """Say what would happen, as a part of the page; what is not typed yet is no mistake."""
    return _preview(request, await _draft(request, principal, coordinator))


@post(f"{PAGE}/confirm", opt={TYPED: address_of})
async def confirm(request: Browser, principal: Sender, coordinator: Services) -> Response[str]:
    """Say what will happen, and ask; a form that cannot be meant goes back to the page."""
    draft = await _draft(request, principal, coordinator)
    if draft.error:
        if not _is_part(request):
            raise draft.error
        draft.problems, draft.missing = {**draft.missing, **draft.problems}, {}
        shown = _preview(request, draft)
        shown.headers.update(
            {"HX-Retarget": "#preview", "HX-Reswap": "innerHTML", "HX-Trigger-After-Settle": "dides:unclear"}
        )
        return shown
    part = "parts/deploy_question.html" if _is_part(request) else "deploy_question_page.html"
    return render(request, part, **_plan(draft), key=str(uuid4()))


@post(PAGE, opt={TYPED: address_of})
async def trigger(request: Browser, principal: Sender, coordinator: Services) -> Response[Any]:
    """Trigger what was confirmed, once however often it is sent, and go to the deployment's page."""
    sent = await request.form()
    body = str(sent.get("body", "")).encode(errors="replace")
    command = command_of(decode(body, DeployRequest), principal.name)
    try:
        triggered = await coordinator.trigger(command, key_of(str(sent.get("key", "")), command))
    except InFlightError as error:
        part = _is_part(request)
        template = "parts/in_flight.html" if part else "in_flight_page.html"
        return render(request, template, 200 if part else 409, other=error.deployment_id)
    there = f"/ui/deployments/{triggered.deployment.id}"
    return Response(b"", headers={"HX-Redirect": there}) if _is_part(request) else Redirect(there, status_code=303)


async def _draft(request: Browser, principal: Principal, coordinator: Coordinator) -> Draft:
    try:
        typed = read(texts_in(await request.form()))
        forecast = await coordinator.forecast(command_of(typed.request, principal.name))
    except InvalidError as error:
        missing = [problem for problem in error.errors if is_missing(problem)]
        wrong = [problem for problem in error.errors if problem not in missing]
        return Draft(problems=in_form(wrong), missing=in_form(missing), error=error)
    return Draft(typed=typed, forecast=forecast_view(forecast))


def _preview(request: Browser, draft: Draft) -> Response[str]:
    said = plan.in_short(draft.forecast) if draft.forecast else _what_to_do(draft)
    return render(
        request,
        "parts/deploy_preview.html",
        **_plan(draft),
        **_commands(request, draft.typed),
        names=NAMES,
        fields=fields(),
        problems=draft.problems,
        missing=draft.missing,
        said=said,
    )


def _plan(draft: Draft) -> dict[str, Any]:
    """Return what templates show of a plan; `forecast` is None where there is none."""
    typed, forecast = draft.typed, draft.forecast
    if typed is None or forecast is None:
        return {"forecast": None, "waves": []}
    asked = typed.request
    configuration = asked.configuration or Configuration()
    return {
        "forecast": forecast,
        "what": versions(asked.code_version or None, asked.configuration_version or None),
        "where": selection(asked.labels or {}, asked.selector or None),
        "matched": plan.matched(forecast),
        "steps": plan.steps(configuration, forecast),
        "worst_case": plan.worst_case(forecast) if forecast.window else "",
        "waves": [(wave.size, plan.names(wave)) for wave in forecast.waves],
        "body": typed.body.decode(),
    }


def _commands(request: Browser, typed: Typed | None) -> dict[str, Any]:
    if typed is None:
        return {}
    server = server_address(request)
    with_token = not request.app.state.access.dev
    return {
        "dides": dides_command(typed.request, server),
        "curl": curl_command(typed.body, server, with_token=with_token),
    }


def _what_to_do(draft: Draft) -> str:
    if draft.problems:
        named = [f"{fields()[name].label} {text}" if name else in_words(text) for name, text in draft.problems.items()]
        return f"No plan yet. {'. '.join(named)}."
    return f"Required: {'; '.join(draft.missing.values())}."


def _is_part(request: Browser) -> bool:
    return bool(request.headers.get("hx-request"))


handlers = [form, preview, confirm, trigger]
