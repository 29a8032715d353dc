"""The text that Prometheus reads, written by its own client library, with figures of the process beside ours."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate, groupby

from prometheus_client import (
    CollectorRegistry,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.core import (
    Metric as Family,
)
from prometheus_client.registry import Collector

from orchestrator.agent.metrics.catalogue import BUCKETS, Kind, Metric
from orchestrator.agent.metrics.figures import Durations
from orchestrator.agent.metrics.samples import Sample

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""What the text is, as its format has it."""


class Exposition:
    """All metrics as text, each time anew; ``gather`` returns what there is to say of the agent."""

    def __init__(self, gather: Callable[[], Sequence[Sample]]) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_Gathered(gather))
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)

    def text(self) -> str:
        """Return it."""
        return generate_latest(self._registry).decode()


class _Gathered(Collector):
    def __init__(self, gather: Callable[[], Sequence[Sample]]) -> None:
        self._gather = gather

    def collect(self) -> Iterable[Family]:
        return families(self._gather())

    def describe(self) -> Iterable[Family]:
        """Say nothing: or the library would gather once to learn names."""
        return ()


def families(samples: Sequence[Sample]) -> Iterator[Family]:
    """Yield the samples as the library has them: those of one metric together."""
    for metric, each in groupby(samples, key=lambda sample: sample.metric):
        yield _family(metric, tuple(each))


def _family(metric: Metric, samples: Sequence[Sample]) -> Family:
    match metric.kind:
        case Kind.GAUGE:
            return _filled(
                GaugeMetricFamily(metric.name, metric.said, labels=metric.labels), samples
            )
        case Kind.COUNTER:
            return _filled(
                CounterMetricFamily(metric.name, metric.said, labels=metric.labels), samples
            )
        case Kind.HISTOGRAM:
            return _histogram(metric, samples)


def _filled(family: GaugeMetricFamily | CounterMetricFamily, samples: Sequence[Sample]) -> Family:
    for sample in samples:
        if not isinstance(sample.value, Durations):
            family.add_metric(sample.labels, float(sample.value))
    return family


def _histogram(metric: Metric, samples: Sequence[Sample]) -> Family:
    family = HistogramMetricFamily(metric.name, metric.said, labels=metric.labels)
    for sample in samples:
        if isinstance(sample.value, Durations):
            bounds = (*(f"{most:g}" for most in BUCKETS), "+Inf")
            buckets = list(zip(bounds, accumulate(sample.value.counts), strict=True))
            family.add_metric(sample.labels, buckets, sample.value.total)
    return family
