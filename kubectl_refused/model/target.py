"""What a person asked about."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

TargetKind = Literal[
    "Service", "Container", "Compose", "Address",
    "Ingress", "Gateway", "HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute",
    "Pod", "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "Webhook", "APIService",
    "Node", "LoadBalancer", "OpenShiftRoute",
]  # fmt: skip
# What the API server itself calls; of the whole cluster, like the Services they lead to of any namespace.
CALLED: tuple[TargetKind, ...] = ("Webhook", "APIService")
# Addresses in front of a Service: a node's port, and what a cloud put in front of the nodes.
ADDRESSED: tuple[TargetKind, ...] = ("Node", "LoadBalancer")
# What leads to Services by host, path or port. These words are kubectl's too, in lower case.
ENTRANCES: tuple[TargetKind, ...] = (
    "Ingress", "Gateway", "HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute", "OpenShiftRoute", *CALLED, *ADDRESSED,
)  # fmt: skip
# Pods that are dialled by themselves, past every Service; with kubectl's short names.
OF_PODS: dict[TargetKind, str] = {
    "Pod": "pod", "Deployment": "deploy", "StatefulSet": "sts", "DaemonSet": "ds", "ReplicaSet": "rs",
    "Job": "job",
}  # fmt: skip


class Depth(StrEnum):
    """How far a diagnosis may go; each level includes the ones before it."""

    NONE = "none"
    PASSIVE = "passive"
    PODS = "pods"
    ALL = "all"

    @property
    def rank(self) -> int:
        """0 for none up to 3 for all, to compare levels."""
        return list(Depth).index(self)

    @property
    def reported(self) -> str:
        """The report's word for this level: objects, passive or packets."""
        return {"none": "objects", "passive": "passive"}.get(self.value, "packets")


@dataclass(frozen=True)
class Target:
    """One Service, and one of its ports or (`port` None) every TCP port of it; or what else accepts connections.

    `port` is as typed: a number or a port's name. `kubectl` is how commands of fixes must start, so that
    they reach the same cluster (`kubectl --context kind-dev`).

    `kind`     `name`                        `namespace`       `port`
    Service    the Service                   its namespace     its own, or a name
    Container  a container of an engine      empty             the container's, or a published one; `scheme` is
                                                               podman where that engine is asked for
    Compose    a service of a project        the project       the same; empty project: the only one
    Address    a host, without brackets;     empty             always there; `scheme` is what was typed in front
               empty for this machine
    Ingress, Gateway, HTTPRoute, …  its name   its namespace   never; of a URL `host` and `path` are asked about,
               found from a Service only what `leads_to` it (`shop/web`)
    Pod, Deployment, StatefulSet, …  its name  its namespace  the pods' own, or a name that a container declares
    Node       the node                      of the probe pod  always there: a nodePort or hostPort; `host` is the
               address that was typed, empty for the node's own
    LoadBalancer  its Service                its namespace     never
    """

    name: str
    namespace: str
    port: str | None = None
    kind: TargetKind = "Service"
    kubectl: str = "kubectl"
    scheme: str = ""
    host: str = ""
    path: str = ""
    leads_to: str = ""

    @property
    def is_service(self) -> bool:
        """Whether it is a Kubernetes Service, on whose path the other kinds have nothing."""
        return self.kind == "Service"

    @property
    def is_entrance(self) -> bool:
        """Whether it leads to Services of its cluster."""
        return self.kind in ENTRANCES

    @property
    def is_of_pods(self) -> bool:
        """Whether it is a pod, or the workload that made some."""
        return self.kind in OF_PODS

    @property
    def in_cluster(self) -> bool:
        """Whether it is an object of a cluster, in a namespace."""
        return self.is_service or self.is_entrance or self.is_of_pods

    def __str__(self) -> str:
        if self.kind in ADDRESSED:
            return f"node/{self.name}:{self.port}" if self.kind == "Node" else f"lb/{self.name}"
        if self.kind == "OpenShiftRoute":
            return f"route/{self.name}"
        if self.is_entrance:
            return f"{self.kind.lower()}/{self.name}"
        port = f":{self.port}" if self.port else ""
        if self.is_of_pods:
            return f"{OF_PODS[self.kind]}/{self.name}{port}"
        if self.kind == "Address":
            return (f"[{self.name}]" if ":" in self.name else self.name) + port
        project = f"{self.namespace}/" if self.namespace else ""
        kinds = {"Container": f"{self.scheme or 'docker'}/", "Compose": f"compose/{project}"}
        return kinds.get(self.kind, "svc/") + self.name + port


HERE = "here"  # the key of the vantage that is this machine


@dataclass(frozen=True)
class Vantage:
    """Where the dials of a path start: a probe pod, a client, a node, this machine, the API server, or nowhere.

    `key` tells several vantages of one run apart (Dial.at); the one of a run that named none is "".
    `labels` and `address` are the client pod's own, by which NetworkPolicies judge it. `control` is the key of
    the vantage beside it that differs in nothing but the labels, empty where there is none.
    """

    kind: str
    namespace: str = ""
    node: str = ""
    name: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    address: str = ""
    key: str = ""
    control: str = ""

    @property
    def is_pod(self) -> bool:
        """Whether it is a pod on the pod network, which NetworkPolicies judge."""
        return self.kind in ("pod", "client", "stand-in")

    @property
    def who(self) -> str:
        """Whom a fault hits: the client by its name, or the probe."""
        return self.name if self.kind in ("client", "stand-in") else "the probe"

    def __str__(self) -> str:
        on = f" on {self.node}" if self.node else ""
        return {
            "pod": f"a pod{on}",
            "client": f"inside {self.name}{on}",
            "container": f"inside {self.name}",
            "stand-in": f"a pod like {self.name}{on}",
            "node": f"the network of {self.node}",
            "here": "this machine",
            "apiserver": "the API server",
            "objects": "the objects alone",
            "files": "the files alone",
        }.get(self.kind, f"{self.kind} {self.name}{on}")
