"""Who may have a finding ignored, and what speaks then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from kubectl_refused.causes import catalogue
from kubectl_refused.model.facts import WORKLOAD, Need, PodKey
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.report import Diagnosis
from kubectl_refused.model.snapshot import fold
from kubectl_refused.model.target import Depth, Target
from kubectl_refused.pipeline import diagnose_all
from kubectl_refused.trace.ignores import Ignored, IgnoreRule, Ignores
from tests.scenery import CLUSTER_IP, TARGET, dialled, endpoint_slice, listening, pod, scene, service, workload
from tests.test_pipeline import ListLearner, ListSource

LOOPBACK = next(cause for cause in catalogue() if cause.code == "KR403")
BY_FLAG = IgnoreRule("KR403", "--ignore")


@pytest.mark.parametrize(
    ("rule", "matches"),
    [
        (BY_FLAG, True),
        (IgnoreRule("kr403", "x"), True),
        (IgnoreRule("listens_on_loopback", "x"), True),
        (IgnoreRule("KR401", "x"), False),
        (IgnoreRule("KR403", "x", namespace="sh*"), True),
        (IgnoreRule("KR403", "x", namespace="e2e-*"), False),
        (IgnoreRule("KR403", "x", service="we?"), True),
        (IgnoreRule("KR403", "x", service="debug-*"), False),
    ],
)
def test_rules(rule: IgnoreRule, matches: bool) -> None:
    assert rule.matches(LOOPBACK, scene(pod(), endpoint_slice(pod()))) is matches


def annotated(text: str) -> dict[str, Any]:
    return {"annotations": {"refused.dev/ignore": text}}


def test_annotations_of_the_pod_and_its_workload() -> None:
    marked, plain = pod(metadata=annotated("other, listens-on-loopback")), pod()
    by_pod = scene(marked, endpoint_slice(marked))
    everything = Ignores(annotations=True)
    view = by_pod.at_endpoint(by_pod.ready_endpoints[0])
    assert everything.of(LOOPBACK, view) == Ignored("annotation of pod/web-1")
    assert Ignores().of(LOOPBACK, view) is None, "annotations count where they are asked for only"
    key = Need(WORKLOAD, PodKey("shop", "web-1"))
    by_owner = scene(plain, endpoint_slice(plain), facts={key: workload(**annotated("KR403"))})
    view = by_owner.at_endpoint(by_owner.ready_endpoints[0])
    assert everything.of(LOOPBACK, view) == Ignored("annotation of deployment/web")


def judged(ignores: Ignores, facts: Mapping[Need, Any], port: int = 8080) -> Diagnosis:
    """svc/web, whose targetPort is `port`."""
    made = service(ports=[{"port": 80, "protocol": "TCP", "targetPort": port}])
    snapshot = fold(ListSource((made, pod(), endpoint_slice(pod(), port=port))).read(TARGET))
    (told,) = diagnose_all([TARGET], snapshot, ListLearner(facts), depth=Depth.PODS, ignores=ignores)
    return told


def refused(port: int = 8080, *sockets: tuple[str, int]) -> dict[Need, Any]:
    return {
        **dialled(CLUSTER_IP, 80, Outcome.REFUSED),
        **dialled("10.0.0.1", port),
        **listening("web-1", *(sockets or (("127.0.0.1", 8080),))),
    }


def test_an_ignored_root_is_no_fault_and_its_symptoms_are_none() -> None:
    told = judged(Ignores((BY_FLAG,)), refused())
    (path,) = told.paths
    assert (told.root, path.chain, path.overlooked) == (None, (), True)
    assert [(one.code, one.by) for one in path.ignored] == [("KR403", "--ignore")]
    assert told.outcome is Outcome.REFUSED


def test_then_the_next_of_the_chain_speaks() -> None:
    facts = refused(9999, ("127.0.0.1", 8080))
    before = judged(Ignores(), facts, 9999)
    assert before.root is not None
    chain = [before.root.code, *(root.code for root in before.paths[0].chain)]
    assert len(chain) > 1
    after = judged(Ignores((IgnoreRule(chain[0], "--ignore"),)), facts, 9999)
    assert after.root is not None
    assert after.root.code == chain[1]
    assert [one.code for one in after.paths[0].ignored] == chain[:1]


def test_targets_share_what_is_learnt_and_each_has_the_verdict_it_has_alone() -> None:
    both = [Target("web", "shop", "80"), Target("web", "shop")]
    snapshot = fold(ListSource((service(), pod(), endpoint_slice(pod()))).read(TARGET))
    learner = ListLearner(refused())
    told = diagnose_all(both, snapshot, learner, depth=Depth.PODS)
    alone = [diagnose_all([one], snapshot, ListLearner(refused()), depth=Depth.PODS)[0] for one in both]
    assert list(told) == alone
    needs = [need for batch in learner.rounds for need in batch]
    assert len(needs) == len(set(needs)), "nothing is learnt twice"
