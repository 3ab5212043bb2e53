"""A change as the API server takes it: where an object is patched, and with which kind of patch.

Patch types: https://kubernetes.io/docs/tasks/manage-kubernetes-objects/update-api-object-kubectl-patch/
Strategic merge patches exist for built-in kinds only, and are kubectl's default; lists merge by their key.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from kubectl_refused.model.evidence import PatchRequest

STRATEGIC = "application/strategic-merge-patch+json"
MERGE = "application/merge-patch+json"  # RFC 7386
JSON = "application/json-patch+json"  # RFC 6902

# Kind to the root of its API group and its resource. Kinds that are not here are told, and not sent.
_RESOURCES = {
    "Service": ("/api/v1", "services"),
    "Pod": ("/api/v1", "pods"),
    "Endpoints": ("/api/v1", "endpoints"),
    "EndpointSlice": ("/apis/discovery.k8s.io/v1", "endpointslices"),
    "ReplicationController": ("/api/v1", "replicationcontrollers"),
    "Deployment": ("/apis/apps/v1", "deployments"),
    "StatefulSet": ("/apis/apps/v1", "statefulsets"),
    "DaemonSet": ("/apis/apps/v1", "daemonsets"),
    "ReplicaSet": ("/apis/apps/v1", "replicasets"),
    "Job": ("/apis/batch/v1", "jobs"),
    "CronJob": ("/apis/batch/v1", "cronjobs"),
    "NetworkPolicy": ("/apis/networking.k8s.io/v1", "networkpolicies"),
    "Ingress": ("/apis/networking.k8s.io/v1", "ingresses"),
    "HTTPRoute": ("/apis/gateway.networking.k8s.io/v1", "httproutes"),
    "OpenShiftRoute": ("/apis/route.openshift.io/v1", "routes"),
    "GRPCRoute": ("/apis/gateway.networking.k8s.io/v1", "grpcroutes"),
}


def request(
    kind: str, namespace: str, name: str, body: dict[str, Any] | list[dict[str, Any]], *, subresource: str = ""
) -> PatchRequest | None:
    """The patch of one object: a list is a JSON patch, an object a strategic merge patch of a built-in kind.

    A subresource has no strategic form (autoscaling/v1 Scale), so it is merged. None for a kind whose API path
    is not known, or without a namespace.
    """
    if kind not in _RESOURCES or not namespace:
        return None
    root, resource = _RESOURCES[kind]
    path = f"{root}/namespaces/{quote(namespace, safe='')}/{resource}/{quote(name, safe='')}"
    return PatchRequest(
        kind=kind,
        namespace=namespace,
        name=name,
        path=f"{path}/{subresource}" if subresource else path,
        type=JSON if isinstance(body, list) else MERGE if subresource else STRATEGIC,
        body=body,
        subresource=subresource,
    )
