"""The table of a scan: what is broken first, and nothing in it that could steer a terminal."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from kubectl_refused.model.evidence import Certainty
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.report import IgnoredIn, IgnoredTold, Scan, ScanRow, State, Touched
from kubectl_refused.renderers import Style

from . import hostile, samples
from .streams import rendered, steering, too_long, uncoloured


def row(name: str, state: State, says: str = "", namespace: str = "shop", code: str = "") -> ScanRow:
    outcome = Outcome.REFUSED if state == "broken" else Outcome.ACCEPTED
    return ScanRow(
        target=f"svc/{name}",
        namespace=namespace,
        state=state,
        outcome=outcome,
        ports=("80",),
        failing=int(state == "broken"),
        paths=1,
        code=code,
        name="listens-on-loopback" if code else "",
        certainty="proved" if code else "",
        says=says,
    )


def scan(*rows: ScanRow, **more: object) -> Scan:
    states = [one.state for one in rows]
    plain = Scan(
        context="kr",
        namespace="shop",
        selector="",
        depth="packets",
        fail_on="proved",
        rows=rows,
        counts={state: states.count(state) for state in states},
        items=(samples.refused(),) if "broken" in states else (),
        ignored=(),
        gaps=(),
        touched=(),
    )
    return replace(plain, **more)


BROKEN = row("admin", "broken", "the app listens on 127.0.0.1 only", code="KR403")


def test_one_line_for_each_service_then_the_broken_in_full() -> None:
    told = rendered(
        scan(BROKEN, row("web", "works"), row("old", "idle", "deployment/old is scaled to 0 replicas"))
    )
    lines = told.splitlines()
    assert lines[0] == "✗ 3 Services: 1 is broken, 1 works, 1 is idle"
    assert lines[3:6] == [
        "  ✗ svc/admin:80  KR403 the app listens on 127.0.0.1 only",
        "  ✓ svc/web:80",
        "  · svc/old:80    deployment/old is scaled to 0 replicas",
    ]
    assert "  proof " in told


@pytest.mark.parametrize(
    ("rows", "first"),
    [
        ((), "· no Service"),
        ((row("web", "works"),), "✓ the Service works"),
        ((row("web", "works"), row("cart", "works")), "✓ all 2 Services work"),
        ((row("web", "unjudged"),), "? the Service could not be judged"),
    ],
)
def test_the_verdict_on_all(rows: tuple[ScanRow, ...], first: str) -> None:
    assert rendered(scan(*rows)).splitlines()[0] == first


def test_what_could_not_be_listed_is_no_empty_namespace() -> None:
    assert rendered(scan(complete=False)).splitlines()[0] == "? no Service could be listed"


def test_namespaces_stand_in_the_table_where_there_are_several() -> None:
    told = rendered(scan(row("web", "works"), row("web", "works", namespace="till"), namespace=""))
    assert "  ✓ till  svc/web:80" in told.splitlines()
    assert "all namespaces" in told


def test_a_thousand_that_work_are_counted() -> None:
    many = scan(*(row(f"web-{number}", "works") for number in range(1000)))
    told = rendered(many)
    assert "    and 980 more that are not broken: -o wide" in told.splitlines()
    assert len(told.splitlines()) < 40
    assert len(rendered(many, Style(wide=True)).splitlines()) > 1000


def test_what_was_ignored_and_touched_is_told_at_the_end() -> None:
    found = IgnoredTold(
        code="KR403",
        name="listens-on-loopback",
        certainty=Certainty.PROVED,
        where="pod/x",
        says="…",
        by=".kubectl-refused.yaml:3",
        reason="by port-forward",
    )
    told = rendered(
        scan(
            row("debug", "ignored"),
            ignored=(IgnoredIn(target="svc/debug", namespace="shop", finding=found),),
            touched=(Touched(what="job/refused-1", undone="deleted"),),
        )
    )
    assert "KR403 of svc/debug, by .kubectl-refused.yaml:3: by port-forward" in told
    assert told.splitlines()[-1].strip().endswith("job/refused-1, deleted")


def test_names_for_scripts() -> None:
    told = rendered(scan(BROKEN, row("web", "works")), form="name")
    assert told == "svc/admin KR403/listens-on-loopback shop\nsvc/web accepted shop\n"


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(item=hostile.scans, width=st.integers(10, 140), wide=st.booleans())
def test_no_cluster_text_steers_the_terminal(item: Scan, width: int, wide: bool) -> None:
    style = Style(width=width, colour=True, wide=wide)
    told = uncoloured(rendered(replace(item, items=()), style))
    assert steering(told) == []
    assert too_long(told, max(width, 60)) == []
