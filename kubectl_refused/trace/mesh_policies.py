"""What a mesh's own policies mean for one port of a pod, evaluated as its proxy does. Pure.

https://istio.io/latest/docs/reference/config/security/peer_authentication/
https://istio.io/latest/docs/reference/config/security/authorization-policy/
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import ip_address, ip_network

from msgspec import Struct

from kubectl_refused.model.facts import MESH, NamespaceKey, Need, Undecided
from kubectl_refused.model.mesh import (
    ISTIO_ROOT,
    AccessRule,
    AuthorizationPolicy,
    From,
    MeshObject,
    MeshObjects,
    Operation,
    Origin,
    PeerAuthentication,
)
from kubectl_refused.model.objects import LabelSelector, Pod
from kubectl_refused.model.observation import Handshake, Outcome
from kubectl_refused.model.scene import Endpoint, Scene
from kubectl_refused.patterns import lazily

from .client_pods import client_pod
from .labels import selects
from .proofs import source_address
from .runtimes import mesh_of
from .veils import veil

STRICT, UNSET = "STRICT", "UNSET"
DENY, ALLOW = "DENY", "ALLOW"
_FORBIDDEN = 403
# Proxies judge by the first bytes. The agent's words (probe_agent.py) for who hangs up on a question, and Go's.
_HUNG_UP = lazily(r"closed without a word when asked|\bEOF\b|connection reset by peer")


class Client(Struct, frozen=True):
    """Who dials, as a proxy sees it. Outside the mesh it has no identity; `namespace` is that of one inside."""

    address: str
    meshed: bool
    namespace: str = ""


def behind_mesh(scene: Scene, mesh: str) -> Iterable[tuple[Scene, Endpoint, Pod]]:
    """The endpoints whose port that mesh's proxy takes, each with its view."""
    for endpoint in scene.ready_endpoints:
        pod = endpoint.pod
        found = veil(scene, pod, endpoint.port) if pod and endpoint.port is not None else None
        if pod and found and found.name.startswith(mesh):
            yield scene.at_endpoint(endpoint), endpoint, pod


def told_to(scene: Scene, namespace: str) -> MeshObjects | None:
    """What the mesh is told of a namespace; None where that cannot be read."""
    return scene.maybe(MESH, NamespaceKey(namespace))


def unread(scene: Scene, namespace: str, handshake: Handshake | None) -> None:
    """Raises Undecided where a proxy turned somebody away and not all that it is told could be read."""
    if not shut(handshake):
        return
    told = scene.need(MESH, NamespaceKey(namespace))
    if told.unread:
        raise Undecided(Need(MESH, NamespaceKey(namespace)), told.unread[0])


def shut(handshake: Handshake | None) -> bool:
    """Whether the proxy accepted and then turned the client away: by hanging up, or by Envoy's own 403."""
    if handshake is None:
        return False
    http = handshake.http
    forbidden = http is not None and http.status == _FORBIDDEN and "envoy" in http.server
    hung_up = handshake.outcome is Outcome.ACCEPTED and not handshake.speaks and _HUNG_UP.search(handshake.detail)
    return handshake.outcome is Outcome.RESET or forbidden or bool(hung_up)


def client_of(scene: Scene, handshake: Handshake | None) -> Client:
    """Who dials: a client that was named may be in the mesh, a probe is not.

    Raises Undecided while the client's pod was not asked for.
    """
    pod = client_pod(scene)
    address = source_address(scene, handshake) if handshake else scene.vantage.address
    if pod is None or mesh_of(pod) is None:
        return Client(address, meshed=False)
    return Client(address, meshed=True, namespace=pod.metadata.namespace)


def is_named(scene: Scene) -> bool:
    """Whether a client was named, whose path is asked about even where nothing is seen of a denial."""
    return scene.vantage.kind in ("client", "stand-in")


def peer_mode(told: MeshObjects, pod: Pod, port: int) -> tuple[str, PeerAuthentication | None]:
    """The mode for a port of the pod and who sets it: the pod's own policy, its namespace's, the mesh's."""
    found = told.peer_authentications
    own = [one for one in found if _chooses(one.spec.selector, pod) and _is_of(one, pod.metadata.namespace)]
    space = [one for one in found if not _narrow(one.spec.selector) and _is_of(one, pod.metadata.namespace)]
    mesh = [one for one in found if not _narrow(one.spec.selector) and _is_of(one, ISTIO_ROOT)]
    for policies, at_port in ((own, port), (space, None), (mesh, None)):
        for policy in _oldest_first(policies):
            mode = _mode(policy, at_port)
            if mode not in ("", UNSET):
                return mode, policy
    return "", None


def _mode(policy: PeerAuthentication, port: int | None) -> str:
    by_port = (policy.spec.port_level_mtls or {}).get(str(port)) if port is not None else None
    if by_port and by_port.mode not in (None, UNSET):
        return by_port.mode or ""
    return (policy.spec.mtls.mode or "") if policy.spec.mtls else ""


def _narrow(selector: LabelSelector | None) -> bool:
    return bool(selector and (selector.match_labels or selector.match_expressions))


def _chooses(selector: LabelSelector | None, pod: Pod) -> bool:
    return selector is not None and _narrow(selector) and selects(selector, pod.metadata.labels)


def _is_of(one: MeshObject, namespace: str) -> bool:
    return one.metadata.namespace == namespace


def _oldest_first(policies: Iterable[PeerAuthentication]) -> Sequence[PeerAuthentication]:
    return sorted(policies, key=lambda one: (one.metadata.creation_timestamp or "", one.metadata.name))


class Denial(Struct, frozen=True):
    """The policy that keeps a client out. `sure` is unset where a part of it could not be judged."""

    policy: AuthorizationPolicy
    sure: bool
    everybody: bool


def denial(told: MeshObjects, pod: Pod, port: int, client: Client) -> Denial | None:
    """Why Istio's policies keep the client from a port of the pod: a DENY matches, or no ALLOW does."""
    mine = [one for one in told.authorization_policies if _holds_for(one, pod)]
    denying = [one for one in mine if one.spec.action == DENY]
    for policy in denying:
        if _matches(policy, port, client):
            return Denial(policy, sure=True, everybody=any(_is_all(rule) for rule in policy.spec.rules or ()))
    allowing = [one for one in mine if (one.spec.action or ALLOW) == ALLOW]
    judged = [_matches(one, port, client) for one in allowing]
    if not allowing or True in judged:
        return None
    nobody = all(not one.spec.rules for one in allowing)
    return Denial(allowing[0], sure=None not in judged, everybody=nobody)


def _holds_for(policy: AuthorizationPolicy, pod: Pod) -> bool:
    if policy.spec.target_refs or policy.metadata.namespace not in (pod.metadata.namespace, ISTIO_ROOT):
        return False
    return not _narrow(policy.spec.selector) or _chooses(policy.spec.selector, pod)


def _is_all(rule: AccessRule) -> bool:
    return not (rule.from_ or rule.to or rule.when)


def _matches(policy: AuthorizationPolicy, port: int, client: Client) -> bool | None:
    return _any(_rule(rule, port, client) for rule in policy.spec.rules or ())


def _rule(rule: AccessRule, port: int, client: Client) -> bool | None:
    origins = _any(_origin(one, client) for one in rule.from_) if rule.from_ else True
    operations = _any(_operation(one.operation, port) for one in rule.to) if rule.to else True
    return _all([origins, operations, None if rule.when else True])


def _origin(origin: From, client: Client) -> bool | None:
    """Whoever is outside the mesh has no principal and no namespace, so nothing that asks for one matches."""
    source, judged = origin.source, [True if not _unjudged(origin.source) else None]
    identity = source.principals or source.service_accounts
    if identity:
        judged.append(None if client.meshed else False)
    if source.namespaces:
        judged.append(client.meshed and any(_like(one, client.namespace) for one in source.namespaces))
    if source.ip_blocks:
        judged.append(_within(client.address, source.ip_blocks))
    return _all(judged)


def _unjudged(source: Origin) -> bool:
    return bool(
        source.not_principals
        or source.not_namespaces
        or source.not_ip_blocks
        or source.remote_ip_blocks
        or source.not_remote_ip_blocks
        or source.request_principals
        or source.not_request_principals
        or source.not_service_accounts
    )


def _operation(operation: Operation, port: int) -> bool | None:
    judged: list[bool | None] = [str(port) in operation.ports] if operation.ports else []
    others = (
        operation.not_ports, operation.hosts, operation.not_hosts, operation.methods, operation.not_methods,
        operation.paths, operation.not_paths,
    )  # fmt: skip
    return _all([*judged, None if any(others) else True])


def _like(pattern: str, name: str) -> bool:
    """Istio's patterns: `*`, a prefix, a suffix, or the name itself."""
    if pattern == "*":
        return bool(name)
    if pattern.endswith("*"):
        return name.startswith(pattern[:-1])
    return name.endswith(pattern[1:]) if pattern.startswith("*") else pattern == name


def _within(address: str, blocks: Iterable[str]) -> bool | None:
    try:
        mine = ip_address(address)
        return any(mine in ip_network(block, strict=False) for block in blocks)
    except ValueError:  # an address that nobody knows, or a block that is none
        return None


def _all(judged: Iterable[bool | None]) -> bool | None:
    found = list(judged)
    return False if False in found else None if None in found else True


def _any(judged: Iterable[bool | None]) -> bool | None:
    found = list(judged)
    return True if True in found else None if None in found else False
