"""The client's own settings name another address than the Service's.

Why it refuses:
    The Service works, and the client does not dial it: a variable of its container names a port that the Service
    does not have (its targetPort, as a rule), a name with a slip in it, or localhost, which inside a pod is the
    pod itself and not the machine on which it was developed. Variables are read in the pod's spec and in the
    ConfigMaps it names, as they are now; a running process has those of its start. Secrets are not read.
Confirm:
    kubectl exec CLIENT -- env    # which host and port the client is told; the pod's spec says where from
Fix:
    Write the Service's name and its port into the client's settings.
See:
    https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/#services
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.setting import setting_change
from kubectl_refused.model.evidence import Certainty, Evidence, Finding, Fix
from kubectl_refused.model.facts import (
    CONFIG_MAP,
    HANDSHAKE,
    INSIDE,
    LOOKUP,
    PODS_IN,
    WORKLOAD,
    Dial,
    InsideDial,
    NameKey,
)
from kubectl_refused.model.objects import Pod, Service
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.client_pods import at_home, client_maps, client_pod, is_target
from kubectl_refused.trace.client_settings import Told, addresses, speaks_of
from kubectl_refused.trace.name_service import lookup_proof, unanswered
from kubectl_refused.trace.nearest import likeness
from kubectl_refused.trace.proofs import field, nearest_miss, packet, service_subject
from kubectl_refused.trace.told_addresses import told_of_target

_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
# So many programs are on these that a like number tells nothing.
_COMMON = frozenset({80, 443, 8080, 8443})
# How alike a name is that may be meant for another (`wbe` for `web`), and one that hardly is for anything else.
NEAR, NEARER = 0.65, 0.75


@cause(
    "KR107",
    scope=Scope.ROUTE,
    reads={CONFIG_MAP, HANDSHAKE, INSIDE, LOOKUP, PODS_IN, WORKLOAD},
    produces=Symptom.NO_NAME,
    since="0.2",
    needs_symptom=True,
)
def client_configured_elsewhere(scene: Scene) -> Iterator[Finding]:
    """Yield for each address in the client's variables that was meant to be the Service's, is not, and fails."""
    service = scene.service
    if service is None or scene.port is None:
        return
    if scene.from_files:
        yield from _in_files(scene, service)
    pod = client_pod(scene) if scene.entrance else None
    for told in addresses(pod, client_maps(scene, pod)) if pod else ():
        if pod is None:
            return
        found = _misled(scene, service, pod, told)
        if found:
            yield found


def _in_files(scene: Scene, service: Service) -> Iterator[Finding]:
    """Whoever in the Service's namespace is told a port of it that it does not have; nothing can be dialled."""
    if service.spec.type == "ExternalName":
        return
    for pod, told in told_of_target(scene):
        found = _at_no_port(scene, service, pod, told)
        if found:
            yield found


def _misled(scene: Scene, service: Service, pod: Pod, told: Told) -> Finding | None:
    if told.host in _LOCAL:
        return _at_itself(scene, pod, told)
    if is_target(scene, told.host):
        return _at_no_port(scene, service, pod, told)
    return _at_no_name(scene, pod, told) if _nearly_target(scene, told.host) else None


def _at_no_port(scene: Scene, service: Service, pod: Pod, told: Told) -> Finding | None:
    """The Service's name with a port that it does not have."""
    ports = [p.port for p in service.spec.ports or ()]
    if told.port in ports or service.spec.cluster_ip == "None":
        return None
    tried = scene.maybe(HANDSHAKE, Dial(scene.entrance, told.port, scene.vantage.key)) if scene.entrance else None
    if tried is not None and tried.outcome is Outcome.ACCEPTED:
        return None
    meant = ports[0] if len(ports) == 1 else _aimed_at(service, told.port)
    because = f"svc/{scene.target.name} has no port {told.port}, it has {', '.join(map(str, ports))}"
    sure = Certainty.PROVED if tried else Certainty.LIKELY
    evidence = (packet(scene, tried),) if tried else ()
    return _finding(scene, pod, told, because, meant, evidence, sure)


def _aimed_at(service: Service, port: int) -> int | None:
    """The Service's port whose targetPort or nodePort was taken for it."""
    meant = (p.port for p in service.spec.ports or () if port in (p.target_port, p.node_port))
    return next(meant, None)


def _at_itself(scene: Scene, pod: Pod, told: Told) -> Finding | None:
    """localhost, where nothing listens in the client's own pod."""
    assert scene.port is not None
    named = speaks_of(told.name, scene.target.name)
    if not named and (told.port != scene.port.port or told.port in _COMMON):
        return None
    meta = pod.metadata
    hosts = ("127.0.0.1", "::1") if told.host == "localhost" else (told.host,)
    tried = [scene.maybe(INSIDE, InsideDial(meta.namespace, meta.name, host, told.port)) for host in hosts]
    refused = tried[0]
    if refused is None or refused.outcome is not Outcome.REFUSED:
        return None
    if any(seen is not None and seen.outcome is Outcome.ACCEPTED for seen in tried):
        return None
    because = "that is the client's own pod, where nothing listens on it"
    sure = Certainty.PROVED if named else Certainty.LIKELY
    return _finding(scene, pod, told, because, scene.port.port, (packet(scene, refused),), sure)


def _at_no_name(scene: Scene, pod: Pod, told: Told) -> Finding | None:
    """A name much like the Service's that does not resolve."""
    lookup = scene.maybe(LOOKUP, NameKey(told.host, scene.vantage.key))
    if lookup is None or lookup.addresses or not lookup.error or unanswered(lookup):
        return None
    because = f"there is no such name; svc/{scene.target.name} is the nearest"
    port = scene.port.port if scene.port else told.port
    alike = likeness(scene.target.name, told.host.partition(".")[0]) >= NEARER
    sure = Certainty.PROVED if alike else Certainty.LIKELY
    differs = [
        nearest_miss(
            scene, service_subject(scene), key, found, meant, f"svc/{scene.target.name} is the nearest name"
        )
        for key, found, meant in _differences(scene, told.host)
    ]
    return _finding(scene, pod, told, because, port, (lookup_proof(scene, lookup), *differs), sure)


def _differences(scene: Scene, host: str) -> Iterator[tuple[str, str, str]]:
    """(what, as the client has it, as it is) of the parts of a DNS name that are not the Service's."""
    name, _, rest = host.partition(".")
    space = rest.partition(".")[0]
    meant = (("name", name, scene.target.name), ("namespace", space, scene.target.namespace))
    yield from ((key, found, right) for key, found, right in meant if found and found != right)


def _nearly_target(scene: Scene, host: str) -> bool:
    """Whether name (and namespace, where there is one) are near the Service's, and not just the same."""
    name, _, rest = host.partition(".")
    space = rest.partition(".")[0]
    if name == scene.target.name and not space:
        return False  # the short name from another namespace is another cause's to say
    if rest.count(".") and not rest.partition(".")[2].startswith("svc"):
        return False
    if likeness(scene.target.name, name) < NEAR:
        return False
    return likeness(scene.target.namespace, space) >= NEAR if space else at_home(scene)


def _finding(
    scene: Scene,
    pod: Pod,
    told: Told,
    because: str,
    meant: int | None,
    evidence: tuple[Evidence, ...],
    certainty: Certainty,
) -> Finding:
    subject = f"pod/{pod.metadata.name}"
    says = f"{told.name} names {told.address}"
    who = subject if scene.from_files else scene.vantage.who
    return Finding(
        where=f"container {told.container} of {subject}",
        says=f"{says}; {because}",
        headline=f"{who} is told {told.address} ({told.name}): {because}",
        certainty=Certainty.LIKELY if told.variable.hidden else certainty,
        evidence=(_proof(scene, subject, told), *evidence),
        fix=_fix(scene, pod, told, meant),
    )


def _proof(scene: Scene, subject: str, told: Told) -> Evidence:
    """The field that holds the address: of the pod, or of the ConfigMap that it names."""
    says = f"container {told.container}: {told.name} names {told.address}"
    if told.variable.config_map:
        where = f"configmap/{told.variable.config_map}"
        return field(scene, where, f"data[{told.variable.key}]", told.address, f"{says}, from {where}")
    return field(scene, subject, f"spec.containers[{told.container}].env[{told.name}]", told.address, says)


def _fix(scene: Scene, pod: Pod, told: Told, meant: int | None) -> Fix:
    """The variable with the address put right."""
    short = scene.target.name if at_home(scene) else f"{scene.target.name}.{scene.target.namespace}"
    host = told.host if is_target(scene, told.host) else short
    wanted = f"{host}:{meant}" if meant else ""
    summary = (
        f"Write {wanted or f'one of the ports of svc/{scene.target.name}'} for {told.address} into {told.name}"
    )
    held = client_maps(scene, pod).get(told.variable.config_map)
    return setting_change(scene, pod, told, wanted, summary, held)
