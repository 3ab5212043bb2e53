"""A scan as Prometheus metrics, for a file that a collector reads (`--metrics-file`); no format of --output.

All are gauges of one scan. What can be summed is not told as a share: that is for the reader's query.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TextIO

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from kubectl_refused.judge.scanning import ORDER
from kubectl_refused.model.report import Scan

from .telling import line

UNKNOWN = "unknown"  # the cause of what fails and has none in the catalogue


def render(scan: Scan, out: TextIO, *, at: float) -> None:
    """Write the text format of Prometheus; `at` is when the scan ended, in seconds since the epoch."""
    registry = CollectorRegistry()
    registry.register(_Told(scan, at))
    out.write(generate_latest(registry).decode())


class _Told(Collector):
    """The families of one scan, as the client library collects them."""

    def __init__(self, scan: Scan, at: float) -> None:
        self._scan, self._at = scan, at

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """In the order in which they are read."""
        yield _refused(self._scan)
        yield _states(self._scan)
        yield _reach(self._scan)
        complete = GaugeMetricFamily("refused_scan_complete", "1 if every Service could be listed")
        complete.add_metric([], float(self._scan.complete))
        yield complete
        ended = GaugeMetricFamily("refused_scan_timestamp_seconds", "When the scan ended")
        ended.add_metric([], self._at)
        yield ended


def _refused(scan: Scan) -> GaugeMetricFamily:
    """By namespace and root, those that are broken."""
    labels = ("namespace", "cause", "code")
    family = GaugeMetricFamily("refused_services", "Services that are broken, by the cause", labels=labels)
    broken = Counter((r.namespace, r.name or UNKNOWN, r.code) for r in scan.rows if r.state == "broken")
    for words, number in sorted(broken.items()):
        family.add_metric(list(_fit(words)), number)
    return family


def _states(scan: Scan) -> GaugeMetricFamily:
    """All states, also those that no Service has: what is 0 and what was not told differ."""
    family = GaugeMetricFamily("refused_scan_services", "Services by what became of them", labels=("state",))
    for state in ORDER:
        family.add_metric([state], scan.counts.get(state, 0))
    return family


def _reach(scan: Scan) -> GaugeMetricFamily:
    family = GaugeMetricFamily(
        "refused_paths", "Paths to ports of Services as a vantage saw them", labels=("vantage", "reach")
    )
    for one in scan.reach:
        (vantage,) = _fit((one.vantage,))
        for way, number in (("accepting", one.accepting), ("failing", one.failing), (UNKNOWN, one.unknown)):
            family.add_metric([vantage, way], number)
    return family


def _fit(words: Iterable[str]) -> Iterator[str]:
    """Values of labels: one line of text that can be encoded; the library escapes what is left."""
    return (line(word).encode(errors="replace").decode() for word in words)
