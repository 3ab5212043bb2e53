"""What a service mesh is told by objects of its own kinds, as slim frozen Structs.

Field names and meanings are those of Istio (security.istio.io, networking.istio.io) and of Linkerd
(policy.linkerd.io).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from .gaps import Gap
from .objects import LabelSelector, Metadata, Struct

Texts = tuple[str, ...] | None
# Where a policy of Istio's holds for the whole mesh (meshConfig.rootNamespace, unless somebody moved it).
ISTIO_ROOT = "istio-system"


class MutualTLS(Struct, frozen=True):
    mode: str | None = None


class PeerAuthenticationSpec(Struct, frozen=True):
    selector: LabelSelector | None = None
    mtls: MutualTLS | None = None
    port_level_mtls: dict[str, MutualTLS] | None = None


class PeerAuthentication(Struct, frozen=True):
    """Whether a workload's proxy takes plain text: STRICT, PERMISSIVE, DISABLE or UNSET."""

    metadata: Metadata
    spec: PeerAuthenticationSpec = PeerAuthenticationSpec()


class Origin(Struct, frozen=True):
    """Istio's `source`: whatever is set must hold."""

    principals: Texts = None
    not_principals: Texts = None
    namespaces: Texts = None
    not_namespaces: Texts = None
    ip_blocks: Texts = None
    not_ip_blocks: Texts = None
    remote_ip_blocks: Texts = None
    not_remote_ip_blocks: Texts = None
    request_principals: Texts = None
    not_request_principals: Texts = None
    service_accounts: Texts = None
    not_service_accounts: Texts = None


class From(Struct, frozen=True):
    source: Origin = Origin()


class Operation(Struct, frozen=True):
    """Istio's `operation`: all but ports only HTTP has."""

    ports: Texts = None
    not_ports: Texts = None
    hosts: Texts = None
    not_hosts: Texts = None
    methods: Texts = None
    not_methods: Texts = None
    paths: Texts = None
    not_paths: Texts = None


class To(Struct, frozen=True):
    operation: Operation = Operation()


class When(Struct, frozen=True):
    key: str = ""


class AccessRule(Struct, frozen=True):
    """One of from, one of to, and all of when must match; what is not there matches all."""

    from_: tuple[From, ...] | None = msgspec.field(default=None, name="from")
    to: tuple[To, ...] | None = None
    when: tuple[When, ...] | None = None


class Aim(Struct, frozen=True):
    """An object that a policy is attached to."""

    kind: str = ""
    name: str = ""
    group: str | None = None
    namespace: str | None = None


class AuthorizationPolicySpec(Struct, frozen=True):
    selector: LabelSelector | None = None
    target_refs: tuple[Aim, ...] | None = None
    action: str | None = None
    rules: tuple[AccessRule, ...] | None = None


class AuthorizationPolicy(Struct, frozen=True):
    """Istio's: ALLOW (where it says nothing), DENY, AUDIT or CUSTOM. An ALLOW without rules lets nobody in."""

    metadata: Metadata
    spec: AuthorizationPolicySpec = AuthorizationPolicySpec()


class Subset(Struct, frozen=True):
    name: str = ""
    labels: dict[str, str] | None = None


class DestinationRuleSpec(Struct, frozen=True):
    host: str = ""
    subsets: tuple[Subset, ...] | None = None


class DestinationRule(Struct, frozen=True):
    metadata: Metadata
    spec: DestinationRuleSpec = DestinationRuleSpec()


class Destination(Struct, frozen=True):
    host: str = ""
    subset: str | None = None


class WeightedDestination(Struct, frozen=True):
    destination: Destination = Destination()
    weight: int | None = None


class MeshRoute(Struct, frozen=True):
    route: tuple[WeightedDestination, ...] | None = None


class VirtualServiceSpec(Struct, frozen=True):
    http: tuple[MeshRoute, ...] | None = None
    tcp: tuple[MeshRoute, ...] | None = None
    tls: tuple[MeshRoute, ...] | None = None


class VirtualService(Struct, frozen=True):
    metadata: Metadata
    spec: VirtualServiceSpec = VirtualServiceSpec()


class ServerSpec(Struct, frozen=True):
    """`port` is a number or a container port's name; `access_policy` what holds without any authorization."""

    pod_selector: LabelSelector | None = None
    port: int | str = 0
    proxy_protocol: str | None = None
    access_policy: str | None = None


class Server(Struct, frozen=True):
    """Linkerd's: one port of some pods, to which nobody gets who is not authorized."""

    metadata: Metadata
    spec: ServerSpec = ServerSpec()


class ServerChoice(Struct, frozen=True):
    name: str | None = None
    selector: LabelSelector | None = None


class ServerClient(Struct, frozen=True):
    unauthenticated: bool | None = None


class ServerAuthorizationSpec(Struct, frozen=True):
    server: ServerChoice = ServerChoice()
    client: ServerClient = ServerClient()


class ServerAuthorization(Struct, frozen=True):
    """Linkerd's older form."""

    metadata: Metadata
    spec: ServerAuthorizationSpec = ServerAuthorizationSpec()


class LinkerdAuthorizationSpec(Struct, frozen=True):
    target_ref: Aim = Aim()
    required_authentication_refs: tuple[Aim, ...] | None = None


class LinkerdAuthorization(Struct, frozen=True):
    """Linkerd's AuthorizationPolicy: who fulfils all its authentications may reach its target."""

    metadata: Metadata
    spec: LinkerdAuthorizationSpec = LinkerdAuthorizationSpec()


MeshObject = (
    PeerAuthentication
    | AuthorizationPolicy
    | DestinationRule
    | VirtualService
    | Server
    | ServerAuthorization
    | LinkerdAuthorization
)
ISTIO_SECURITY, ISTIO_NETWORKING, LINKERD = "security.istio.io", "networking.istio.io", "policy.linkerd.io"
# (group, kind) to its type and the word that the API's paths have for it.
MESH_TYPES: dict[tuple[str, str], tuple[type[MeshObject], str]] = {
    (ISTIO_SECURITY, "PeerAuthentication"): (PeerAuthentication, "peerauthentications"),
    (ISTIO_SECURITY, "AuthorizationPolicy"): (AuthorizationPolicy, "authorizationpolicies"),
    (ISTIO_NETWORKING, "DestinationRule"): (DestinationRule, "destinationrules"),
    (ISTIO_NETWORKING, "VirtualService"): (VirtualService, "virtualservices"),
    (LINKERD, "Server"): (Server, "servers"),
    (LINKERD, "ServerAuthorization"): (ServerAuthorization, "serverauthorizations"),
    (LINKERD, "AuthorizationPolicy"): (LinkerdAuthorization, "authorizationpolicies"),
}


class MeshObjects(msgspec.Struct, frozen=True):
    """Those of a namespace and of the mesh's own one, and what of them could not be read.

    One field for each type: a recording has no word for which of several an object is.
    """

    peer_authentications: tuple[PeerAuthentication, ...] = ()
    authorization_policies: tuple[AuthorizationPolicy, ...] = ()
    destination_rules: tuple[DestinationRule, ...] = ()
    virtual_services: tuple[VirtualService, ...] = ()
    servers: tuple[Server, ...] = ()
    server_authorizations: tuple[ServerAuthorization, ...] = ()
    linkerd_authorizations: tuple[LinkerdAuthorization, ...] = ()
    unread: tuple[Gap, ...] = ()


def gathered(objects: Iterable[MeshObject], unread: Iterable[Gap] = ()) -> MeshObjects:
    """Each object in its field, in the order given."""
    found: dict[type[Any], list[Any]] = {}
    for one in objects:
        found.setdefault(type(one), []).append(one)
    return MeshObjects(
        tuple(found.get(PeerAuthentication, ())),
        tuple(found.get(AuthorizationPolicy, ())),
        tuple(found.get(DestinationRule, ())),
        tuple(found.get(VirtualService, ())),
        tuple(found.get(Server, ())),
        tuple(found.get(ServerAuthorization, ())),
        tuple(found.get(LinkerdAuthorization, ())),
        tuple(unread),
    )
