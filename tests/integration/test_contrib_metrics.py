"""docs/metrics.md, the alerts and the dashboard are about metrics that a running coordinator shows, and about all."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio
import yaml  # type: ignore[import-untyped]

from dides.engine.window import NAMES
from support.app import running_app
from support.promql import FUNCTIONS, Query, read
from support.scrape import Scrape, scrape
from support.wrapped_store import AwayStore

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "contrib" / "prometheus"
PROMTOOL = shutil.which("promtool") or shutil.which("promtool", path=Path(sys.prefix) / "bin")
PAGE = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
TARGET = {"job", "instance"}
"""Labels that Prometheus adds to every series."""
SUFFIXES = re.compile(r"_(bucket|count|sum)$")
SEVERITIES = {"critical", "warning", "info"}


class Shown(msgspec.Struct):
    """What a coordinator shows: each series' labels and their values, and each metric's type."""

    types: dict[str, str]
    labels: dict[str, dict[str, set[str]]]


def shown_by(*scrapes: Scrape) -> Shown:
    shown = Shown({}, {})
    for each in scrapes:
        for family in each.families.values():
            name = f"{family.name}_total" if family.type == "counter" else family.name
            shown.types[name] = family.type
            for sample in family.samples:
                labels = shown.labels.setdefault(sample.name, {})
                for label, value in sample.labels.items():
                    labels.setdefault(label, set()).add(value)
    return shown


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shown(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    """What is shown in the course of a day: heartbeats, a rollout, one that fails, a store that is away."""
    async with running_app(tmp_path_factory.mktemp("app"), wrap=AwayStore) as app:
        assert isinstance(app.store, AwayStore)
        idle = shown_by(await scrape(app))
        own = await app.register("web-1", env="production")
        for status in (0, 1, 2, 3, 1, 1):
            await app.beat("web-1", own, code_version="1", status=status)
        await app.send("GET", "/inventory/instances/web-1/desired?generation=0&wait=0", credential=own)
        await app.deploy("2")
        running = await scrape(app)
        await app.beat("web-1", own, code_version="2", status=3, observed=1)
        await app.send("POST", "/deploy/progress")
        app.store.away = True
        await app.send("POST", "/deploy/progress")
        everything = shown_by(running, await scrape(app))
    assert set(idle.types) == set(everything.types), "a metric is there from the start, if without series"
    return everything


def documented() -> dict[str, tuple[str, set[str]]]:
    """Return the type and the labels of each metric on the page."""
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (.*?) ?\| .+ \|$", PAGE, re.MULTILINE)
    found = {name: (kind, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}
    assert len(found) == len(rows), "none twice"
    return found


def test_the_page_has_every_metric_with_its_type_and_labels(shown: Shown) -> None:
    real = {}
    for name, kind in shown.types.items():
        sample = f"{name}_bucket" if kind == "histogram" else name
        real[name] = (kind, set(shown.labels[sample]) - {"le"})
    assert documented() == real


def test_the_page_has_every_outcome(shown: Shown) -> None:
    table = PAGE.partition("| outcome |")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == shown.labels["dides_heartbeats_total"]["outcome"]
    assert shown.labels["dides_deployment_held"]["by"] == set(NAMES)


def test_names_keep_the_conventions(shown: Shown) -> None:
    for name, kind in shown.types.items():
        assert name.endswith("_total") is (kind == "counter"), name
        assert re.fullmatch(r"(dides|process|python)_[a-z_]+", name), name
        assert not re.search(r"_(ms|milliseconds|minutes|kilobytes|percent|ratio)\b", name), name


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((PROMETHEUS / "alerts.yaml").read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def dashboard() -> Any:
    return json.loads((ROOT / "contrib" / "grafana" / "dides.json").read_text(encoding="utf-8"))


def panels() -> list[dict[str, Any]]:
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def queries() -> Iterator[tuple[str, str]]:
    """Yield every query with where it is."""
    for rule in rules():
        yield rule["alert"], rule["expr"]
    for panel in panels():
        for target in panel["targets"]:
            yield panel["title"], target["expr"]
    for annotation in dashboard()["annotations"]["list"]:
        yield annotation["name"], annotation["expr"]


def wrong_in(query: Query, shown: Shown) -> Iterator[str]:
    """Yield what a query names that no coordinator shows."""
    yield from (f"function {each}" for each in query.functions - FUNCTIONS)
    known = set(TARGET)
    for name, matchers in query.metrics.items():
        if name == "up":
            continue
        if name not in shown.labels:
            yield f"metric {name}"
            continue
        known |= set(shown.labels[name])
        for matcher in matchers:
            if matcher.label not in TARGET | set(shown.labels[name]):
                yield f"label {matcher.label} of {name}"
            elif matcher.label not in TARGET and not matcher.wanted <= shown.labels[name][matcher.label]:
                yield f"{matcher.label}={matcher.value} of {name}"
    yield from (f"label {each}" for each in query.grouped - known)


def test_alerts_and_dashboard_ask_for_what_is_shown(shown: Shown) -> None:
    found = [f"{place}: {wrong}" for place, text in queries() for wrong in wrong_in(read(text), shown)]
    assert found == []


def test_a_slip_of_the_pen_is_found(shown: Shown) -> None:
    slips = {
        "dides_instance": ["metric dides_instance"],
        "sum by (stat) (dides_instances)": ["label stat"],
        'dides_instances{state="failed"}': ["label state of dides_instances"],
        'dides_deployment_targets{state=~"failed|lost"}': ["state=failed|lost of dides_deployment_targets"],
        "raet(dides_heartbeats_total[5m])": ["function raet"],
        'max by (job) (rate(dides_heartbeats_total{job="x", outcome="written"}[5m])) > 0.5': [],
    }
    assert {text: list(wrong_in(read(text), shown)) for text in slips} == slips


def test_every_metric_of_ours_is_on_the_dashboard(shown: Shown) -> None:
    asked = {
        SUFFIXES.sub("", name) for panel in panels() for each in panel["targets"] for name in read(each["expr"]).metrics
    }
    elsewhere = {"dides_build_info", "dides_shedding", "dides_deployment_in_flight"}
    assert {name for name in shown.types if name.startswith("dides_")} - asked == elsewhere


def test_alerts_say_how_bad_it_is_and_what_to_do(shown: Shown) -> None:
    names = [rule["alert"] for rule in rules()]
    assert len(names) == len(set(names))
    for rule in rules():
        assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}, rule["alert"]
        assert re.fullmatch(r"\d+[mh]", rule["for"])
        assert set(rule["labels"]) == {"severity"}
        assert rule["labels"]["severity"] in SEVERITIES
        assert set(rule["annotations"]) == {"summary", "description"}
        assert len(rule["annotations"]["summary"]) < 100 < len(rule["annotations"]["description"])
        grouped = read(rule["expr"])
        known = TARGET | grouped.grouped | {label for name in grouped.metrics for label in shown.labels.get(name, ())}
        used = re.findall(r"\$labels\.(\w+)", "".join(rule["annotations"].values()))
        assert set(used) <= known, rule["alert"]


def test_the_page_names_every_alert_in_its_order() -> None:
    table = PAGE.partition("## Alerts\n")[2].partition("\n## ")[0]
    named = re.findall(r"^\| `(\w+)` \| (\w+) \| .+ \|$", table, re.MULTILINE)
    assert named == [(rule["alert"], rule["labels"]["severity"]) for rule in rules()]


def test_alerts_are_about_the_job_of_the_example() -> None:
    example = yaml.safe_load((PROMETHEUS / "prometheus.yaml").read_text(encoding="utf-8"))
    (job,) = example["scrape_configs"]
    assert job["authorization"] == {"credentials_file": "/etc/prometheus/dides-operator-token"}
    for rule in rules():
        for matchers in read(rule["expr"]).metrics.values():
            assert [each.value for each in matchers if each.label == "job"], rule["alert"]
            assert {each.value for each in matchers if each.label == "job"} == {job["job_name"]}


def test_the_page_shows_the_scrape_configuration_of_the_example() -> None:
    block = re.search(r"^    scrape_configs:\n(?:    .*\n)+", PAGE, re.MULTILINE)
    assert block
    example = yaml.safe_load((PROMETHEUS / "prometheus.yaml").read_text(encoding="utf-8"))
    assert yaml.safe_load(block[0])["scrape_configs"] == example["scrape_configs"]


def test_the_dashboard_has_its_variables_and_every_panel_its_place() -> None:
    board = dashboard()
    assert [each["name"] for each in board["templating"]["list"]] == ["datasource", "job", "coordinator"]
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids))
    places = [tuple(panel["gridPos"].values()) for panel in board["panels"]]
    assert len(places) == len(set(places))
    for panel in panels():
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
        for target in panel["targets"]:
            query = read(target["expr"])
            for matchers in query.metrics.values():
                assert {(each.label, each.value) for each in matchers} >= {
                    ("job", "$job"),
                    ("instance", "$coordinator"),
                }


def test_what_a_panel_calls_its_lines_is_a_label_of_them(shown: Shown) -> None:
    for panel in panels():
        for target in panel["targets"]:
            query = read(target["expr"])
            aggregated = bool(query.functions & {"sum", "max"})
            kept = (
                query.grouped
                if aggregated
                else TARGET | {each for name in query.metrics for each in shown.labels[name]}
            )
            used = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            assert used <= kept, (panel["title"], target["legendFormat"])


@pytest.mark.skipif(PROMTOOL is None, reason="there is no promtool: sh contrib/promtool.sh brings it")
@pytest.mark.parametrize("command", [["check", "rules", "alerts.yaml"], ["test", "rules", "alerts_test.yaml"]])
def test_prometheus_accepts_them(command: list[str]) -> None:
    assert PROMTOOL
    subprocess.run([PROMTOOL, *command], cwd=PROMETHEUS, check=True)
