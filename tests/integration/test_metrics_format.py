"""GET /metrics: who may read it, in which format, and that what it says is well-formed."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from structlog.testing import capture_logs

from support.app import PROBLEM, App, running_app, worked
from support.scrape import scrape

PLAIN = "text/plain; version=0.0.4; charset=utf-8"


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    async with running_app(tmp_path / "app") as running:
        yield running


async def test_it_is_for_operators(app: App, tmp_path: Path) -> None:
    own = await app.register("web-1")
    statuses = [(await app.send("GET", "/metrics", credential=each)).status_code for each in (None, "x", own)]
    assert statuses == [401, 401, 403]
    async with running_app(tmp_path / "dev", dev=True) as opened:
        assert (await opened.send("GET", "/metrics", credential=None)).status_code == 200
        foreign = {"Origin": "http://elsewhere.example"}
        assert (await opened.send("GET", "/metrics", credential=None, headers=foreign)).status_code == 403


async def test_it_knows_no_parameters(app: App) -> None:
    response = await app.send("GET", "/metrics?name[]=dides_instances")
    assert (response.status_code, response.headers["Content-Type"]) == (422, PROBLEM)


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (None, PLAIN),
        ("*/*", PLAIN),
        ("text/html", PLAIN),
        ("text/plain;version=0.0.4;q=0.5", PLAIN),
        ("text/plain;version=latest", PLAIN),
        ("application/openmetrics-text;version=x", PLAIN),
        ("text/plain;version=1.0.0", "text/plain; version=1.0.0; charset=utf-8; escaping=underscores"),
        (
            "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.4",
            "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores",
        ),
    ],
)
async def test_the_format_is_what_the_sender_accepts(app: App, accept: str | None, content_type: str) -> None:
    response = await app.send("GET", "/metrics", headers={"Accept": accept} if accept else {})
    assert (response.status_code, response.headers["Content-Type"]) == (200, content_type)
    assert "dides_build_info{" in response.text
    head = await app.send("HEAD", "/metrics", headers={"Accept": accept} if accept else {})
    assert (head.status_code, head.headers["Content-Type"], head.content) == (200, content_type, b"")


async def test_as_openmetrics_it_is_strictly_valid(app: App) -> None:
    await worked(app)
    response = await app.send("GET", "/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    names = {family.name for family in openmetrics(response.text)}  # type: ignore[no-untyped-call]
    assert {"dides_build", "dides_heartbeats", "dides_step_duration_seconds", "process_cpu_seconds"} <= names


async def test_the_log_has_only_the_scrapes_that_were_refused(app: App) -> None:
    with capture_logs() as lines:
        await app.send("GET", "/metrics")
        await app.send("GET", "/metrics", credential=None)
    assert [(each["path"], each["status"]) for each in lines] == [("/metrics", 401)]


async def test_what_may_only_grow_does(app: App) -> None:
    own = await worked(app)
    before = (await scrape(app)).growing()
    await app.beat("web-1", own, code_version="2", status=1, observed=3)
    await app.send("POST", "/deploy/progress")
    await app.send("GET", "/nothing")
    after = (await scrape(app)).growing()
    assert before.keys() <= after.keys()
    assert {name: after[name] for name in before if after[name] < before[name]} == {}
    assert sum(after[name] > before[name] for name in before) > 20


async def test_histograms_are_whole(app: App) -> None:
    await worked(app)
    families = (await scrape(app)).families
    histograms = [each for each in families.values() if each.type == "histogram"]
    assert len(histograms) > 8
    for family in histograms:
        series: dict[object, list[float]] = {}
        counts = {}
        for each in family.samples:
            key = frozenset((name, value) for name, value in each.labels.items() if name != "le")
            if each.name.endswith("_bucket"):
                series.setdefault(key, []).append(each.value)
            elif each.name.endswith("_count"):
                counts[key] = each.value
        assert counts == {key: buckets[-1] for key, buckets in series.items()}
        assert all(buckets == sorted(buckets) for buckets in series.values())


async def test_two_coordinators_in_one_process_are_two(app: App, tmp_path: Path) -> None:
    async with running_app(tmp_path / "other") as other:
        await app.register("web-1")
        assert [(await scrape(each)).value("dides_instances_reachable") for each in (app, other)] == [1, 0]


async def test_requests_cannot_make_series_up(app: App) -> None:
    for number in range(5):
        await app.send("GET", f"/nothing-{number}")
        await app.send("GET", f"/inventory/instances/web-{number}")
        await app.send(f"MAKE{number}", "/deploy")
    requests = (await scrape(app)).values("dides_http_requests_total")
    assert {tuple(value for _, value in sorted(labels)): number for labels, number in requests.items() if number} == {
        ("GET", "other", "4xx"): 5,
        ("GET", "/inventory/instances/{name}", "4xx"): 5,
        ("other", "other", "4xx"): 5,
    }
