"""The service proxy of one node does not forward for this Service.

Why it refuses:
    A ClusterIP exists only in rules that kube-proxy (or what replaces it) writes on every node. Where it is dead,
    or its rules are old, clients of that node get no answer or the one of former times, while every pod behind
    the Service answers them at its own address.
Confirm:
    kubectl get pods -n kube-system -o wide | grep proxy    # the one of that node; its log
Fix:
    Restart the node's service proxy and read why it stopped.
See:
    https://kubernetes.io/docs/tasks/debug/debug-application/debug-service/#is-the-kube-proxy-working
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.change import command
from kubectl_refused.model.evidence import Certainty, Evidence, Finding, Fix
from kubectl_refused.model.facts import HANDSHAKE, PODS_IN
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.observation import Handshake, Outcome
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.data_paths import of_its_own
from kubectl_refused.trace.proofs import field, packet
from kubectl_refused.trace.service_proxies import SYSTEM, leads_astray, proxy_pod
from kubectl_refused.trace.statuses import condition

MOST_PROOFS = 2


@cause(
    "KR301",
    scope=Scope.ROUTE,
    reads={HANDSHAKE, PODS_IN},
    produces={Symptom.SILENCE, Symptom.REJECT, Symptom.RST},
    # Why the rules are not as they should be is the sharper word.
    shows=Symptom.WRONG_RULES,
    since="0.2",
    needs_symptom=True,
)
def service_proxy_dead_on_node(scene: Scene) -> Iterator[Finding]:
    """Yield when from one node the endpoints accept and the ClusterIP does not, and elsewhere it does."""
    node, failed = scene.vantage.node, _entrance(scene)
    if not node or failed is None or failed.outcome is Outcome.ACCEPTED or _stays_local(scene):
        return
    if failed.errno == "EADDRNOTAVAIL":
        return  # no packet left the client
    behind = [scene.handshake(scene.at_endpoint(e).endpoint_dial) for e in scene.ready_endpoints]
    reached = [h for h in behind if h and h.outcome is Outcome.ACCEPTED]
    if not reached or len(reached) < len(behind) or _is_its_own_backend(scene):
        return
    elsewhere = [s for s in scene.siblings if s.vantage.node not in ("", node) and _works(s)]
    if any(s.vantage.node == node and _works(s) for s in scene.siblings):
        return  # the node's rules are there for its neighbour
    if not elsewhere and _by_hand(scene) and of_its_own(scene):
        return  # endpoints by hand, which that data path is known to leave out
    proxy = proxy_pod(scene, node)
    evidence: list[Evidence] = [packet(scene, failed)]
    evidence += [packet(scene, h) for h in reached[:MOST_PROOFS]]
    evidence += [packet(s, h) for s in elsewhere[:MOST_PROOFS] if (h := _entrance(s))]
    if proxy:
        told = f"{proxy.metadata.name} of {node} is {_readiness(proxy)}"
        evidence.append(field(scene, f"pod/{proxy.metadata.name}", "status.conditions", None, told))
    only = "only from" if elsewhere else "from"
    yield Finding(
        where=f"node/{node}",
        says=f"{only} {node} the Service's address fails, while its {len(reached)} endpoints accept",
        headline=f"the service proxy of {node} does not forward to it",
        # Where it is ready and some rule leads elsewhere, the rule need not be its own.
        certainty=Certainty.PROVED if elsewhere and not _is_well(proxy, failed) else Certainty.LIKELY,
        evidence=tuple(evidence),
        fix=_fix(scene, node, proxy),
    )


def _entrance(scene: Scene) -> Handshake | None:
    return scene.maybe(HANDSHAKE, scene.entrance_dial) if scene.entrance_dial else None


def _stays_local(scene: Scene) -> bool:
    """Whether the Service itself tells the proxy to forward only to endpoints of the node."""
    return scene.service is not None and scene.service.spec.internal_traffic_policy == "Local"


def _by_hand(scene: Scene) -> bool:
    return bool(scene.service and not scene.service.spec.selector) and not any(
        e.target_name for e in scene.ready_endpoints
    )


def _works(scene: Scene) -> bool:
    seen = scene.handshake(scene.entrance_dial)
    return seen is not None and seen.outcome is Outcome.ACCEPTED


def _is_its_own_backend(scene: Scene) -> bool:
    """A pod that dials its own Service may be sent back to itself, which is another fault (no hairpin)."""
    return any(scene.vantage.address and e.address == scene.vantage.address for e in scene.ready_endpoints)


def _is_well(proxy: Pod | None, failed: Handshake) -> bool:
    return proxy is not None and _readiness(proxy) == "ready" and leads_astray(failed)


def _fix(scene: Scene, node: str, proxy: Pod | None) -> Fix:
    summary = f"Restart the service proxy (kube-proxy or what replaces it) of {node}"
    if proxy is None:
        return Fix(summary=f"{summary} and read its log")
    line = command(scene, "delete", "pod", proxy.metadata.name, namespace=SYSTEM)
    return Fix(summary=f"{summary}: its DaemonSet makes pod/{proxy.metadata.name} anew", command=line)


def _readiness(pod: Pod) -> str:
    ready = condition(pod, "Ready")
    return "ready" if ready and ready.status == "True" else "not ready"
