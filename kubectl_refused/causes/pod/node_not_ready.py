"""The pods' node is not ready: it is dead, cut off, or its kubelet is.

Why it refuses:
    A node whose kubelet no longer reports is marked NotReady after a while (node-monitor-grace-period, ~40 s);
    its pods then count as not ready, whatever their containers do, and their endpoints get no traffic. Until then,
    and where a Service publishes what is not ready, connections go to a dead node and time out. After five minutes
    more the pods are deleted, and made anew elsewhere unless a selector, a volume or a StatefulSet keeps them.
Confirm:
    kubectl get nodes; kubectl get pods -l KEY=VALUE -o wide
Fix:
    Bring the node back, or let another take its pods.
See:
    https://kubernetes.io/docs/concepts/architecture/nodes/#condition
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.change import command
from kubectl_refused.model.evidence import Evidence, Finding, Fix
from kubectl_refused.model.facts import HANDSHAKE, NODE, NodeKey
from kubectl_refused.model.objects import Condition, Pod
from kubectl_refused.model.observation import Handshake, Outcome
from kubectl_refused.model.scene import Scene
from kubectl_refused.text import one_line
from kubectl_refused.trace.proofs import field, packet
from kubectl_refused.trace.statuses import condition

MOST_NODES = 4
# What comes back from a node that is not there; an RST comes from one that is.
_DEAD = (Outcome.TIMEOUT, Outcome.UNREACHABLE)


@cause(
    "KR223",
    scope=Scope.ROUTE,
    reads={HANDSHAKE, NODE},
    produces={Symptom.NOT_READY, Symptom.NO_ENDPOINTS, Symptom.SILENCE},
    since="0.2",
    needs_symptom=True,
)
def node_not_ready(scene: Scene) -> Iterator[Finding]:
    """Yield for each node that is not ready, with endpoints that do not answer or pods that were taken out."""
    if scene.from_files or scene.port is None:
        return
    lost = dict(_silent(scene)) if scene.ready_endpoints else dict(_taken_out(scene))
    for node, (pod, dialled) in list(lost.items())[:MOST_NODES]:
        found = scene.maybe(NODE, NodeKey(node))
        ready = next((c for c in (found.status.conditions if found else None) or () if c.type == "Ready"), None)
        if ready is not None and ready.status != "True":
            yield _finding(scene, node, ready, pod, dialled)


def _silent(scene: Scene) -> Iterator[tuple[str, tuple[Pod | None, Handshake | None]]]:
    """Nodes of endpoints that get traffic, and from which nothing came back."""
    for endpoint in scene.ready_endpoints:
        seen = scene.maybe(HANDSHAKE, scene.at_endpoint(endpoint).endpoint_dial) if endpoint.node else None
        if seen and seen.outcome in _DEAD:
            yield endpoint.node, (endpoint.pod, seen)


def _taken_out(scene: Scene) -> Iterator[tuple[str, tuple[Pod | None, Handshake | None]]]:
    """Nodes of pods that are not ready without a reason of their own.

    The node controller only sets Ready to False (pkg/controller/util/node, MarkPodsNotReady): no reason, and the
    containers stay ready. The kubelet gives a reason.
    """
    for pod in scene.pods:
        ready = condition(pod, "Ready")
        if pod.spec.node_name and ready and ready.status == "False" and not ready.reason:
            yield pod.spec.node_name, (pod, None)


def _finding(scene: Scene, node: str, ready: Condition, pod: Pod | None, dialled: Handshake | None) -> Finding:
    why = one_line(": ".join(filter(None, (ready.reason, ready.message.rstrip("."))))) or "it gives no reason"
    subject = f"node/{node}"
    evidence: list[Evidence] = [
        field(scene, subject, "status.conditions[Ready]", ready.status, f"Ready is {ready.status}: {why}")
    ]
    if pod is not None:
        name = f"pod/{pod.metadata.name}"
        evidence.append(field(scene, name, "spec.nodeName", node, f"{name} is on {node}"))
    if dialled is not None:
        evidence.append(packet(scene, dialled))
        what = "its endpoint there does not answer"
    else:
        what = "its pods there were taken out"
    return Finding(
        where=subject,
        says=f"{node} is not ready ({why}); {what}",
        headline=f"node {node} of its pods is not ready",
        evidence=tuple(evidence),
        fix=_fix(scene, node, pod),
    )


def _fix(scene: Scene, node: str, pod: Pod | None) -> Fix:
    """A ReplicaSet replaces a pod as soon as it is deleted; a StatefulSet waits until the node says it is gone."""
    back = f"Bring {node} back (its kubelet, its network)"
    owners = (pod.metadata.owner_references if pod else None) or ()
    movable = pod is not None and not pod.spec.node_selector and not pod.metadata.deletion_timestamp
    if pod is None or not movable or not any(o.controller and o.kind == "ReplicaSet" for o in owners):
        return Fix(summary=f"{back}; a pod that is kept there cannot move")
    line = command(scene, "delete", "pod", pod.metadata.name, "--wait=false", namespace=pod.metadata.namespace)
    return Fix(summary=f"{back}, or let another node take pod/{pod.metadata.name}", command=line)
