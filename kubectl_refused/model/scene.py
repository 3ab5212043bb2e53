"""A Scene is one path as seen from one vantage; a cause reads nothing else."""

from __future__ import annotations

from dataclasses import replace as replaced
from typing import Any, Literal, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from .containers import EngineContainer, PublishedPort
from .entrances import Door, Entry
from .facts import HANDSHAKE, Dial, Fact, FactStore, PodKey, PodPort
from .gaps import Gap
from .objects import EndpointSlice, Pod, Service, ServicePort
from .observation import Handshake
from .snapshot import Snapshot
from .target import Target, Vantage

T = TypeVar("T")
Family = Literal["IPv4", "IPv6"]


class Endpoint(Struct, frozen=True):
    """One address of an EndpointSlice for the Service port; `port` None when the slice has no such port.

    `ready` follows the API: unknown counts as true. `pod` is the live pod of the name that targetRef has, or None;
    `target_uid` is the uid there, which may be that of an earlier pod.
    """

    address: str
    port: int | None
    ready: bool = True
    serving: bool = True
    terminating: bool = False
    node: str = ""
    slice_name: str = ""
    target_name: str = ""
    target_uid: str = ""
    pod: Pod | None = None


class Scene(Struct, frozen=True):
    """One (vantage, entrance, Service port, address family), hop by hop.

    `service` is None when there is none of that name, `port` None when the Service has no such port.
    An ExternalName that leads to a host outside has that as its `entrance`, and `alias_port` is the port dialled
    there: it has no Service port of its own.
    `siblings` are the same port and family as seen from the other vantages of the run, themselves without any.
    A target that is no Service has neither of these: what its client dials are `ways`, in the client's order, and
    what stands behind them, where that is known and can be dialled, are its `endpoints`. `container` and
    `published` are a container's, None where there is none of that name, or it has no such port.
    What is reached through an Ingress or a route has that `door`: where its backend is a Service with that port,
    the scene is the Service's own, and where not it is the entrance's.
    Pods that are asked about by themselves are `ways` and `endpoints` at once; `port` is what is dialled there.
    `endpoint` is set in scope ENDPOINT, `pod` in scopes ENDPOINT (its pod) and POD; in scope PROCESS both, but
    `endpoint` only where the pod's containers run, so that there is something to dial.
    """

    target: Target
    vantage: Vantage
    snapshot: Snapshot
    facts: FactStore
    service: Service | None = None
    port: ServicePort | None = None
    family: Family = "IPv4"
    entrance: str = ""
    slices: tuple[EndpointSlice, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    pods: tuple[Pod, ...] = ()
    endpoint: Endpoint | None = None
    pod: Pod | None = None
    siblings: tuple[Scene, ...] = ()
    alias_port: int | None = None
    ways: tuple[Dial, ...] = ()
    container: EngineContainer | None = None
    published: PublishedPort | None = None
    door: Door | None = None

    def need(self, fact: Fact[T], of: Any) -> T:
        """The fact, or Undecided: the engine then tries to learn it and asks again."""
        return self.facts.need(fact, of)

    def maybe(self, fact: Fact[T], of: Any) -> T | None:
        """The fact, None where it cannot be had, Undecided while nobody has tried."""
        return self.facts.maybe(fact, of)

    def known(self, fact: Fact[T], of: Any) -> T | None:
        """The fact if somebody else already learnt it; never asks for it."""
        value = self.facts.get(fact, of)
        return None if isinstance(value, Gap) else value

    def at_endpoint(self, endpoint: Endpoint) -> Scene:
        """The same scene, looking at one endpoint."""
        return replace(self, endpoint=endpoint, pod=endpoint.pod)

    def at_pod(self, pod: Pod) -> Scene:
        """The same scene, looking at one selected pod."""
        return replace(self, pod=pod)

    @property
    def from_files(self) -> bool:
        """Whether the objects come from manifests, where no pod has a status and nothing can be dialled."""
        return self.snapshot.origin == "files"

    @property
    def ready_endpoints(self) -> tuple[Endpoint, ...]:
        """Endpoints that get traffic for this port: ready (or published not ready) with a port."""
        return tuple(e for e in self.endpoints if e.ready and e.port is not None)

    @property
    def number(self) -> int | None:
        """The port a client dials at the entrance; None where there is none."""
        if not self.target.is_service:
            return self.ways[0].port if self.ways else self._promised_port
        return self.port.port if self.port else self.alias_port

    @property
    def _promised_port(self) -> int | None:
        """What a client would dial of a container of which nothing is dialled."""
        if self.published is None:
            return self.port.port if self.port else None
        return self.published.places[0][1] if self.published.places else self.published.number

    @property
    def entrance_dial(self) -> Dial | None:
        """What a client dials: the ClusterIP and Service port, or an alias's host; None without either, or where
        it is not TCP. Of several ways the first; pods have nothing in front of them."""
        if self.ways and self.target.is_of_pods:
            return None
        if self.ways:
            return self.ways[0]
        if not self.entrance or self.number is None or not self.is_dialled:
            return None
        return Dial(self.entrance, self.number, self.vantage.key)

    @property
    def door_dial(self) -> Dial | None:
        """What a client dials at an address in front of the Service; None where the door is no address."""
        door = self.door
        if not isinstance(door, Entry) or not door.address or self.from_files:
            return None
        return Dial(door.address, door.number, self.vantage.key)

    @property
    def is_dialled(self) -> bool:
        """Whether dials tell how this port works: only TCP is dialled."""
        return self.port is None or self.port.protocol == "TCP"

    @property
    def endpoint_dial(self) -> Dial:
        """Address and port of the endpoint looked at. Only in scope ENDPOINT."""
        assert self.endpoint is not None
        assert self.endpoint.port is not None
        return Dial(self.endpoint.address, self.endpoint.port, self.vantage.key)

    def control_of(self, dial: Dial) -> Dial | None:
        """The same dial from the vantage beside this one that differs in its labels only; None without one."""
        return replace(dial, at=self.vantage.control) if self.vantage.control else None

    def handshake(self, dial: Dial | None) -> Handshake | None:
        """The dial's result if it has been made."""
        return self.known(HANDSHAKE, dial) if dial and self.is_dialled else None

    @property
    def dialled(self) -> Handshake | None:
        """The dial of the endpoint looked at; None where it cannot be made, Undecided while nobody tried."""
        if self.from_files or self.endpoint is None:
            return None
        return self.maybe(HANDSHAKE, self.endpoint_dial)

    @property
    def asked(self) -> str:
        """`svc/web:80`: the target with this scene's port."""
        if not self.target.is_service:
            return str(replaced(self.target, port=self.target.port or (str(self.number) if self.number else None)))
        port = str(self.number) if self.number else self.target.port
        return f"svc/{self.target.name}" + (f":{port}" if port else "")


def pod_key(pod: Pod) -> PodKey:
    """The subject of facts about a pod."""
    return PodKey(pod.metadata.namespace, pod.metadata.name)


def pod_port(pod: Pod, port: int) -> PodPort:
    """The subject of facts about a port inside a pod."""
    return PodPort(pod.metadata.namespace, pod.metadata.name, port)
