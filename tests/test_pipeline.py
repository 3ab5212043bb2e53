"""The rounds of a diagnosis: what is asked, in which order, and when it ends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from kubectl_refused.model.facts import (
    EVENTS,
    HANDSHAKE,
    LISTENERS,
    LOOKUP,
    POLICIES_IN,
    Fact,
    FactStore,
    Need,
)
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.objects import KubernetesObject, Service
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.report import Diagnosis
from kubectl_refused.model.snapshot import Change, Coverage, Snapshot, fold
from kubectl_refused.model.target import Depth, Target, Vantage
from kubectl_refused.pipeline import MOST_ROUNDS, diagnose, diagnose_all
from tests.scenery import CLUSTER_IP, TARGET, dialled, endpoint_slice, listening, pod, service

ACCEPTED = Outcome.ACCEPTED


@dataclass
class ListSource:
    """A cluster that holds these objects, read completely unless `gaps` says otherwise."""

    objects: tuple[KubernetesObject, ...]
    gaps: tuple[Gap, ...] = ()
    origin: str = "cluster"

    def read(self, target: Target) -> Iterable[Change]:
        """All of it."""
        yield from (Change(1.0, value=o) for o in self.objects)
        yield from (Change(1.0, gap=g) for g in self.gaps)
        for kind in ("Service", "EndpointSlice", "Pod"):
            yield Change(1.0, covered=Coverage(kind, target.namespace))


@dataclass
class ListLearner:
    """Knows these facts and nothing else; remembers what was asked, round by round."""

    facts: Mapping[Need, Any]
    rounds: list[list[Need]] = field(default_factory=list)
    notices: list[Gap] = field(default_factory=list)

    def gaps_about(self, needs: Iterable[Need]) -> list[Gap]:
        return []

    def notices_about(self, needs: Iterable[Need]) -> list[Gap]:
        return []

    def learn(self, needs: Iterable[Need], snapshot: Snapshot, facts: FactStore) -> list[tuple[Need, object]]:
        """A value, an empty answer for objects, or a Gap."""
        self.rounds.append(list(needs))
        return [(need, self.facts.get(need, _unknown(need))) for need in self.rounds[-1]]

    def vantages(self) -> tuple[Vantage, ...]:
        return (Vantage("pod", "shop", "node1", address="10.0.0.200"),)

    @property
    def asked(self) -> list[Fact[Any]]:
        """Every fact asked for, once for each subject."""
        return [need.fact for batch in self.rounds for need in batch]


def _unknown(need: Need) -> Any:
    listed = need.fact.name.endswith(("-in", "-elsewhere")) or need.fact in (EVENTS,)
    return () if listed else Gap(need.fact.about, "nobody knows")


def run(
    *objects: KubernetesObject,
    facts: Mapping[Need, Any] = {},
    depth: Depth = Depth.PODS,
    target: Target = TARGET,
    gaps: tuple[Gap, ...] = (),
) -> tuple[Diagnosis, ListLearner]:
    have = objects if any(isinstance(o, Service) for o in objects) else (service(), *objects)
    learner = ListLearner(facts)
    return diagnose(target, ListSource(have, gaps), learner, depth=depth), learner


def healthy() -> dict[Need, Any]:
    return {**dialled(CLUSTER_IP, 80, ACCEPTED), **dialled("10.0.0.1", 8080, ACCEPTED)}


def test_a_healthy_path_says_what_accepted() -> None:
    told, learner = run(pod(), endpoint_slice(pod()), facts=healthy())
    assert (told.outcome, told.root, told.complete) == (ACCEPTED, None, True)
    assert told.paths[0].summary.startswith("1 of 1 endpoints accepted")
    assert set(learner.asked) <= {HANDSHAKE, LOOKUP}, "nothing else is asked of a path that works"


def test_at_depth_none_the_scene_asks_nothing_of_the_network() -> None:
    told, learner = run(pod(), endpoint_slice(pod()), depth=Depth.NONE)
    assert LOOKUP not in learner.asked
    assert (told.outcome, told.depth, told.root) == (Outcome.UNTRIED, "objects", None)


def test_what_is_beyond_reach_is_told_and_not_asked_for() -> None:
    snapshot = fold(ListSource((service(), pod(), endpoint_slice(pod()))).read(TARGET))
    told: list[Diagnosis] = []
    asked = []
    for beyond in ({}, {HANDSHAKE: Gap(HANDSHAKE.about, "nobody knows")}):
        learner = ListLearner({})
        told += diagnose_all([TARGET], snapshot, learner, depth=Depth.NONE, beyond=beyond)
        asked.append(HANDSHAKE in learner.asked)
    assert asked == [True, False]
    assert told[0] == told[1]


def test_what_objects_prove_costs_no_dial() -> None:
    told, learner = run(pod(metadata={"labels": {"app": "api"}}), endpoint_slice())
    assert told.root is not None
    assert told.root.name == "selector-matches-nothing"
    assert HANDSHAKE not in learner.asked
    assert told.outcome is Outcome.UNTRIED


def test_objects_are_read_before_anything_is_dialled() -> None:
    crashed = pod(ready=False, status={"state": {"waiting": {"reason": "ImagePullBackOff"}}})
    _, learner = run(crashed, endpoint_slice(crashed))
    assert learner.rounds
    assert all(n.fact.quiet for n in learner.rounds[0])


def test_three_faults_come_out_in_the_order_to_mend_them() -> None:
    probe = {"readinessProbe": {"tcpSocket": {"port": 9090}}}
    made = pod(ready=False, container=probe)
    facts = {
        **dialled(CLUSTER_IP, 80, Outcome.REJECTED),
        **dialled("10.0.0.1", 9999),
        **listening("web-1", ("127.0.0.1", 8080)),
    }
    ports = [{"port": 80, "protocol": "TCP", "targetPort": 9999}]
    told, _ = run(service(ports=ports), made, endpoint_slice(made, port=9999), facts=facts)
    assert told.root is not None
    found = [told.root.name, *(r.name for r in told.paths[0].chain)]
    assert found == ["readiness-probe-wrong-port", "wrong-target-port", "listens-on-loopback"]


def test_the_worst_path_speaks() -> None:
    ports = [
        {"name": "good", "port": 80, "protocol": "TCP", "targetPort": 8080},
        {"name": "bad", "port": 81, "protocol": "TCP", "targetPort": "nosuch"},
    ]
    told, _ = run(service(ports=ports), pod(), endpoint_slice(pod(), name="good"), facts=healthy())
    assert told.root is not None
    assert told.root.name == "one-port-unresolved"
    assert told.paths[0].root == told.root
    assert {p.port for p in told.paths} == {"80", "81"}


def test_k_of_n_is_mixed_and_names_the_one_that_refuses() -> None:
    one, two = pod("web-1"), pod("web-2", ip="10.0.0.2")
    facts = {**healthy(), **dialled("10.0.0.2", 8080), **listening("web-2", ("127.0.0.1", 8080))}
    told, _ = run(one, two, endpoint_slice(one, two), facts=facts)
    assert told.outcome is Outcome.MIXED
    assert told.root is not None
    assert told.root.name == "listens-on-loopback"
    assert "web-2" in told.root.where


def test_what_could_not_be_read_is_told_and_not_complete() -> None:
    gap = Gap("EndpointSlices", "forbidden: list endpointslices in namespace shop", "grant list endpointslices")
    told, _ = run(pod(), gaps=(gap,))
    assert not told.complete
    assert gap.because in [g.because for g in told.gaps]


def test_gaps_of_a_proved_path_are_not_told() -> None:
    facts = {**dialled(CLUSTER_IP, 80), **dialled("10.0.0.1", 8080), **listening("web-1", ("127.0.0.1", 8080))}
    told, _ = run(pod(), endpoint_slice(pod()), facts=facts)
    assert told.root is not None
    assert told.root.name == "listens-on-loopback"
    assert told.gaps == ()


def test_nothing_is_asked_twice_and_it_ends() -> None:
    _, learner = run(pod(), endpoint_slice(pod()), facts=dialled("10.0.0.1", 8080))
    needs = [need for batch in learner.rounds for need in batch]
    assert len(needs) == len(set(needs))
    assert len(learner.rounds) < MOST_ROUNDS


def test_a_refusal_that_nobody_explains_has_no_root_but_gaps() -> None:
    told, learner = run(
        pod(), endpoint_slice(pod()), facts={**dialled(CLUSTER_IP, 80), **dialled("10.0.0.1", 8080)}
    )
    assert (told.outcome, told.root) == (Outcome.REFUSED, None)
    assert LISTENERS in learner.asked
    assert POLICIES_IN in learner.asked
    assert told.gaps


@pytest.mark.parametrize("port", ["80", "http"])
def test_a_port_by_number_or_name_is_one_path(port: str) -> None:
    ports = [{"name": n, "port": p, "protocol": "TCP", "targetPort": 8080} for n, p in (("http", 80), ("alt", 81))]
    target = Target("web", "shop", port)
    told, _ = run(service(ports=ports), pod(), endpoint_slice(pod(), name="http"), facts=healthy(), target=target)
    assert [p.port for p in told.paths] == ["80"]
