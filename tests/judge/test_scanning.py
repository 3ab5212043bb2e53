"""What a scan makes of diagnoses: states, the order of rows, and what is told once."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from kubectl_refused.cli.exit_codes import exit_code
from kubectl_refused.judge.scanning import judged, row_of, scan_of
from kubectl_refused.model.evidence import Certainty
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.report import Diagnosis, FailOn, GapTold, IgnoredTold, Path, Root, Scan
from kubectl_refused.model.snapshot import Change, Coverage, Snapshot, fold
from tests.scenery import service

READ = fold([Change(1.0, covered=Coverage("Service", ""))])
IGNORED = IgnoredTold(
    code="KR403", name="listens-on-loopback", certainty=Certainty.PROVED, where="pod/x", says="…", by="--ignore"
)


def root(name: str = "listens-on-loopback", certainty: Certainty = Certainty.PROVED) -> Root:
    return Root(
        code="KR403", name=name, certainty=certainty, where="pod/x", says="…", headline=name, evidence=(), fix=None
    )


def path(outcome: Outcome = Outcome.ACCEPTED, fault: Root | None = None, *ignored: IgnoredTold) -> Path:
    return Path(
        vantage="a pod on node1",
        entrance="10.96.0.7:80",
        port="80",
        family="IPv4",
        outcome=outcome,
        root=fault,
        chain=(),
        hops=(),
        ignored=ignored,
    )


def diagnosis(name: str, *paths: Path, **more: Any) -> Diagnosis:
    plain = Diagnosis(
        target=f"svc/{name}",
        context="kr",
        namespace="shop",
        depth="packets",
        outcome=paths[0].outcome if paths else Outcome.UNTRIED,
        root=next((p.root for p in paths if p.root), None),
        paths=paths,
        gaps=(),
        touched=(),
    )
    return replace(plain, **more)


WORKS = diagnosis("web", path())
PROVED = diagnosis("admin", path(Outcome.REFUSED, root()))
LIKELY = diagnosis("maybe", path(Outcome.UNTRIED, root(certainty=Certainty.LIKELY)))
HALF = diagnosis("half", path(Outcome.MIXED, root()), path())
NO_CAUSE = diagnosis("dead", path(Outcome.TIMEOUT))
UNKNOWN = diagnosis("unknown", path(Outcome.UNKNOWN), complete=False)
ASLEEP = diagnosis("asleep", path(Outcome.UNTRIED, root("zero-replicas")))
UNDIALLED = diagnosis("db", path(Outcome.UNTRIED))
UNWRITTEN = diagnosis("lease", path(Outcome.UNTRIED, root("no-selector-and-no-slice")))
OVERLOOKED = diagnosis("debug", path(Outcome.REFUSED, None, IGNORED))
ALL = (WORKS, PROVED, LIKELY, HALF, NO_CAUSE, UNKNOWN, ASLEEP, OVERLOOKED)


def scan(
    *told: Diagnosis, fail_on: FailOn = "proved", snapshot: Snapshot = READ, notices: tuple[Gap, ...] = ()
) -> Scan:
    return scan_of(
        [judged(one, snapshot) for one in told],
        snapshot,
        context="kr",
        namespace="shop",
        selector="",
        fail_on=fail_on,
        notices=notices,
        touched=[("job/refused-1", "deleted")],
    )


@pytest.mark.parametrize("order", [ALL, ALL[::-1]])
def test_the_most_broken_comes_first_in_whatever_order_they_were_judged(order: tuple[Diagnosis, ...]) -> None:
    told = scan(*order)
    assert [(row.target.removeprefix("svc/"), row.state) for row in told.rows] == [
        ("admin", "broken"),
        ("half", "broken"),
        ("maybe", "broken"),
        ("dead", "broken"),
        ("unknown", "unjudged"),
        ("debug", "ignored"),
        ("web", "works"),
        ("asleep", "idle"),
    ]
    assert told.counts == {"broken": 4, "unjudged": 1, "ignored": 1, "works": 1, "idle": 1}
    assert [item.target for item in told.items] == [
        "svc/admin",
        "svc/half",
        "svc/maybe",
        "svc/dead",
        "svc/unknown",
    ]


def test_some_paths_fail() -> None:
    (row,) = scan(HALF).rows
    assert (row.failing, row.paths) == (1, 2)


@pytest.mark.parametrize(
    ("told", "codes"),
    [
        (WORKS, (0, 0, 0)),
        (OVERLOOKED, (0, 0, 0)),
        (PROVED, (1, 1, 1)),
        (LIKELY, (3, 1, 1)),
        (NO_CAUSE, (3, 3, 1)),
        (UNKNOWN, (3, 3, 1)),
        (ASLEEP, (0, 0, 1)),
    ],
    ids=lambda value: getattr(value, "target", ""),
)
def test_fail_on_moves_the_line(told: Diagnosis, codes: tuple[int, int, int]) -> None:
    lines: tuple[FailOn, ...] = ("proved", "likely", "any")
    assert tuple(exit_code(scan(WORKS, told, fail_on=line)) for line in lines) == codes


def test_a_scan_that_could_list_nothing_does_not_pass() -> None:
    assert exit_code(scan()) == 0
    assert exit_code(scan(snapshot=fold([Change(1.0, gap=Gap("Services", "forbidden"))]))) == 3


@pytest.mark.parametrize(
    ("spec", "told", "says"),
    [
        ({"type": "ExternalName", "external_name": "db.example"}, UNDIALLED, "an alias of db.example"),
        ({"ports": ()}, diagnosis("udp", complete=False), "it has no TCP port"),
        ({"selector": None}, UNKNOWN, "its endpoints are written by hand"),
        ({"cluster_ip": "None"}, UNWRITTEN, "headless"),
    ],
)
def test_what_is_so_on_purpose_is_idle(spec: dict[str, Any], told: Diagnosis, says: str) -> None:
    plain = service()
    row = row_of(told, replace(plain, spec=replace(plain.spec, **spec)))
    assert row.state == "idle"
    assert says in row.says


def test_a_cluster_ip_without_endpoints_is_broken_where_a_headless_one_is_idle() -> None:
    assert (
        row_of(diagnosis("x", path(Outcome.REJECTED, root("no-selector-and-no-slice"))), service()).state
        == "broken"
    )


def test_what_goes_for_all_is_told_once() -> None:
    gaps = (GapTold(what="leftover", because="x"), GapTold(what="own", because="y"))
    told = scan(diagnosis("a", path(Outcome.TIMEOUT), gaps=gaps), notices=(Gap("leftover", "x"),))
    assert [gap.what for gap in told.gaps] == ["leftover"]
    assert [gap.what for gap in told.items[0].gaps] == ["own"]
    assert told.items[0].touched == ()
    assert [one.what for one in told.touched] == ["job/refused-1"]


def test_every_path_counts_for_its_vantage_also_those_that_work() -> None:
    told = scan(WORKS, PROVED, HALF, UNKNOWN)
    assert [(one.accepting, one.failing, one.unknown) for one in told.reach] == [(2, 2, 1)]
    assert sum(len(one.paths) for one in (WORKS, PROVED, HALF, UNKNOWN)) == 5
