"""An ExternalName that leads out of the cluster: what is dialled there, and what is told where nothing is."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from kubectl_refused.causes import catalogue
from kubectl_refused.judge.verdict import judge
from kubectl_refused.model.facts import (
    HANDSHAKE,
    LOOKUP,
    POLICIES_IN,
    Dial,
    Fact,
    FactStore,
    NameKey,
    NamespaceKey,
    Need,
)
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.observation import Icmp, Lookup, Outcome
from kubectl_refused.model.report import Diagnosis
from kubectl_refused.model.scene import Scene
from kubectl_refused.model.target import HERE, Depth, Target, Vantage
from kubectl_refused.trace.aliases import outside
from kubectl_refused.trace.questions import not_walked, questions
from kubectl_refused.trace.rulings import rule
from kubectl_refused.trace.scenes import scenes, with_siblings
from tests.scenery import dialled, service, snapshot

HOST = "db.example.com"
PG = {"name": "pg", "port": 5432, "protocol": "TCP"}
TLS = {"name": "tls", "port": 5433, "protocol": "TCP"}
UDP = {"name": "dns", "port": 53, "protocol": "UDP"}


def seen(
    port: str | None = None, *ports: dict[str, Any], leads: str = HOST, facts: Any = None, at: str = ""
) -> tuple[Scene, ...]:
    """The scenes of svc/web:PORT, which leads to a host outside."""
    alias = service(type="ExternalName", externalName=leads, clusterIP=None, selector=None)
    alias = replace(
        alias, spec=replace(alias.spec, ports=service(ports=list(ports)).spec.ports if ports else None)
    )
    place = Vantage("pod", "shop", "node1", address="10.0.0.200", key=at)
    return scenes(Target("web", "shop", port), snapshot(alias), FactStore(facts or {}), place)


def asked(fact: Fact[Any], *seen: Scene) -> list[Any]:
    return [need.subject for scene in seen for need in questions(scene) if need.fact is fact]


def told(facts: Any, port: str = "5432", *ports: dict[str, Any]) -> Diagnosis:
    rulings = [rule(scene, catalogue()) for scene in with_siblings(seen(port, *ports, facts=facts))]
    return judge(Target("web", "shop", port), rulings, context="", depth=Depth.PODS, gaps=(), touched=())


@pytest.mark.parametrize(
    ("port", "ports", "dialled"),
    [
        ("5432", (), [5432]),
        ("7000", (PG, TLS), [7000]),  # DNS ignores what is listed: the client's own port counts
        ("tls", (PG, TLS), [5433]),
        (None, (PG, TLS, UDP), [5432, 5433]),
        (None, (), []),
        ("nosuch", (PG,), []),
        (None, (UDP,), []),
    ],
)
def test_the_port_asked_for_is_dialled_at_the_host_else_each_that_is_listed(
    port: str | None, ports: tuple[dict[str, Any], ...], dialled: list[int]
) -> None:
    found = seen(port, *ports)
    assert asked(HANDSHAKE, *found) == [Dial(f"{HOST}.", number) for number in dialled]
    assert set(asked(LOOKUP, *found)) == ({NameKey("web.shop.svc")} if dialled else set())


def test_a_machine_outside_asks_its_own_resolver() -> None:
    (here,) = seen("5432", at=HERE)
    assert [need.fact for need in questions(here)] == [HANDSHAKE]


@pytest.mark.parametrize(
    "leads", ["db.shop.svc.cluster.local", "db.shop.svc", "10.9.8.7", "10.9.8.7.", "fd00::1", ""]
)
def test_a_service_of_the_cluster_or_an_address_is_no_host_outside(leads: str) -> None:
    assert outside(leads) == ""
    assert asked(HANDSHAKE, *seen("5432", leads=leads)) == []


@pytest.mark.parametrize(
    ("port", "depth", "because", "remedy"),
    [
        ("5432", Depth.PODS, None, ""),
        ("5432", Depth.NONE, "an ExternalName leads out of the cluster and is not dialled", ""),
        (None, Depth.PODS, "svc/web lists no TCP port and an ExternalName has none of its own", "svc/web:PORT"),
        ("pg", Depth.PODS, "svc/web lists no TCP port named pg and an ExternalName has none", "svc/web:PORT"),
    ],
)
def test_what_is_not_dialled_is_told_with_what_to_type(
    port: str | None, depth: Depth, because: str | None, remedy: str
) -> None:
    (scene,) = seen(port)
    gaps = list(not_walked(scene.target, scene.snapshot, depth))
    assert len(gaps) == (because is not None)
    for gap in gaps:
        assert gap.because.startswith(because or "")
        assert remedy in gap.remedy


def test_an_address_in_an_external_name_is_told_as_none() -> None:
    (scene,) = seen("5432", leads="10.9.8.7")
    (gap,) = not_walked(scene.target, scene.snapshot)
    assert gap == Gap(
        "10.9.8.7", "an ExternalName is a name to DNS: an address there is not resolved, and was not dialled"
    )


def test_a_refusal_out_there_reaches_every_part_of_the_report() -> None:
    report = told(dialled(f"{HOST}.", 5432))
    (path,) = report.paths
    assert (report.outcome, path.port, path.entrance) == (Outcome.REFUSED, "5432", f"{HOST}:5432")
    assert [(dial.address, dial.outcome) for dial in path.dials] == [(f"{HOST}:5432", Outcome.REFUSED)]
    assert [(hop.label, hop.status) for hop in path.hops[1:]] == [
        ("svc/web:5432", "ok"),
        (f"{HOST}:5432", "broken"),
    ]
    assert report.root is not None
    assert report.root.says == f"{HOST}, outside of the cluster, refuses port 5432"


def test_a_host_that_accepts_is_healthy_at_the_depth_asked() -> None:
    report = told(dialled(f"{HOST}.", 5432, Outcome.ACCEPTED))
    assert (report.outcome, report.root, report.complete) == (Outcome.ACCEPTED, None, True)
    assert report.paths[0].summary == f"{HOST}:5432 accepted, 0.2 ms"


def test_a_host_that_was_not_dialled_is_not_judged() -> None:
    report = told({})
    assert (report.outcome, report.root, report.complete) == (Outcome.UNKNOWN, None, False)
    assert [hop.status for hop in report.paths[0].hops] == ["start", "ok", "unknown"]


def test_a_name_that_does_not_resolve_breaks_at_the_service() -> None:
    name = "web.shop.svc"
    facts = dialled(f"{HOST}.", 5432, Outcome.UNRESOLVED) | {
        Need(LOOKUP, NameKey(name)): Lookup(name, (), 0.1, "probe-pod", "EAI_NONAME: Name or service not known")
    }
    report = told(facts)
    assert report.root is not None
    assert (report.outcome, report.root.code) == (Outcome.UNRESOLVED, "KR109")
    assert [hop.status for hop in report.paths[0].hops] == ["start", "broken"]
    assert report.paths[0].chain == ()


def test_who_rejects_out_there_is_no_service_proxy() -> None:
    none = {Need(POLICIES_IN, NamespaceKey("shop")): ()}
    report = told(dialled(f"{HOST}.", 5432, Outcome.REJECTED, icmp=Icmp(3, 3, "203.0.113.9")) | none)
    assert report.root is not None
    assert report.root.headline == f"a firewall before {HOST}, outside of the cluster, rejects port 5432"
    assert report.paths[0].hops[-1].note.startswith("ICMP port unreachable from 203.0.113.9")


def test_a_port_that_somebody_believed_translated_is_named_in_the_fix() -> None:
    report = told(dialled(f"{HOST}.", 80), "80", {"port": 80, "protocol": "TCP", "targetPort": 8080})
    assert report.root is not None
    assert report.root.fix is not None
    assert "likely 8080" in report.root.fix.summary
