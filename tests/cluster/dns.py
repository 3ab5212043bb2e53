"""CoreDNS as every cluster has it: pods labelled `k8s-app=kube-dns` behind the Service `kube-dns`.

Pods, not a process beside the cluster, or correct egress policies that allow DNS by label
would not work. The program is the harness's own binary, mounted from the node instead of
packed in an image: 120 MB fewer to import on every node of every cluster.
"""

from __future__ import annotations

from typing import Any

from tests.cluster.apiclient import ApiClient
from tests.cluster.gobuild import kubernetes
from tests.cluster.options import DNS_ADDRESS

LABELS = {"k8s-app": "kube-dns"}
SYSTEM = "/api/v1/namespaces/kube-system"
# The zone "." makes a foreign name NXDOMAIN: there is no outside to forward to, and without it
# the answer would be REFUSED, which resolvers take for a broken server and ask again.
COREFILE = """.:53 {
    errors
    health
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa . {
        pods insecure
        ttl 5
    }
    cache 5
}
"""
RULES = [
    {"apiGroups": [""], "resources": ["endpoints", "services", "pods", "namespaces"], "verbs": ["list", "watch"]},
    {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]},
]


def install(client: ApiClient) -> None:
    """Create everything CoreDNS needs; what exists already stays."""
    rbac = "/apis/rbac.authorization.k8s.io/v1"
    client.create(f"{SYSTEM}/serviceaccounts", named("ServiceAccount", "coredns"))
    client.create(f"{rbac}/clusterroles", {**named("ClusterRole", "system:coredns"), "rules": RULES})
    client.create(f"{rbac}/clusterrolebindings", binding())
    client.create(f"{SYSTEM}/configmaps", {**named("ConfigMap", "coredns"), "data": {"Corefile": COREFILE}})
    client.create(f"{SYSTEM}/services", service())
    client.create("/apis/apps/v1/namespaces/kube-system/deployments", deployment())


def ready(client: ApiClient) -> bool:
    """Whether a CoreDNS pod is ready."""
    found = client.call("GET", "/apis/apps/v1/namespaces/kube-system/deployments/coredns")
    return bool(found.get("status", {}).get("readyReplicas"))


def named(kind: str, name: str) -> dict[str, Any]:
    """The head of an object."""
    return {"kind": kind, "metadata": {"name": name}}


def binding() -> dict[str, Any]:
    """Who may read what CoreDNS serves."""
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "system:coredns"}
    subject = {"kind": "ServiceAccount", "name": "coredns", "namespace": "kube-system"}
    return {**named("ClusterRoleBinding", "system:coredns"), "roleRef": role, "subjects": [subject]}


def service() -> dict[str, Any]:
    """The Service at the address that every pod's resolv.conf names."""
    ports = [
        {"name": "dns", "port": 53, "protocol": "UDP"},
        {"name": "dns-tcp", "port": 53, "protocol": "TCP"},
    ]
    metadata = {"name": "kube-dns", "labels": {**LABELS, "kubernetes.io/name": "CoreDNS"}}
    return {
        "kind": "Service",
        "metadata": metadata,
        "spec": {"clusterIP": DNS_ADDRESS, "selector": LABELS, "ports": ports},
    }


def deployment() -> dict[str, Any]:
    """One replica is enough for tests."""
    template = {"metadata": {"labels": LABELS}, "spec": pod()}
    spec = {"replicas": 1, "selector": {"matchLabels": LABELS}, "template": template}
    return {"kind": "Deployment", "metadata": {"name": "coredns", "labels": LABELS}, "spec": spec}


def pod() -> dict[str, Any]:
    """CoreDNS on the image of busybox, with its program and configuration mounted."""
    return {
        "serviceAccountName": "coredns",
        "priorityClassName": "system-cluster-critical",
        # Never by way of itself.
        "dnsPolicy": "Default",
        "terminationGracePeriodSeconds": 1,
        "containers": [container()],
        "volumes": [
            {"name": "program", "hostPath": {"path": str(kubernetes().parent), "type": "Directory"}},
            {"name": "configuration", "configMap": {"name": "coredns"}},
        ],
    }


def container() -> dict[str, Any]:
    """The container of CoreDNS."""
    ports = [
        {"name": "dns", "containerPort": 53, "protocol": "UDP"},
        {"name": "dns-tcp", "containerPort": 53, "protocol": "TCP"},
    ]
    return {
        "name": "coredns",
        "image": "localhost/busybox:1",
        "imagePullPolicy": "Never",
        "command": ["/program/kubernetes", "coredns", "-conf", "/configuration/Corefile"],
        "ports": ports,
        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8181}, "periodSeconds": 1},
        "livenessProbe": {"httpGet": {"path": "/health", "port": 8080}, "initialDelaySeconds": 30},
        "volumeMounts": [
            {"name": "program", "mountPath": "/program", "readOnly": True},
            {"name": "configuration", "mountPath": "/configuration", "readOnly": True},
        ],
    }
