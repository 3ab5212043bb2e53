"""Pods elsewhere: many selectors by one request, from the server's cache, or out of what was read."""

from __future__ import annotations

from typing import Any

from kubectl_refused.model.facts import PODS_ELSEWHERE, SelectorKey
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.objects import Metadata, Pod
from kubectl_refused.model.snapshot import Coverage, Snapshot, key_of
from kubectl_refused.probes.elsewhere_reads import BEYOND
from kubectl_refused.probes.object_reads import ObjectReads
from tests.fakes import FakeConnection, ask, forbidden, probe_context

PODS = "/api/v1/pods"


def pod(name: str, namespace: str, **labels: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": namespace, "labels": labels}}


def keys(*values: str) -> list[SelectorKey]:
    return [SelectorKey((("app", value),)) for value in values]


def names(found: Any) -> list[str]:
    return [one.metadata.name for one in found]


def test_many_are_asked_for_together() -> None:
    fake = FakeConnection({PODS: [pod("web-1", "a", app="web"), pod("api-1", "b", app="api")]})
    web, api, none = ask(ObjectReads(), probe_context(fake), PODS_ELSEWHERE, *keys("web", "api", "none"))
    assert fake.asked == [f"LIST {PODS}?labelSelector=app in (web,api,none)&resourceVersion=0"]
    assert (names(web), names(api), none) == (["web-1"], ["api-1"], ())


def test_a_few_and_those_of_several_labels_are_asked_for_by_themselves() -> None:
    fake = FakeConnection({PODS: []})
    several = [SelectorKey((("app", value), ("tier", "x"))) for value in ("a", "b", "c")]
    ask(ObjectReads(), probe_context(fake), PODS_ELSEWHERE, *keys("a", "b"), *several, SelectorKey((("app", ""),)))
    assert sorted(fake.asked) == [
        f"LIST {PODS}?labelSelector={query}&resourceVersion=0"
        for query in ("app=", "app=a", "app=a,tier=x", "app=b", "app=b,tier=x", "app=c,tier=x")
    ]


def test_of_too_many_pods_only_a_hit_says_something() -> None:
    fake = FakeConnection({PODS: [pod(f"web-{number}", "a", app="web") for number in range(900)]})
    web, api, _ = ask(ObjectReads(), probe_context(fake), PODS_ELSEWHERE, *keys("web", "api", "none"))
    assert len(web) == 500
    assert api is BEYOND


def test_what_is_refused_is_a_gap_for_each() -> None:
    fake = FakeConnection({PODS: forbidden("list", "pods", "")})
    found = ask(ObjectReads(), probe_context(fake), PODS_ELSEWHERE, *keys("web", "api", "none"))
    assert [isinstance(one, Gap) and one.because for one in found] == [
        "forbidden: list pods in all namespaces"
    ] * 3


def test_a_scan_of_everything_looks_into_what_it_has() -> None:
    there = [Pod(metadata=Metadata(name=f"p{n}", namespace=f"s{n % 2}", labels={"app": "web"})) for n in range(60)]
    snapshot = Snapshot({key_of(one): one for one in there}, frozenset({Coverage("Pod", "")}))
    fake = FakeConnection({})
    context = probe_context(fake, snapshot=snapshot)
    web, api, _ = ask(ObjectReads(), context, PODS_ELSEWHERE, *keys("web", "api", "none"))
    assert (len(web), api, fake.asked) == (50, (), [])
