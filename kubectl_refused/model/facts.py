"""The facts a cause may need, what each is a fact of, and how far one must go to learn it.

A fact is keyed by (Fact, subject). Facts only accumulate; one that could not be had is stored as a Gap,
so that absent and unread are never confused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Generic, TypeVar

from msgspec import Struct, field

from . import objects
from .firewall import Firewall
from .gaps import Gap
from .host import HostSockets, Machine, Space, Units
from .mesh import MeshObjects
from .observation import (
    Bulk,
    Connections,
    DryRun,
    Handshake,
    Holder,
    Listeners,
    Log,
    Lookup,
    NodeSettings,
    OtherPolicies,
    Search,
    SecretSeen,
)
from .target import Depth

T = TypeVar("T")


class Key(Struct, frozen=True, order=True):
    """What a fact is about: each of the classes below."""


class PodKey(Key, frozen=True):
    namespace: str
    name: str


class ContainerKey(Key, frozen=True):
    namespace: str
    pod: str
    container: str
    previous: bool = False


class Dial(Key, frozen=True):
    """An address and port as a client would dial it; `at` is the key of the vantage it stands at (Vantage.key)."""

    host: str
    port: int
    at: str = ""


class EngineKey(Key, frozen=True):
    """A container of an engine, by its id."""

    container: str


class EngineDial(Key, frozen=True):
    """An address and port as a program in a container's own network namespace dials it."""

    container: str
    host: str
    port: int


class PodPort(Key, frozen=True):
    """A port inside one pod's network namespace, dialled at localhost there."""

    namespace: str
    pod: str
    port: int


class InsideDial(Key, frozen=True):
    """An address and port as a program in the pod's own network namespace dials it."""

    namespace: str
    pod: str
    host: str
    port: int


class BulkDial(Key, frozen=True):
    """An address and port that accepted and speaks http or tls, asked for an answer of more than one segment."""

    host: str
    port: int
    speaks: str
    at: str = ""


class NamespaceKey(Key, frozen=True):
    namespace: str


class NameKey(Key, frozen=True):
    """A name; `at` is the key of the vantage that resolves it (Vantage.key)."""

    name: str
    at: str = ""


class NodeKey(Key, frozen=True):
    name: str


class NodeView(Key, frozen=True):
    """A node as a vantage on its own network sees it; `at` is that vantage's key."""

    name: str
    at: str


class ClusterKey(Key, frozen=True):
    """The whole cluster: of facts that are about nothing smaller."""


class MachineKey(Key, frozen=True):
    """This machine, in the network namespace of whoever asks."""


class PortKey(Key, frozen=True):
    """A port of this machine."""

    port: int


class AddressKey(Key, frozen=True):
    """An IP address as text, without brackets."""

    address: str


class SelectorKey(Key, frozen=True):
    """A label selector as sorted (key, value) pairs."""

    labels: tuple[tuple[str, str], ...]


class ConfigMapKey(Key, frozen=True):
    namespace: str
    name: str


class SecretKey(Key, frozen=True):
    namespace: str
    name: str


class KindKey(Key, frozen=True):
    """Objects of one kind of entrance in a namespace."""

    namespace: str
    kind: str


class WorkloadKey(Key, frozen=True):
    namespace: str
    kind: str
    name: str


class PatchKey(Key, frozen=True):
    """A patch of one object: its API path, the patch as JSON text, and its media type (RFC 7386 if not told)."""

    path: str
    patch: str
    type: str = "application/merge-patch+json"


class Fact(Struct, Generic[T], frozen=True, eq=False):
    """A kind of fact; `depth` is the least intrusive level at which it can be learnt.

    `quiet` facts are only read: nothing is dialled, created or run for them. Facts that stand `aside` only add:
    where one cannot be had, nothing is less sure, and nothing is told.
    """

    name: str
    depth: Depth
    about: str
    quiet: bool = False
    aside: bool = False


# From the API server's objects. Reads are bounded: one namespace or one selector each.
PODS_IN: Fact[tuple[objects.Pod, ...]] = Fact("pods-in", Depth.NONE, "pods of a namespace", quiet=True)
WORKLOADS_IN: Fact[tuple[objects.Workload, ...]] = Fact(
    "workloads-in", Depth.NONE, "workloads of a namespace", quiet=True
)
SERVICES_IN: Fact[tuple[objects.Service, ...]] = Fact(
    "services-in", Depth.NONE, "Services of a namespace", quiet=True
)
SLICES_IN: Fact[tuple[objects.EndpointSlice, ...]] = Fact(
    "slices-in", Depth.NONE, "EndpointSlices of a namespace", quiet=True
)
SERVICES_NAMED: Fact[tuple[objects.Service, ...]] = Fact(
    "services-named", Depth.NONE, "Services of one name in all namespaces", quiet=True
)
SERVICES_EVERYWHERE: Fact[tuple[objects.Service, ...]] = Fact(
    "services-everywhere", Depth.NONE, "Services of all namespaces", quiet=True
)
PODS_ELSEWHERE: Fact[tuple[objects.Pod, ...]] = Fact(
    "pods-elsewhere", Depth.NONE, "pods of all namespaces that match a selector", quiet=True
)
POLICIES_IN: Fact[tuple[objects.NetworkPolicy, ...]] = Fact(
    "policies-in", Depth.NONE, "NetworkPolicies of a namespace", quiet=True
)
OTHER_POLICIES: Fact[OtherPolicies] = Fact(
    "other-policies", Depth.NONE, "policies of other kinds that hold in a namespace", quiet=True
)
MESH: Fact[MeshObjects] = Fact("mesh", Depth.NONE, "what a mesh is told of a namespace", quiet=True)
NAMESPACE: Fact[objects.Namespace] = Fact("namespace", Depth.NONE, "a namespace", quiet=True)
NAMESPACES: Fact[tuple[objects.Namespace, ...]] = Fact(
    "namespaces", Depth.NONE, "the namespaces of the cluster", quiet=True, aside=True
)
ENTRANCES_IN: Fact[tuple[str, ...]] = Fact(
    "entrances-in", Depth.NONE, "names of Ingresses, Gateways or routes of a namespace", quiet=True
)
EVENTS: Fact[tuple[objects.Event, ...]] = Fact("events", Depth.NONE, "events about a pod", quiet=True)
EVENTS_OF: Fact[tuple[objects.Event, ...]] = Fact("events-of", Depth.NONE, "events about a workload", quiet=True)
WORKLOAD: Fact[objects.Workload] = Fact("workload", Depth.NONE, "the workload that made a pod", quiet=True)
REPLICA_SETS: Fact[tuple[objects.Workload, ...]] = Fact(
    "replica-sets", Depth.NONE, "the ReplicaSets of the Deployment that made a pod", quiet=True
)
NODE: Fact[objects.Node] = Fact("node", Depth.NONE, "a node", quiet=True)
NODES: Fact[tuple[objects.Node, ...]] = Fact("nodes", Depth.NONE, "the nodes of the cluster", quiet=True)
# What is in a Secret never leaves the API server.
SECRET_TYPE: Fact[SecretSeen] = Fact("secret-type", Depth.NONE, "the type of a Secret", quiet=True, aside=True)
# Read for the client that --from names and for nobody else.
CONFIG_MAP: Fact[objects.ConfigMap] = Fact(
    "config-map", Depth.PODS, "a ConfigMap of the client's variables", quiet=True
)
HOLDER: Fact[Holder] = Fact("holder", Depth.NONE, "whom an address belongs to", quiet=True)

# Through the API server, creating nothing.
LOG: Fact[Log] = Fact("log", Depth.PASSIVE, "the last lines of a container's log", quiet=True)
FORWARD: Fact[Handshake] = Fact("forward", Depth.PASSIVE, "a dial to localhost inside the pod by port-forward")
# Asked only of a pod whose port is known to refuse; its subject is that PodPort.
SEARCH: Fact[Search] = Fact("search", Depth.PASSIVE, "other ports at localhost inside the pod, by port-forward")

# HANDSHAKE comes from a probe pod; at depth passive the pod proxy stands in for it and says so.
HANDSHAKE: Fact[Handshake] = Fact("handshake", Depth.PASSIVE, "a TCP dial from the vantage")
LOOKUP: Fact[Lookup] = Fact("lookup", Depth.PODS, "a name as the vantage resolves it")
# Costs a pod of its own: asked only where a client ended soon after its start, and later dials get through.
EARLY: Fact[Handshake] = Fact("early", Depth.PODS, "a dial in a pod's first moment")
INSIDE: Fact[Handshake] = Fact("inside", Depth.PODS, "a dial from inside the pod itself")
# Asked only where --guess-protocol told what is spoken, as it sends a whole request.
BULK: Fact[Bulk] = Fact("bulk", Depth.PODS, "whether a large answer arrives")
# Readable without any privilege, but only on the node's own network, which a pod has where --host-network asks so.
NODE_SETTINGS: Fact[NodeSettings] = Fact("node-settings", Depth.PODS, "the kernel's settings of a node")
LISTENERS: Fact[Listeners] = Fact("listeners", Depth.PODS, "listening sockets of a pod")
CONNECTIONS: Fact[Connections] = Fact("connections", Depth.PODS, "connections of a pod", aside=True)
DRY_RUN: Fact[DryRun] = Fact("dry-run", Depth.PASSIVE, "a patch the API server checked without applying it")

# Of containers without Kubernetes: read from /proc or by the engine's API, the least intrusive way.
CONTAINER_LOG: Fact[Log] = Fact("container-log", Depth.PASSIVE, "the last lines of a container's log", quiet=True)
CONTAINER_LISTENERS: Fact[Listeners] = Fact(
    "container-listeners", Depth.PASSIVE, "listening sockets of a container"
)

# Of this machine, where a dial to it or from it fails.
HOST_SOCKETS: Fact[HostSockets] = Fact(
    "host-sockets", Depth.PASSIVE, "listening sockets of this machine", quiet=True
)
FIREWALL: Fact[Firewall] = Fact("firewall", Depth.PASSIVE, "firewall rules of this machine", quiet=True)
UNITS: Fact[Units] = Fact("units", Depth.PASSIVE, "services that do not run", quiet=True, aside=True)
SPACES: Fact[tuple[Space, ...]] = Fact(
    "spaces", Depth.PASSIVE, "other network namespaces of this machine", quiet=True, aside=True
)
MACHINE: Fact[Machine] = Fact("machine", Depth.PASSIVE, "what kind of machine this is", quiet=True, aside=True)

# Whatever stands above, so that a new fact is one entry and no second list can lack it.
ALL: tuple[Fact[Any], ...] = tuple(value for value in list(globals().values()) if isinstance(value, Fact))


class Need(Struct, frozen=True):
    """A fact nobody has yet, and of what."""

    fact: Fact[Any]
    subject: Any


class Undecided(Exception):
    """Raised by `need`: the cause cannot say yet. `gap` is set when it never will."""

    def __init__(self, need: Need, gap: Gap | None = None) -> None:
        super().__init__(f"{need.fact.name} of {need.subject}")
        self.need = need
        self.gap = gap


class FactStore(Struct, frozen=True):
    """All facts learnt so far. `beyond` are those that cannot be had here, whatever they are about.

    `looked` takes what is looked at and may be learnt yet, where somebody wants to know (trace/memory.py).
    """

    known: Mapping[Need, Any] = field(default_factory=dict)
    beyond: Mapping[Fact[Any], Gap] = field(default_factory=dict)
    looked: set[Need] | None = None

    def get(self, fact: Fact[T], subject: Any) -> T | Gap | None:
        """The value, a Gap, or None where nobody tried."""
        if fact in self.beyond:
            return self.beyond[fact]
        need = Need(fact, subject)
        if self.looked is not None:
            self.looked.add(need)
        return self.known.get(need)

    def need(self, fact: Fact[T], subject: Any) -> T:
        """The value; raises Undecided where it is not (or cannot be) known."""
        value = self.get(fact, subject)
        if value is None or isinstance(value, Gap):
            raise Undecided(Need(fact, subject), value)
        return value

    def maybe(self, fact: Fact[T], subject: Any) -> T | None:
        """The value, or None where it cannot be had; raises Undecided while nobody has tried."""
        value = self.get(fact, subject)
        if value is None:
            raise Undecided(Need(fact, subject))
        return None if isinstance(value, Gap) else value

    def having(self, more: Iterable[tuple[Need, Any]]) -> FactStore:
        """A store with `more` added; a value replaces a Gap, never the other way round."""
        merged = dict(self.known)
        for need, value in more:
            if not (isinstance(value, Gap) and need in merged):
                merged[need] = value
        return FactStore(merged, self.beyond, self.looked)
