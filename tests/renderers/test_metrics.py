"""--metrics-file: what Prometheus' own parser reads out of it, also of names that could break the format."""

from __future__ import annotations

import io

from hypothesis import HealthCheck, given, settings
from prometheus_client.parser import text_string_to_metric_families

from kubectl_refused.model.report import Reach, Scan
from kubectl_refused.renderers.metrics import render

from . import hostile
from .test_scan import BROKEN, row, scan

AT = 1_796_000_000.25
Sample = tuple[str, frozenset[tuple[str, str]]]


def told(report: Scan) -> dict[Sample, float]:
    """Every sample, by its name and labels; none is there twice."""
    out = io.StringIO()
    render(report, out, at=AT)
    families = [*text_string_to_metric_families(out.getvalue())]
    assert all(one.type == "gauge" and one.documentation for one in families)
    samples = [(s.name, frozenset(s.labels.items()), s.value) for one in families for s in one.samples]
    found = {(name, labels): value for name, labels, value in samples}
    assert len(found) == len(samples)
    return found


def sample(name: str, **labels: str) -> Sample:
    return name, frozenset(labels.items())


def test_the_broken_are_counted_by_cause() -> None:
    nobody_knows = row("dead", "broken")
    found = told(scan(BROKEN, row("admin2", "broken", code="KR403"), nobody_knows, row("web", "works")))
    by_cause = {labels: value for (name, labels), value in found.items() if name == "refused_services"}
    assert by_cause == {
        sample("", namespace="shop", cause="listens-on-loopback", code="KR403")[1]: 2,
        sample("", namespace="shop", cause="unknown", code="")[1]: 1,
    }


def test_what_nobody_has_is_told_as_nought() -> None:
    found = told(scan(row("web", "works")))
    assert {labels: value for (name, labels), value in found.items() if name == "refused_scan_services"} == {
        frozenset({("state", state)}): float(state == "works")
        for state in ("broken", "unjudged", "ignored", "works", "idle")
    }
    assert found[sample("refused_scan_complete")] == 1
    assert found[sample("refused_scan_timestamp_seconds")] == AT


def test_each_vantage_tells_what_it_reached() -> None:
    seen = Reach(vantage='a pod on "node2"\\', accepting=3, failing=1, unknown=0)
    found = told(scan(row("web", "works"), reach=(seen,), complete=False))
    paths = {
        way: found[sample("refused_paths", vantage=seen.vantage, reach=way)] for way in ("accepting", "failing")
    }
    assert paths == {"accepting": 3, "failing": 1}
    assert found[sample("refused_scan_complete")] == 0


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(report=hostile.scans)
def test_hostile_names_keep_the_format(report: Scan) -> None:
    broken = [one for one in report.rows if one.state == "broken"]
    found = told(report)
    assert sum(value for (name, _), value in found.items() if name == "refused_services") == len(broken)
