"""Facts from objects: few requests, none twice, a Gap for each refusal."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_refused.connection.errors import Unreachable
from kubectl_refused.model import facts as f
from kubectl_refused.model.facts import FactStore, NamespaceKey, Need, PodKey
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.objects import Metadata, Workload
from kubectl_refused.model.snapshot import Coverage, Snapshot
from kubectl_refused.probes.object_reads import ObjectReads
from tests.fakes import FakeConnection, ask, forbidden, probe_context

SHOP = NamespaceKey("shop")
CORE = "/api/v1/namespaces/shop"
APPS = "/apis/apps/v1/namespaces/shop"
POLICIES = "/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies"
SLICES = "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices"


def named(name: str, **more: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "shop", **more}}


def owned(name: str, kind: str, owner: str, **labels: str) -> dict[str, Any]:
    owners = [{"kind": "Other", "name": "x"}, {"kind": kind, "name": owner, "controller": True}]
    return named(name, ownerReferences=owners, labels=labels)


def deployment(name: str, **selector: str) -> dict[str, Any]:
    return {**named(name), "spec": {"selector": {"matchLabels": selector}}}


def names(found: Any) -> list[str]:
    return [item.metadata.name for item in found]


@pytest.mark.parametrize(
    ("fact", "subject", "path", "query"),
    [
        (f.PODS_IN, SHOP, f"{CORE}/pods", ""),
        (f.SERVICES_IN, SHOP, f"{CORE}/services", ""),
        (f.SLICES_IN, SHOP, SLICES, ""),
        (f.POLICIES_IN, SHOP, POLICIES, ""),
        (f.SERVICES_NAMED, f.NameKey("web"), "/api/v1/services", "?fieldSelector=metadata.name=web"),
        (
            f.PODS_ELSEWHERE,
            f.SelectorKey((("a", "b"), ("c", "d"))),
            "/api/v1/pods",
            "?labelSelector=a=b,c=d&resourceVersion=0",
        ),
    ],
)
def test_each_list_is_one_bounded_request(fact: Any, subject: Any, path: str, query: str) -> None:
    fake = FakeConnection({path: [named(f"x{i}") for i in range(1200)]})
    (found,) = ask(ObjectReads(), probe_context(fake), fact, subject)
    assert fake.asked == [f"LIST {path}{query}"]
    assert len(found) == (50 if fact is f.PODS_ELSEWHERE else 500)


def test_pods_that_the_snapshot_covers_are_not_read_again() -> None:
    fake = FakeConnection({})
    snapshot = Snapshot(coverage=frozenset({Coverage("Pod", "shop")}))
    assert ask(ObjectReads(), probe_context(fake, snapshot=snapshot), f.PODS_IN, SHOP) == [()]
    assert fake.asked == []


def test_a_namespace_is_one_get() -> None:
    (found,) = ask(ObjectReads(), probe_context(FakeConnection({CORE: named("shop")})), f.NAMESPACE, SHOP)
    assert found.metadata.name == "shop"


def test_workloads_know_their_kind() -> None:
    fake = FakeConnection(
        {f"{APPS}/deployments": [named("d")], f"{APPS}/statefulsets": [named("s")], f"{APPS}/daemonsets": []}
    )
    (found,) = ask(ObjectReads(), probe_context(fake), f.WORKLOADS_IN, SHOP)
    assert [(w.kind, w.metadata.name) for w in found] == [("Deployment", "d"), ("StatefulSet", "s")]


def test_workloads_are_told_even_where_one_kind_is_refused() -> None:
    no = forbidden("list", "statefulsets.apps")
    fake = FakeConnection(
        {f"{APPS}/deployments": [named("d")], f"{APPS}/statefulsets": no, f"{APPS}/daemonsets": no}
    )
    (found,) = ask(ObjectReads(), probe_context(fake), f.WORKLOADS_IN, SHOP)
    assert names(found) == ["d"]


def test_a_refusal_says_what_to_grant() -> None:
    fake = FakeConnection({POLICIES: forbidden("list", "networkpolicies.networking.k8s.io")})
    assert ask(ObjectReads(), probe_context(fake), f.POLICIES_IN, SHOP) == [
        Gap(
            "NetworkPolicies",
            "forbidden: list networkpolicies in namespace shop",
            "grant list networkpolicies.networking.k8s.io",
        )
    ]


def test_a_refusal_for_the_whole_cluster_says_so() -> None:
    fake = FakeConnection({"/api/v1/services": forbidden("list", "services", "")})
    (gap,) = ask(ObjectReads(), probe_context(fake), f.SERVICES_NAMED, f.NameKey("web"))
    assert gap.because == "forbidden: list services in all namespaces"


def test_a_lost_cluster_ends_the_run() -> None:
    with pytest.raises(Unreachable):
        ask(ObjectReads(), probe_context(FakeConnection({CORE: Unreachable("gone")})), f.NAMESPACE, SHOP)


def test_a_deployment_is_found_by_hash_in_one_request_for_all_its_pods() -> None:
    pods = [
        owned(f"web-{i}", "ReplicaSet", "web-7d9f", app="web", **{"pod-template-hash": "7d9f"}) for i in range(3)
    ]
    answers = {f"{CORE}/pods/{pod['metadata']['name']}": pod for pod in pods}
    fake = FakeConnection({**answers, f"{APPS}/deployments/web": deployment("web", app="web")})
    found = ask(ObjectReads(), probe_context(fake), f.WORKLOAD, *[PodKey("shop", f"web-{i}") for i in range(3)])
    assert {(w.kind, w.metadata.name) for w in found} == {("Deployment", "web")}
    assert [asked for asked in fake.asked if "/apis" in asked] == [f"GET {APPS}/deployments/web"]


def test_a_deployment_that_selects_other_pods_is_not_believed() -> None:
    pod = owned("web-1", "ReplicaSet", "web-7d9f", app="web", **{"pod-template-hash": "7d9f"})
    fake = FakeConnection(
        {
            f"{CORE}/pods/web-1": pod,
            f"{APPS}/deployments/web": deployment("web", app="other"),
            f"{APPS}/replicasets/web-7d9f": owned("web-7d9f", "Rollout", "web"),
        }
    )
    (found,) = ask(ObjectReads(), probe_context(fake), f.WORKLOAD, PodKey("shop", "web-1"))
    assert (found.kind, found.metadata.name) == ("Rollout", "web")


def test_a_job_leads_to_its_cron_job() -> None:
    fake = FakeConnection(
        {
            f"{CORE}/pods/j-1": owned("j-1", "Job", "j"),
            "/apis/batch/v1/namespaces/shop/jobs/j": owned("j", "CronJob", "nightly"),
            "/apis/batch/v1/namespaces/shop/cronjobs/nightly": named("nightly"),
        }
    )
    (found,) = ask(ObjectReads(), probe_context(fake), f.WORKLOAD, PodKey("shop", "j-1"))
    assert (found.kind, found.metadata.name) == ("CronJob", "nightly")


def test_workloads_that_are_known_cost_no_request() -> None:
    known = Workload(kind="StatefulSet", metadata=Metadata(name="db", namespace="shop"))
    facts = FactStore().having([(Need(f.WORKLOADS_IN, SHOP), (known,))])
    fake = FakeConnection({f"{CORE}/pods/db-0": owned("db-0", "StatefulSet", "db")})
    (found,) = ask(ObjectReads(), probe_context(fake, facts=facts), f.WORKLOAD, PodKey("shop", "db-0"))
    assert found is known
    assert len(fake.asked) == 1


def test_a_bare_pod_and_a_refused_workload_are_gaps() -> None:
    fake = FakeConnection(
        {
            f"{CORE}/pods/bare": named("bare"),
            f"{CORE}/pods/db-0": owned("db-0", "StatefulSet", "db"),
            f"{APPS}/statefulsets/db": forbidden("get", "statefulsets.apps"),
        }
    )
    bare, refused = ask(
        ObjectReads(), probe_context(fake), f.WORKLOAD, PodKey("shop", "bare"), PodKey("shop", "db-0")
    )
    assert bare.because == "nothing made it, it stands for itself"
    assert refused == Gap(
        "statefulset/db", "forbidden: get statefulsets in namespace shop", "grant get statefulsets.apps"
    )


def event(pod: str, message: str, when: str = "") -> dict[str, Any]:
    about = {"kind": "Pod", "name": pod, "namespace": "shop"}
    return {
        **named(f"{pod}.{when}"),
        "involvedObject": about,
        "message": message,
        "lastTimestamp": when or None,
    }


def test_events_of_one_pod_are_asked_for_by_name_and_come_in_order() -> None:
    fake = FakeConnection(
        {f"{CORE}/events": [event("a", "late", "2026-02"), event("a", "\x1b[1mearly", "2026-01")]}
    )
    (found,) = ask(ObjectReads(), probe_context(fake), f.EVENTS, PodKey("shop", "a"))
    assert [e.message for e in found] == ["early", "late"]
    assert fake.asked[0].endswith(
        "?fieldSelector=involvedObject.kind=Pod,involvedObject.name=a,involvedObject.namespace=shop"
    )


def test_events_of_many_pods_are_one_request() -> None:
    fake = FakeConnection({f"{CORE}/events": [event("a", "token=abc"), event("b", "two")]})
    found = ask(ObjectReads(), probe_context(fake), f.EVENTS, *[PodKey("shop", name) for name in "abc"])
    assert [[e.message for e in events] for events in found] == [["token=***"], ["two"], []]
    assert fake.asked == [f"LIST {CORE}/events?fieldSelector=involvedObject.kind=Pod"]


def test_a_namespace_full_of_events_is_asked_for_a_few_pods() -> None:
    fake = FakeConnection({f"{CORE}/events": [event("z", "noise") for _ in range(600)]})
    found = ask(ObjectReads(), probe_context(fake), f.EVENTS, *[PodKey("shop", name) for name in "abcdefgh"])
    assert found == [()] * 8
    assert len(fake.asked) == 5


def test_events_of_a_workload_are_asked_for_by_kind_and_name() -> None:
    fake = FakeConnection({f"{CORE}/events": [event("db", "create Pod db-0 failed", "2026-01")]})
    key = f.WorkloadKey("shop", "StatefulSet", "db")
    (found,) = ask(ObjectReads(), probe_context(fake), f.EVENTS_OF, key)
    assert [e.message for e in found] == ["create Pod db-0 failed"]
    assert fake.asked[0].endswith(
        "?fieldSelector=involvedObject.kind=StatefulSet,involvedObject.name=db,involvedObject.namespace=shop"
    )
