"""The table of addresses by vantage, and its sentence."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from kubectl_refused.judge.matrix import matrices, sentence
from kubectl_refused.model.facts import HANDSHAKE, Dial, FactStore, Need
from kubectl_refused.model.observation import Handshake, Outcome
from kubectl_refused.model.report import Cell, MatrixRow
from kubectl_refused.model.scene import Scene
from kubectl_refused.model.target import Vantage
from tests.scenery import endpoint_slice, pod, scene

OK, RST, OUT = Outcome.ACCEPTED, Outcome.REFUSED, Outcome.TIMEOUT


def rows(*table: tuple[str, str, Sequence[Outcome]]) -> list[MatrixRow]:
    return [
        MatrixRow(
            address="10.0.0.1:80",
            name=name,
            owner=owner,
            entrance=name.startswith("svc"),
            cells=tuple(Cell(outcome=o) for o in outcomes),
        )
        for name, owner, outcomes in table
    ]


@pytest.mark.parametrize(
    ("places", "table", "told"),
    [
        (
            ["node1"],
            [("svc/web", "", [RST]), ("pod/a", "Job migrate", [RST]), ("pod/b", "Job migrate", [RST])]
            + [(f"pod/w{i}", "Deployment web", [OK]) for i in range(4)],
            "2 of 6 endpoints refuse: both belong to Job migrate",
        ),
        (
            ["node1", "node2", "node3"],
            [("svc/web", "", [OK, OUT, OK]), ("pod/a", "", [OK, OK, OK]), ("pod/b", "", [OK, OK, OK])],
            "only from node2: the Service's own address fails, while all 2 endpoints accept",
        ),
        (
            ["node1", "node2"],
            [("svc/web", "", [OK, OUT]), ("pod/a", "", [OK, OUT]), ("pod/b", "", [OK, OUT])],
            "only from node2: all 2 endpoints time out",
        ),
        (
            ["node1", "pod/cart"],
            [("pod/a", "", [RST, OUT]), ("pod/b", "", [OK, OUT])],
            "from node1: 1 of 2 endpoints refuses: pod/a; from pod/cart: all 2 endpoints time out",
        ),
        (["node1"], [("pod/a", "Job x", [RST]), ("pod/b", "", [OK])], "1 of 2 endpoints refuses: pod/a of Job x"),
        (
            ["node1"],
            [("pod/a", "Job x", [RST]), ("pod/b", "Job x", [RST]), ("pod/c", "Job x", [OK])],
            "2 of 3 endpoints refuse: pod/a, pod/b",
        ),
        (["node1"], [("pod/a", "", [RST])], "the endpoint refuses"),
        (
            ["a", "b"],
            [("svc/web", "", [OK, OK]), ("pod/a", "", [OK, OK])],
            "the endpoint accepts from each of 2 places",
        ),
        (["a"], [("svc/web", "", [OUT])], "the Service's own address fails"),
        (
            ["n1", "n2", "n3", "n4", "n5", "n6"],
            [("pod/a", "", [OUT, OUT, OUT, OUT, OUT, OK])],
            "from all but n6: the endpoint times out",
        ),
        (
            [f"n{number}" for number in range(12)],
            [("pod/a", "", [OUT] * 6 + [OK] * 6)],
            "only from n0, n1, n2, n3 and 2 more: the endpoint times out",
        ),
        (
            ["n1", "n2", "n3", "n4"],
            [("svc/web", "", [OK, OUT, OK, OK])]
            + [(f"pod/{x}", "Job migrate", [RST, RST, RST, RST]) for x in "ab"]
            + [("pod/c", "", [OK, OK, OK, OK]), ("pod/d", "", [OK, OK, OUT, OK])],
            "2 of 4 endpoints refuse: both belong to Job migrate; from n3: 1 of 4 endpoints times out: pod/d; "
            "from n2: the Service's own address fails",
        ),
        (
            ["n1", "n2", "n3"],
            [("pod/a", "", [RST, RST, RST]), ("pod/b", "", [OK, OUT, OK])],
            "1 of 2 endpoints refuses: pod/a; only from n2: 1 of 2 endpoints times out: pod/b",
        ),
    ],
)
def test_what_failing_cells_share(
    places: list[str], table: list[tuple[str, str, Sequence[Outcome]]], told: str
) -> None:
    assert sentence(places, rows(*table)) == told


def test_what_fails_now_and_then_is_said_so() -> None:
    flaky = Cell(outcome=RST, heard={"accepted": 2, "refused": 1})
    row = MatrixRow(address="10.0.0.1:80", name="pod/a", cells=(flaky,))
    assert sentence(["a"], [row, *rows(("pod/b", "", [OK]))]) == "1 of 2 endpoints refuses now and then: pod/a"


def test_what_fails_now_and_then_fails_from_everywhere() -> None:
    flaky, closed = (Cell(outcome=o, heard={"accepted": 2, o.value: 1}) for o in (RST, Outcome.RESET))
    fine = Cell(outcome=OK, heard={"accepted": 3})
    entrance = MatrixRow(address="10.9.0.1:80", name="svc/web", cells=(closed, fine, fine), entrance=True)
    row = MatrixRow(address="10.0.0.1:80", name="pod/a", cells=(flaky, closed, fine))
    steady = MatrixRow(address="10.0.0.2:80", name="pod/b", cells=(fine, fine, fine))
    told = sentence(["n1", "n2", "n3"], [entrance, row, steady])
    assert told == "1 of 2 endpoints refuses now and then: pod/a"


def test_nodes_are_named_without_the_domain_they_share(two_endpoints: Scene) -> None:
    names = ("ip-10-0-1-17.compute.internal", "ip-10-0-2-17.compute.internal")
    places = [Vantage("pod", node=name, name=f"node/{name}", key=f"node/{name}") for name in names]
    scenes = [
        _seen(replace(two_endpoints, vantage=place), OK, OK, end)
        for place, end in zip(places, (OK, RST), strict=True)
    ]
    (table,) = matrices(scenes)
    assert table.sentence.startswith("only from ip-10-0-2-17: 1 of 2 endpoints refuses: ")


def _seen(scene: Scene, *outcomes: Outcome, heard: tuple[tuple[Outcome, int], ...] = ()) -> Scene:
    dials = [scene.entrance_dial, *(scene.at_endpoint(e).endpoint_dial for e in scene.ready_endpoints)]
    facts = {
        Need(HANDSHAKE, dial): Handshake(dial.host, dial.port, outcome, 0.1, "probe-pod", heard=heard)
        for dial, outcome in zip(dials, outcomes, strict=True)
        if isinstance(dial, Dial)
    }
    return replace(scene, facts=FactStore({**scene.facts.known, **facts}))


@pytest.fixture
def two_endpoints() -> Scene:
    return scene(endpoint_slice(pod("web-1"), pod("web-2", ip="10.0.0.2")))


def test_one_place_and_one_answer_need_no_table(two_endpoints: Scene) -> None:
    assert matrices([_seen(two_endpoints, OK, OK, OK)]) == ()
    assert matrices([_seen(two_endpoints, RST, RST, RST)]) == ()
    assert matrices([two_endpoints]) == ()


def test_unlike_endpoints_make_a_table(two_endpoints: Scene) -> None:
    (table,) = matrices([_seen(two_endpoints, OK, OK, RST)])
    assert [row.entrance for row in table.rows] == [True, False, False]
    assert table.sentence.startswith("1 of 2 endpoints refuses: pod/")


def test_several_places_make_a_table_in_their_order(two_endpoints: Scene) -> None:
    places = [Vantage("pod", node=name, name=f"node/{name}", key=f"node/{name}") for name in ("node1", "node2")]
    scenes = [_seen(replace(two_endpoints, vantage=place), OK, OK, OK) for place in places]
    (table,) = matrices(scenes)
    assert table.vantages == ("a pod on node1", "a pod on node2")
    assert table.sentence == "all 2 endpoints accept from each of 2 places"


def test_often_dialled_makes_a_table(two_endpoints: Scene) -> None:
    (table,) = matrices([_seen(two_endpoints, OK, OK, RST, heard=((OK, 1), (RST, 2)))])
    assert table.rows[2].cells[0].heard == {"accepted": 1, "refused": 2}
