"""The objects of a large cluster, as its controllers and kubelets would have written them.

For each Service five pods and 1.2 EndpointSlices, for each twenty a NetworkPolicy, for each fifty a namespace. Of
a hundred Services one has a selector that matches nothing, one has no pod that is ready, one a targetPort that no
container names. All is made from numbers, so that two runs give the same cluster.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

PODS_EACH = 5
SPACES_EACH, POLICIES_EACH, SECOND_SLICE_EACH = 50, 20, 5
NODES = 500
BORN = "2026-11-01T08:00:00Z"
Json = dict[str, Any]


class Wanted(NamedTuple):
    """An object to create: the path of its collection, itself, and the status that a second request sets."""

    path: str
    body: Json
    status: Json | None = None


def namespaces(services: int) -> int:
    """How many there are."""
    return max(1, services // SPACES_EACH)


def space_of(services: int, number: int) -> str:
    """The namespace of a Service, and of all that belongs to it."""
    return f"team-{number % namespaces(services):03}"


def of_services(services: int) -> Iterator[Wanted]:
    """The namespaces first, then everything in them."""
    for number in range(namespaces(services)):
        yield Wanted("/api/v1/namespaces", {"metadata": {"name": space_of(services, number)}})
    for number in range(services // POLICIES_EACH):
        yield policy(space_of(services, number), number)
    for number in range(services):
        yield from one_service(space_of(services, number), number)


def one_service(space: str, number: int) -> Iterator[Wanted]:
    """A Service with its pods and slices."""
    name, fault = f"web-{number:05}", number % 100
    selector = {"app": name if fault != 17 else f"{name}x"}
    target = "http" if fault != 37 else "htpp"
    spec = {"selector": selector, "ports": [{"name": "http", "port": 80, "targetPort": target}]}
    labels = {"app": name, "team": space, "app.kubernetes.io/managed-by": "Helm"}
    yield Wanted(
        f"/api/v1/namespaces/{space}/services",
        {
            "metadata": {"name": name, "namespace": space, "labels": labels, "annotations": release(name)},
            "spec": spec,
        },
    )
    pods = [pod(space, name, number * PODS_EACH + index, ready=fault != 57) for index in range(PODS_EACH)]
    yield from pods
    chosen = [] if fault == 17 else pods
    named = fault != 37
    cut = PODS_EACH // 2 if number % SECOND_SLICE_EACH == 0 else PODS_EACH
    for part, some in enumerate((chosen[:cut], chosen[cut:])):
        if some or part == 0:
            yield endpoint_slice(space, name, part, some, named=named)


def pod(space: str, app: str, number: int, *, ready: bool) -> Wanted:
    """A pod with a container, an init container, and what a kubelet says of it."""
    replica_set = f"{app}-{_hash(app, 10)}"
    name = f"{replica_set}-{_hash(str(number), 5)}"
    image = f"registry.example/{space}/{app}:1.{number // PODS_EACH % 40}.0"  # a ReplicaSet's pods are alike
    token = {
        "name": "kube-api-access",
        "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount",
        "readOnly": True,
    }
    container = {
        "name": "web",
        "image": image,
        "args": ["--listen=0.0.0.0:8080", "--log-format=json"],
        "ports": [{"name": "http", "containerPort": 8080}, {"name": "metrics", "containerPort": 9090}],
        "env": [
            {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            {"name": "DATABASE", "value": f"postgres://db.{space}.svc:5432/{app}"},
            {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": app, "key": "password"}}},
        ],
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}},
        "readinessProbe": {"httpGet": {"path": "/ready", "port": "http"}, "periodSeconds": 5},
        "livenessProbe": {"httpGet": {"path": "/live", "port": "http"}, "initialDelaySeconds": 10},
        "volumeMounts": [token],
    }
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": replica_set, "uid": _uid(replica_set)}
    metadata = {
        "name": name,
        "namespace": space,
        "labels": {"app": app, "team": space, "pod-template-hash": _hash(app, 10)},
        "annotations": {"prometheus.io/scrape": "true", "prometheus.io/port": "9090"},
        "ownerReferences": [{**owner, "controller": True, "blockOwnerDeletion": True}],
    }
    gone = [
        {
            "key": f"node.kubernetes.io/{what}",
            "operator": "Exists",
            "effect": "NoExecute",
            "tolerationSeconds": 300,
        }
        for what in ("not-ready", "unreachable")
    ]
    sources = [
        {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
    ]
    spec = {
        "nodeName": node_of(number),
        "serviceAccountName": "default",
        "containers": [container],
        "initContainers": [{"name": "migrate", "image": image, "args": ["migrate"]}],
        "tolerations": gone,
        "volumes": [{"name": "kube-api-access", "projected": {"sources": sources}}],
    }
    body = {"metadata": metadata, "spec": spec}
    return Wanted(f"/api/v1/namespaces/{space}/pods", body, pod_status(number, image, ready=ready))


def pod_status(number: int, image: str, *, ready: bool) -> Json:
    """What a kubelet reports of a pod that runs, ready or not."""
    born, migrated, began = (moment(number, after) for after in (0, 2, 5))
    state = {"running": {"startedAt": began}}
    done = {"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": born, "finishedAt": migrated}}
    digest = f"registry.example/web@sha256:{_hash(image, 64)}"
    common = {"image": image, "imageID": digest, "restartCount": 0}
    truths = {"PodReadyToStartContainers": (True, born), "Initialized": (True, migrated)}
    truths |= {"ContainersReady": (ready, began), "Ready": (ready, began), "PodScheduled": (True, born)}
    conditions = [
        {"type": kind, "status": str(true), "lastTransitionTime": at} for kind, (true, at) in truths.items()
    ]
    ran = {**common, "name": "web", "containerID": f"containerd://{_hash(str(number), 64)}", "state": state}
    return {
        "phase": "Running",
        "conditions": conditions,
        "hostIP": node_address(number),
        "hostIPs": [{"ip": node_address(number)}],
        "podIP": address_of(number),
        "podIPs": [{"ip": address_of(number)}],
        "startTime": born,
        "qosClass": "Burstable",
        "initContainerStatuses": [{**common, "name": "migrate", "ready": True, "state": done}],
        "containerStatuses": [{**ran, "ready": ready, "started": True}],
    }


def moment(number: int, after: int) -> str:
    """When a pod was this far, in seconds: no two of a hundred thousand began together."""
    return f"{datetime.fromisoformat(BORN) + timedelta(seconds=number + after):%Y-%m-%dT%H:%M:%SZ}"


def endpoint_slice(space: str, service: str, part: int, pods: list[Wanted], *, named: bool) -> Wanted:
    """What the endpoint slice controller writes; a targetPort that no container names leaves it without ports."""
    metadata = {
        "name": f"{service}-{_hash(f'{service}{part}', 5)}",
        "namespace": space,
        "labels": {
            "kubernetes.io/service-name": service,
            "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
            "app": service,
        },
        "annotations": {"endpoints.kubernetes.io/last-change-trigger-time": BORN},
    }
    ports = [{"name": "http", "port": 8080, "protocol": "TCP"}] if named and pods else []
    body = {
        "metadata": metadata,
        "addressType": "IPv4",
        "ports": ports,
        "endpoints": [_endpoint(one) for one in pods],
    }
    return Wanted(f"/apis/discovery.k8s.io/v1/namespaces/{space}/endpointslices", body)


def _endpoint(pod: Wanted) -> Json:
    assert pod.status is not None
    ready = pod.status["containerStatuses"][0]["ready"]
    metadata = pod.body["metadata"]
    return {
        "addresses": [pod.status["podIP"]],
        "conditions": {"ready": ready, "serving": ready, "terminating": False},
        "nodeName": pod.body["spec"]["nodeName"],
        "zone": f"zone-{int(pod.body['spec']['nodeName'][-1]) % 3}",
        "targetRef": {"kind": "Pod", "name": metadata["name"], "namespace": metadata["namespace"]},
    }


def policy(space: str, number: int) -> Wanted:
    """One that lets everybody of the cluster in on the port that everybody serves."""
    everyone: dict[str, object] = {"namespaceSelector": {}}
    rule = {"from": [everyone], "ports": [{"protocol": "TCP", "port": 8080}]}
    spec = {"podSelector": {"matchLabels": {"team": space}}, "policyTypes": ["Ingress"], "ingress": [rule]}
    body = {"metadata": {"name": f"allow-{number:04}", "namespace": space}, "spec": spec}
    return Wanted(f"/apis/networking.k8s.io/v1/namespaces/{space}/networkpolicies", body)


def release(name: str) -> Json:
    """What Helm notes."""
    return {"meta.helm.sh/release-name": name, "meta.helm.sh/release-namespace": "delivery"}


def node_of(number: int) -> str:
    """The node that a pod runs on."""
    return f"node-{number % NODES:03}"


def node_address(number: int) -> str:
    """That node's address."""
    return f"10.64.{number % NODES // 250}.{number % NODES % 250 + 2}"


def address_of(number: int) -> str:
    """A pod's address, unlike any other's."""
    return f"10.{128 + number // 62500}.{number // 250 % 250}.{number % 250 + 2}"


def _hash(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def _uid(text: str) -> str:
    digits = _hash(text, 32)
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
