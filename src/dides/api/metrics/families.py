"""Prometheus' metric families from what is counted here."""

from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.utils import floatToGoString

from dides.runtime.histogram import Histogram

Samples = Iterable[tuple[tuple[str, ...], float]]
"""Values, each with those of its labels."""


def gauge(name: str, text: str, samples: Samples, *labels: str) -> Metric:
    """Return a gauge with these labels."""
    family = GaugeMetricFamily(name, text, labels=labels)
    for values, value in samples:
        family.add_metric(values, value)
    return family


def counter(name: str, text: str, samples: Samples, *labels: str) -> Metric:
    """Return a counter with these labels; its name is given without `_total`."""
    family = CounterMetricFamily(name, text, labels=labels)
    for values, value in samples:
        family.add_metric(values, value)
    return family


def histogram(name: str, text: str, counted: Histogram) -> Metric:
    """Return a histogram without labels."""
    return histograms(name, text, [((), counted)])


def histograms(name: str, text: str, counted: Iterable[tuple[tuple[str, ...], Histogram]], *labels: str) -> Metric:
    """Return a histogram with these labels."""
    family = HistogramMetricFamily(name, text, labels=labels)
    for values, distribution in counted:
        bounds = [*map(floatToGoString, distribution.bounds), "+Inf"]
        family.add_metric(values, list(zip(bounds, distribution.cumulative(), strict=True)), distribution.sum)
    return family
