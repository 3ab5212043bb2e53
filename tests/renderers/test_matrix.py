"""The table of endpoints by vantages on a terminal: the verdict tells what fails together, the table shows it."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kubectl_refused.model.evidence import Certainty
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.report import Cell, Diagnosis, Matrix, MatrixRow
from kubectl_refused.renderers import Style

from . import hostile, samples
from .samples import OK, OUT, RST, row
from .streams import rendered, steering, too_long


def lines_of(report: Diagnosis, width: int = 80) -> list[str]:
    return rendered(report, Style(width=width)).splitlines()


def table(*rows: MatrixRow, vantages: tuple[str, ...] = ("a pod on node1",)) -> list[str]:
    """The lines of a table beneath a proved cause, without their label."""
    path = samples.path(Outcome.MIXED, samples.loopback(), vantage=vantages[0])
    lines = lines_of(samples.diagnosis(path, matrices=(samples.matrix(vantages, "some fail", *rows),)))
    (start,) = [at for at, line in enumerate(lines) if line.startswith("  seen")]
    return [line.removeprefix("  seen").strip() for line in lines[start:]]


def test_one_client_the_verdict_tells_which_endpoint_fails_and_the_table_how_often() -> None:
    lines = lines_of(samples.now_and_then())
    assert lines[:3] == [
        "✗ svc/web:80 fails for some: 1 of 2 endpoints refuses now and then:",
        "  pod/web-7d9f-x7k2p of Deployment web; no cause is proved",
        "  kind-dev · namespace shop · seen from a pod on node1",
    ]
    assert lines[7:11] == [
        "  seen                                    node1",
        "         svc/web:80                       ✓ 6/6",
        "         web-7d9f-x7k2p 10.202.1.9:8080   ✗ fails 2/6",
        "         web-7d9f-9qq4c 10.202.1.10:8080  ✓ 6/6",
    ]


def test_three_clients_the_odd_one_out_stands_first() -> None:
    lines = lines_of(samples.three_clients())
    assert lines[0] == "✗ svc/web:80 times out only from deploy/report: all 3 endpoints time out; no"
    assert lines[-3:] == [
        "  seen                             deploy/report  pod/cart-5b6f and 1 more",
        "         svc/web:80                ✗ timeout      ✓",
        "         3 pods of Deployment web  ✗ timeout      ✓",
    ]


def test_twelve_nodes_are_one_verdict_and_a_list() -> None:
    lines = lines_of(samples.twelve_nodes())
    assert sum(line.startswith("✗") for line in lines) == 1
    assert lines[:2] == [
        "✗ svc/web:80 fails for some: 2 of 6 endpoints refuse: both belong to Job",
        "  migrate; from ip-10-0-3-17: 1 of 6 endpoints times out: pod/web-6 of",
    ]
    assert lines[-3:] == [
        "  seen   svc/web:80 from ip-10-0-4-17 and 1 more: ✗ timeout",
        "         2 pods of Job migrate: ✗ refused",
        "         web-6 from ip-10-0-3-17: ✗ timeout",
    ]


def test_where_there_is_room_twelve_nodes_are_a_table() -> None:
    lines = lines_of(samples.twelve_nodes(), 120)
    assert " ".join(lines[-5].split()) == "seen ip-10-0-3-17 ip-10-0-4-17 and 1 more the other 9"
    ends = [line.split()[-4:] for line in lines[-4:]]
    assert ends == [
        ["✓", "✗", "timeout", "✓"],
        ["✗", "refused", "✗", "refused"],
        ["✗", "timeout", "✓", "✓"],
        ["web", "✓", "✓", "✓"],
    ]


def test_a_few_that_fail_beside_their_kin_stand_by_name() -> None:
    kin = [
        row(f"pod/web-{n}", f"10.0.0.{n}:80", RST if n < 3 else OK, owner="Deployment web") for n in range(1, 6)
    ]
    assert table(*kin)[-3:] == [
        "web-1 10.0.0.1:80         ✗ refused",
        "web-2 10.0.0.2:80         ✗ refused",
        "3 pods of Deployment web  ✓",
    ]


def test_a_proved_cause_leaves_the_sentence_to_the_table() -> None:
    assert table(row("pod/a", "10.0.0.1:80", RST))[0] == "some fail"


def test_a_likely_cause_comes_with_what_fails_together() -> None:
    rows = (row("pod/a", "10.0.0.1:80", RST), row("pod/b", "10.0.0.2:80", OK))
    seen = samples.matrix(("a pod on node1",), "1 of 2 endpoints refuses: pod/a of Job migrate", *rows)
    path = samples.path(Outcome.MIXED, samples.selector(Certainty.LIKELY))
    lines = lines_of(samples.diagnosis(path, matrices=(seen,)))
    assert lines[0] == "✗ svc/web:80 fails for some: 1 of 2 endpoints refuses: pod/a of Job migrate;"
    assert lines[1].startswith("  probably its selector matches no pod")
    assert not any("of Job migrate" in line for line in lines[2:])


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        (Cell(outcome=Outcome.TIMEOUT), "✗ timeout"),
        (Cell(outcome=Outcome.TIMEOUT, heard={"timeout": 3}), "✗ timeout 3/3"),
        (Cell(outcome=Outcome.REFUSED, heard={"refused": 1, "accepted": 2}), "✗ refused 1/3"),
        (Cell(outcome=Outcome.REFUSED, heard={"refused": 1, "reset": 1, "accepted": 1}), "✗ fails 2/3"),
        (Cell(outcome=Outcome.UNTRIED), "·"),
    ],
)
def test_a_cell_counts_what_failed(cell: Cell, told: str) -> None:
    assert (
        table(row("pod/a", "10.0.0.1:80", cell), row("pod/b", "b", RST))[-2:].count(f"a 10.0.0.1:80  {told}") == 1
    )


@pytest.mark.parametrize(
    ("bad", "heads"),
    [
        ((), "all 6 places"),
        ((1,), "node2      the other 5"),
        ((1, 3), "node2, node4  the other 4"),
        ((1, 3, 5), "node1, node3, node5  node2, node4, node6"),
    ],
)
def test_a_column_is_of_all_that_saw_the_same(bad: tuple[int, ...], heads: str) -> None:
    cells = [OUT if place in bad else OK for place in range(6)]
    rows = (row("pod/a", "10.0.0.1:80", *cells), row("pod/b", "10.0.0.2:80", *[RST] * 6))
    vantages = tuple(f"a pod on node{number}" for number in range(1, 7))
    assert table(*rows, vantages=vantages)[1] == heads


def test_addresses_are_left_out_before_the_table_is() -> None:
    pod = row("pod/web-64b77489b7-k98cp", "10.202.2.228:8080", OK, OUT, OUT)
    nobodys = row("no pod", "10.202.2.1:8080", RST, OK, OK)
    places = ("a pod like pod/friend on node1", "inside pod/stranger", "inside pod/jailed")
    assert table(pod, nobodys, vantages=places)[1:] == [
        "pod/friend  pod/stranger, pod/jailed",
        "web-64b77489b7-k98cp    ✓           ✗ timeout",
        "no pod 10.202.2.1:8080  ✗ refused   ✓",
    ]


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    matrix=hostile.matrices, width=st.integers(20, 120), form=st.sampled_from(("terminal", "json", "yaml", "name"))
)
def test_no_hostile_name_breaks_a_table(matrix: Matrix, width: int, form: str) -> None:
    path = samples.path(Outcome.MIXED, port=matrix.port, family=matrix.family)
    report = samples.diagnosis(path, matrices=(matrix,))
    text = rendered(report, Style(width=width), form=form)
    assert steering(text) == []
    if form == "terminal":
        assert too_long(text, width) == []
    if form == "json":
        assert msgspec.json.decode(text, type=Diagnosis).matrices[0].vantages
