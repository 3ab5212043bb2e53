"""What looks well at first sight gets the row that the whole way gives it; the others go the whole way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kubectl_refused.causes import catalogue
from kubectl_refused.cli import scan_judging
from kubectl_refused.judge.first_sight import well_at_first_sight
from kubectl_refused.judge.scanning import Judged, judged
from kubectl_refused.model.facts import HANDSHAKE, FactStore
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.objects import Pod, Service
from kubectl_refused.model.snapshot import SeenObject, Snapshot
from kubectl_refused.model.target import Depth, Target, Vantage
from kubectl_refused.pipeline import diagnose_all
from kubectl_refused.trace.calm import calm, calm_by_slices
from kubectl_refused.trace.ignores import Ignores
from kubectl_refused.trace.rulings import rule
from kubectl_refused.trace.scenes import scenes
from tests.calm_worlds import contented, read_whole
from tests.case_folders import Case, cases
from tests.case_runs import CaseLearner
from tests.crowds import crowded, decoded

UNDIALLED = {HANDSHAKE: Gap(HANDSHAKE.about, "not asked for")}
VANTAGES = (Vantage(""),)
IGNORES = Ignores(annotations=True)
OF_SERVICES = [case for case in cases() if case.target.is_service]


def first(targets: Sequence[Target], snapshot: Snapshot) -> list[Judged | None]:
    facts = FactStore(beyond=UNDIALLED)
    return list(well_at_first_sight(targets, snapshot, facts, VANTAGES, IGNORES))


def whole(targets: Sequence[Target], snapshot: Snapshot, world: Sequence[SeenObject]) -> list[Judged]:
    learner = CaseLearner(world, {}, targets[0].namespace, Depth.NONE)
    told = diagnose_all(
        targets, snapshot, learner, depth=Depth.NONE, ignores=IGNORES, beyond=UNDIALLED, of_many=True
    )
    return [judged(one, snapshot) for one in told]


def targets_in(snapshot: Snapshot) -> list[Target]:
    return [Target(one.metadata.name, one.metadata.namespace) for one in snapshot.services()]


def agree(world: Sequence[SeenObject]) -> int:
    """Hold both ways against each other; how many Services were well at first sight."""
    snapshot = read_whole(world)
    targets = targets_in(snapshot)
    seen = first(targets, snapshot)
    by_the_whole = whole(targets, snapshot, world)
    for quick, slow in zip(seen, by_the_whole, strict=True):
        assert quick is None or quick == slow
    return sum(1 for one in seen if one is not None)


def worlds(case: Case) -> Iterator[tuple[SeenObject, ...]]:
    """Refused in every dress and healthy, each as it is and with its pods well and listed."""
    for name in (*case.dresses, "healthy"):
        world = case.world(name)
        yield world
        yield contented(world, case.target)


@pytest.mark.parametrize("case", OF_SERVICES, ids=str)
def test_first_sight_tells_what_the_whole_way_tells(case: Case) -> None:
    for world in worlds(case):
        if any(isinstance(one, Service) for one in world):
            agree(world)


def test_most_cases_look_well_once_their_pods_do() -> None:
    """So that the test above is about something."""
    told = [agree(contented(case.world("healthy"), case.target)) for case in OF_SERVICES]
    assert sum(1 for one in told if one) > len(told) / 2


@pytest.mark.parametrize("case", OF_SERVICES, ids=str)
def test_what_needs_a_symptom_neither_finds_nor_asks_without_one(case: Case) -> None:
    """Each cause in every world that was made to look well, its own among them."""
    quiet = [cause for cause in catalogue("Service") if cause.needs_symptom]
    facts = FactStore(beyond=UNDIALLED)
    for world in worlds(case):
        snapshot = read_whole(world)
        for target in targets_in(snapshot):
            for scene in scenes(target, snapshot, facts, Vantage("objects")):
                if calm(scene):
                    told = rule(scene, quiet)
                    assert [one.cause.name for one in (*told.found, *told.notes)] == []
                    assert [one.need for one in told.open if one.gap is None] == []


def test_of_a_crowd_only_what_looks_odd_goes_the_whole_way() -> None:
    assert agree(decoded(crowded(100))) == 97


def test_by_slices_alone_whoever_looks_well_does_so_with_pods_too() -> None:
    world = decoded(crowded(100))
    snapshot, outline = read_whole(world), read_whole([one for one in world if not isinstance(one, Pod)])
    targets, facts = targets_in(snapshot), FactStore(beyond=UNDIALLED)
    skimmed = list(well_at_first_sight(targets, outline, facts, VANTAGES, IGNORES, calm_by_slices))
    assert skimmed == first(targets, snapshot)
    assert skimmed.count(None) == 3
    assert first(targets, outline) == [None] * 100  # for want of pods nobody is well who should have some


# Somewhere in an object, another value; what then is no object any more is no matter here.
EDITS: tuple[tuple[str, tuple[str | int, ...], tuple[Any, ...]], ...] = (
    ("Pod", ("status", "phase"), ("Pending", "Failed", "Succeeded")),
    ("Pod", ("status", "reason"), ("Evicted",)),
    ("Pod", ("status", "podIP"), ("10.1.1.1", "")),
    ("Pod", ("status", "conditions", 3, "status"), ("False", "Unknown")),
    ("Pod", ("status", "containerStatuses", 0, "ready"), (False,)),
    ("Pod", ("status", "containerStatuses", 0, "state"), ({"waiting": {"reason": "CrashLoopBackOff"}}, {})),
    ("Pod", ("status", "containerStatuses", 0, "lastState"), ({"terminated": {"exitCode": 137}},)),
    ("Pod", ("status", "initContainerStatuses", 0, "state"), ({"running": {}}, {"terminated": {"exitCode": 1}})),
    ("Pod", ("metadata", "deletionTimestamp"), ("2026-11-01T08:00:00Z",)),
    ("Pod", ("metadata", "labels", "app"), ("other",)),
    ("Pod", ("metadata", "labels", "istio.io/dataplane-mode"), ("ambient",)),
    ("Pod", ("metadata", "annotations", "sidecar.istio.io/status"), ("{}",)),
    ("Pod", ("spec", "hostNetwork"), (True,)),
    ("Pod", ("spec", "containers", 0, "args"), (["--listen=127.0.0.1:8080"], ["--port=9999"], None)),
    ("Pod", ("spec", "containers", 0, "ports"), ([], [{"name": "http", "containerPort": 9}])),
    ("Pod", ("spec", "containers", 0, "name"), ("istio-proxy",)),
    ("Service", ("spec", "selector"), ({}, {"team": "team-000"}, {"app": "nobody"})),
    ("Service", ("spec", "type"), ("NodePort", "LoadBalancer", "ExternalName")),
    ("Service", ("spec", "externalName"), ("web.example",)),
    ("Service", ("spec", "externalIPs"), (["10.9.9.9"],)),
    ("Service", ("spec", "clusterIP"), ("None",)),
    ("Service", ("spec", "clusterIPs"), (["None"], ["10.96.9.9", "fd00::1"])),
    ("Service", ("spec", "ipFamilies"), (["IPv6"], ["IPv4", "IPv6"])),
    ("Service", ("spec", "internalTrafficPolicy"), ("Local",)),
    ("Service", ("spec", "externalTrafficPolicy"), ("Local",)),
    ("Service", ("spec", "publishNotReadyAddresses"), (True,)),
    ("Service", ("spec", "ports"), ([], [{"name": "x", "port": 1, "protocol": "UDP"}])),
    ("Service", ("spec", "ports", 0, "name"), ("web", "")),
    ("Service", ("metadata", "deletionTimestamp"), ("2026-11-01T08:00:00Z",)),
    ("Service", ("metadata", "annotations", "refused.dev/ignore"), ("wrong-target-port",)),
    ("EndpointSlice", ("ports",), ([], [{"name": "http", "port": 8081, "protocol": "TCP"}])),
    ("EndpointSlice", ("addressType",), ("IPv6",)),
    ("EndpointSlice", ("endpoints", 0, "conditions"), ({"ready": False}, {"terminating": True}, {})),
    ("EndpointSlice", ("endpoints", 0, "addresses"), (["10.1.1.1"], [])),
    ("EndpointSlice", ("endpoints", 0, "targetRef"), (None, {"kind": "Pod", "name": "gone"})),
    ("EndpointSlice", ("endpoints",), ([], None)),
    ("EndpointSlice", ("metadata", "labels", "kubernetes.io/service-name"), ("web-00001",)),
    ("EndpointSlice", ("metadata", "labels", "endpointslice.kubernetes.io/managed-by"), ("me",)),
)  # fmt: skip
BODIES = msgspec.json.encode(crowded(2))
EDIT = st.sampled_from(EDITS).flatmap(
    lambda edit: st.tuples(st.just(edit[0]), st.just(edit[1]), st.sampled_from(edit[2]), st.integers(0, 9))
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(EDIT, max_size=3), st.integers(0, 1))
def test_whatever_changes_both_ways_agree(edits: list[tuple[str, Any, Any, int]], dropped: int) -> None:
    bodies: list[dict[str, Any]] = msgspec.json.decode(BODIES)
    for kind, path, value, which in edits:
        mine = [body for body in bodies if body["kind"] == kind]
        _set(mine[which % len(mine)], path, value)
    agree(decoded(bodies[: len(bodies) - dropped]))


def _set(body: Any, path: Sequence[str | int], value: Any) -> None:
    *way, last = path
    for step in way:
        if isinstance(body, dict):
            body = body.setdefault(step, {})
        elif isinstance(body, list) and len(body) > int(step):
            body = body[int(step)]
        if not isinstance(body, dict | list) or body == []:
            return
    if isinstance(body, dict):
        body[last] = value


def test_progress_counts_to_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are in turns: what is well at first sight is done before."""
    monkeypatch.setattr(scan_judging, "TOGETHER", 2)
    world = decoded(crowded(100))
    snapshot, counted = read_whole(world), list[tuple[int, int]]()
    learner = CaseLearner(world, {}, "team-000", Depth.NONE)
    monkeypatch.setattr(scan_judging, "beyond_of", lambda _: UNDIALLED)
    judging = scan_judging.ScanJudging(
        snapshot, learner, Depth.NONE, "", IGNORES, lambda _: None, lambda done, of: counted.append((done, of))
    )
    targets = targets_in(snapshot)
    told = judging.judge(targets, of_many=False)
    assert told == whole(targets, snapshot, world)
    assert {of for _, of in counted} == {100}
    assert [done for done, _ in counted] == sorted(done for done, _ in counted)
    assert min(done for done, _ in counted) >= 97
