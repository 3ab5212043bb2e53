"""Who forwards Services on a node besides kube-proxy, as its pods tell. Pure.

Labels: Cilium's agent carries k8s-app=cilium, ztunnel app=ztunnel (the Helm charts of both).
"""

from __future__ import annotations

from kubectl_refused.model.facts import PODS_IN, NamespaceKey
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.scene import Scene

# (name, namespace, label) of what replaces kube-proxy's rules for a node's pods.
_OTHERS = (
    ("Istio's ztunnel", "istio-system", ("app", "ztunnel")),
    ("Cilium", "kube-system", ("k8s-app", "cilium")),
)


def of_its_own(scene: Scene) -> tuple[str, str] | None:
    """(its name, its pod) where something else than kube-proxy forwards on the client's node, else None.

    Raises Undecided while nobody looked.
    """
    for name, namespace, label in _OTHERS:
        for pod in scene.maybe(PODS_IN, NamespaceKey(namespace)) or ():
            if _marked(pod, label) and scene.vantage.node in ("", pod.spec.node_name):
                return name, pod.metadata.name
    return None


def _marked(pod: Pod, label: tuple[str, str]) -> bool:
    return (pod.metadata.labels or {}).get(label[0]) == label[1]
