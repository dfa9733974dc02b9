"""What `GET /metrics` shows, parsed as Prometheus parses it."""

from collections.abc import Mapping

import msgspec
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from support.app import App

Labels = frozenset[tuple[str, str]]
CUMULATIVE = ("counter", "histogram")


class Scrape(msgspec.Struct):
    """One answer."""

    families: dict[str, Metric]

    @property
    def samples(self) -> list[Sample]:
        return [sample for family in self.families.values() for sample in family.samples]

    def value(self, name: str, **labels: str) -> float:
        """Return the value of the one series with this name and exactly these labels."""
        values = self.values(name)
        assert frozenset(labels.items()) in values, f"{name}{labels} is not among {sorted(map(sorted, values))}"
        return values[frozenset(labels.items())]

    def values(self, name: str) -> dict[Labels, float]:
        """Return the values of all series of this name, by their labels."""
        return {frozenset(each.labels.items()): each.value for each in self.samples if each.name == name}

    def by(self, label: str, name: str) -> dict[str, float]:
        """Return the values of all series of this name, which have this label only, by its value."""
        return {dict(labels)[label]: value for labels, value in self.values(name).items()}

    def growing(self) -> Mapping[tuple[str, Labels], float]:
        """Return all that may only grow: counters, and the buckets, counts and sums of histograms."""
        return {
            (each.name, frozenset(each.labels.items())): each.value
            for family in self.families.values()
            if family.type in CUMULATIVE
            for each in family.samples
        }


def parsed(text: str) -> Scrape:
    """Parse an answer; a metric that is there twice is an error."""
    families: dict[str, Metric] = {}
    for family in text_string_to_metric_families(text):
        assert family.name not in families, family.name
        families[family.name] = family
    scrape = Scrape(families)
    series = [(each.name, frozenset(each.labels.items())) for each in scrape.samples]
    assert len(series) == len(set(series))
    return scrape


async def scrape(app: App) -> Scrape:
    """Ask for the metrics as an operator."""
    response = await app.send("GET", "/metrics")
    assert response.status_code == 200, response.text
    return parsed(response.text)
