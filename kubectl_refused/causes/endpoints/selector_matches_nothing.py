"""The Service's selector matches no pod.

Why it refuses:
    Without a matching pod the Service has no endpoints, and kube-proxy rejects its ClusterIP (ICMP port
    unreachable from the client's own node in the nftables and iptables modes; other data paths drop).
Confirm:
    kubectl get pods -n NAMESPACE -l KEY=VALUE    # No resources found
Fix:
    Make spec.selector and the labels of the pod template agree.
See:
    https://kubernetes.io/docs/tasks/debug/debug-application/debug-service/#does-the-service-have-any-endpoints
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.change import named, service_change
from kubectl_refused.fixes.trials import destinations
from kubectl_refused.model.evidence import Evidence, Finding, Fix, NearestEvidence
from kubectl_refused.model.facts import PODS_ELSEWHERE, PODS_IN, WORKLOADS_IN, SelectorKey
from kubectl_refused.model.objects import Labels, Pod, Workload
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.labels import carries
from kubectl_refused.trace.nearest import label_difference, label_likeness
from kubectl_refused.trace.proofs import field, service_subject
from kubectl_refused.trace.selection import unselected

# Below this the nearest labels are no miss but a stranger's.
LEAST_LIKENESS = 0.5


@cause(
    "KR201",
    scope=Scope.ROUTE,
    reads={PODS_IN, WORKLOADS_IN, PODS_ELSEWHERE},
    produces=Symptom.NO_ENDPOINTS,
    since="0.1",
    needs_symptom=True,
)
def selector_matches_nothing(scene: Scene) -> Iterator[Finding]:
    """Yield when pods of the namespace were read and none carries the selector, with the nearest miss."""
    ground = unselected(scene)
    if ground is None or (scene.service and scene.service.spec.type == "ExternalName"):
        return
    selector, pods, workloads = ground
    if scene.maybe(PODS_ELSEWHERE, SelectorKey(tuple(sorted(selector.items())))):
        return  # they stand in another namespace
    told = ", ".join(f"{k}={v}" for k, v in sorted(selector.items()))
    whose = "pod templates" if scene.from_files else "pods"
    says = f"{told}: 0 of {len(pods)} {whose} carry it"
    evidence: list[Evidence] = [field(scene, service_subject(scene), "spec.selector", selector, says)]
    fix = Fix(summary=f"Give spec.selector of svc/{scene.target.name} labels that a pod template carries")
    if miss := _nearest(selector, pods, workloads):
        name, labels = miss
        differs = label_difference(selector, labels)
        evidence.append(_miss(name, differs, labels))
        mended = _mended(differs, labels)
        fix = service_change(scene, f"Select what {name} carries", {"selector": mended})
        fix = replace(fix, leads_to=destinations(scene, _selected(pods, selector, mended)))
    yield Finding(
        where=f"svc/{scene.target.name}",
        says=f"spec.selector {told} matches no pod",
        headline="its selector matches no pod",
        evidence=tuple(evidence),
        fix=fix,
    )


def _selected(pods: Iterable[Pod], selector: Labels, mended: dict[str, str | None]) -> list[Pod]:
    """The pods that the mended selector would select."""
    merged = {key: value for key, value in {**selector, **mended}.items() if value is not None}
    return [pod for pod in pods if carries(pod.metadata.labels, merged)]


def _nearest(selector: Labels, pods: Iterable[Pod], workloads: Iterable[Workload]) -> tuple[str, Labels] | None:
    """(what, its labels) most like the selector: a workload's template before a lone pod."""
    offers = [(named(w.kind, w.metadata.name), w.spec.template.metadata.labels or {}) for w in workloads]
    offers += [(f"pod/{p.metadata.name}", p.metadata.labels or {}) for p in _one_of_each(pods)]
    best = max(offers, key=lambda offer: label_likeness(selector, offer[1]), default=None)
    return best if best and label_likeness(selector, best[1]) >= LEAST_LIKENESS else None


def _one_of_each(pods: Iterable[Pod]) -> Iterable[Pod]:
    """The first pod of each set of labels: those of a workload have the same, and each is compared at length."""
    found: dict[tuple[tuple[str, str], ...], Pod] = {}
    for pod in pods:
        found.setdefault(tuple((pod.metadata.labels or {}).items()), pod)
    return found.values()


def _miss(name: str, differs: dict[str, tuple[str | None, str | None]], labels: Labels) -> Evidence:
    told = "; ".join(
        f"{key}: wanted {wanted}, found {found if found is not None else 'no such label'}"
        for key, (wanted, found) in sorted(differs.items())
    )
    return NearestEvidence(witness="api server", subject=name, says=f"{name} differs in {told}", differs=differs)


def _mended(differs: dict[str, tuple[str | None, str | None]], labels: Labels) -> dict[str, str | None]:
    """The selector's keys that must change: the value found, or removed with the same value's own key in place."""
    mended: dict[str, str | None] = {}
    for key, (wanted, found) in differs.items():
        mended[key] = found
        if found is None:
            other = next((k for k, v in sorted(labels.items()) if v == wanted), None)
            mended.update({other: wanted} if other else {})
    return mended
