"""The cluster has no node of that name.

Why it refuses:
    Nodes come and go with autoscaling and repair, and their names and addresses change with them. What was a node
    yesterday may be nobody today, or another machine.
Confirm:
    kubectl get nodes -o wide
Fix:
    Ask about a node that is there.
See:
    https://kubernetes.io/docs/concepts/architecture/nodes/
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.evidence import Evidence, Finding, Fix
from kubectl_refused.model.facts import NODES, ClusterKey
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.entries import node_of
from kubectl_refused.trace.nearest import nearest
from kubectl_refused.trace.proofs import field, nearest_miss

MOST_NAMED = 5


@cause("KR841", scope=Scope.ENTRANCE, reads={NODES}, produces=Symptom.NO_NAME, since="0.3")
def no_such_node(scene: Scene) -> Iterator[Finding]:
    """Yield when it was looked for and is not there, with the nearest name."""
    target = scene.target
    if target.kind != "Node" or node_of(target, scene.snapshot) or not scene.snapshot.read("Node", ""):
        return
    names = [node.metadata.name for node in scene.maybe(NODES, ClusterKey()) or ()]
    meant = nearest(target.name, names)
    says = f"the cluster has no node {target.name}"
    there = ", ".join(names[:MOST_NAMED]) + (" and more" if len(names) > MOST_NAMED else "")
    evidence: list[Evidence] = [field(scene, f"node/{target.name}", "metadata.name", target.name, says)]
    if meant:
        told = f"node/{meant} is the nearest name"
        evidence.append(nearest_miss(scene, f"node/{meant}", "name", target.name, meant, told))
    yield Finding(
        where=str(target),
        says=f"{says}; it has {there}" if there else says,
        headline=f"there is no node {target.name}" + (f"; {meant} is" if meant else ""),
        evidence=tuple(evidence),
        fix=Fix(summary=f"Ask about node/{meant or 'NAME'}:{target.port}"),
    )
