"""The client's DNS settings lead past the cluster's name servers.

Why it refuses:
    Names of Services are known to the cluster's own DNS only, and its short forms (web.shop.svc) to its search
    list only. dnsPolicy Default gives a pod the resolver of its node; so does the usual ClusterFirst for a pod on
    the node's network, where ClusterFirstWithHostNet is meant; None gives what dnsConfig lists and nothing else.
Confirm:
    kubectl get pod CLIENT -o jsonpath='{.spec.dnsPolicy} {.spec.hostNetwork} {.spec.dnsConfig}'
    kubectl exec CLIENT -- cat /etc/resolv.conf
Fix:
    Set dnsPolicy to ClusterFirst, or to ClusterFirstWithHostNet on the node's network.
See:
    https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/#pod-s-dns-policy
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.change import change, named, workload_of
from kubectl_refused.model.evidence import Finding, Fix
from kubectl_refused.model.facts import LOOKUP, PODS_IN, WORKLOAD
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.client_pods import client_pod
from kubectl_refused.trace.name_service import failed_lookup, lookup_proof
from kubectl_refused.trace.proofs import field


@cause(
    "KR103",
    scope=Scope.ROUTE,
    reads={LOOKUP, PODS_IN, WORKLOAD},
    produces=Symptom.NO_NAME,
    since="0.2",
    needs_symptom=True,
)
def client_asks_other_name_servers(scene: Scene) -> Iterator[Finding]:
    """Yield when the client cannot resolve the name, and its pod's settings do not ask the cluster's DNS."""
    lookup = failed_lookup(scene)
    pod = client_pod(scene) if lookup else None
    if lookup is None or pod is None:
        return
    told = _leads_past(pod)
    if not told:
        return
    subject = f"pod/{pod.metadata.name}"
    meant = "ClusterFirstWithHostNet" if pod.spec.host_network else "ClusterFirst"
    says = f"{told}; {meant} would ask the cluster's DNS"
    yield Finding(
        where=subject,
        says=told,
        headline=f"{scene.vantage.who} does not ask the cluster's DNS: {told}",
        evidence=(
            field(scene, subject, "spec.dnsPolicy", pod.spec.dns_policy, says),
            lookup_proof(scene, lookup),
        ),
        fix=_fix(scene, pod, meant),
    )


def _leads_past(pod: Pod) -> str:
    """Why its resolver is not the cluster's; empty where it is. An unset dnsPolicy is ClusterFirst."""
    policy = pod.spec.dns_policy or "ClusterFirst"
    if policy == "Default":
        return "its dnsPolicy is Default, which is the resolver of its node"
    if policy == "ClusterFirst" and pod.spec.host_network:
        return "its dnsPolicy is ClusterFirst on the node's network, which is the resolver of its node"
    if policy != "None":
        return ""
    settings = pod.spec.dns_config
    servers = ", ".join((settings.nameservers if settings else None) or ()) or "no servers"
    searches = ", ".join((settings.searches if settings else None) or ()) or "nothing"
    return f"its dnsPolicy is None, with {servers} and a search list of {searches}"


def _fix(scene: Scene, pod: Pod, meant: str) -> Fix:
    kind, metadata, _ = workload_of(scene, pod)
    summary = f"Set dnsPolicy to {meant}"
    if kind == "Pod":
        return Fix(summary=f"{summary} ({named('Pod', metadata.name)}, which must be made anew)")
    patch = {"spec": {"template": {"spec": {"dnsPolicy": meant}}}}
    return change(scene, kind, metadata, summary=summary, patch=patch)
