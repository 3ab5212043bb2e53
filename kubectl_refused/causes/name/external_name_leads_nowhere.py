"""The ExternalName leads to a host, a Service or a port that is not there.

Why it refuses:
    An ExternalName is an alias in DNS (CNAME) and nothing else: no address, no proxy, and its ports
    are ignored. The client resolves the other name as it stands, without any search list, and dials its port
    there. So the other name must exist, whole (web.shop.svc.cluster.local), and have that very port.
Confirm:
    kubectl get service NAME -o jsonpath='{.spec.externalName} {.spec.ports}'; nslookup EXTERNAL_NAME
Fix:
    Point externalName at a name that exists, and dial a port which that has.
See:
    https://kubernetes.io/docs/concepts/services-networking/service/#externalname
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.change import service_change
from kubectl_refused.model.evidence import Certainty, Evidence, Finding, Fix
from kubectl_refused.model.facts import LOOKUP, SERVICES_IN, SERVICES_NAMED, NameKey, NamespaceKey
from kubectl_refused.model.objects import Service
from kubectl_refused.model.scene import Scene
from kubectl_refused.model.target import HERE
from kubectl_refused.trace.aliases import Inside, inside
from kubectl_refused.trace.name_service import lookup_proof, unanswered
from kubectl_refused.trace.nearest import likeness, nearest
from kubectl_refused.trace.proofs import field, nearest_miss, service_subject
from kubectl_refused.trace.questions import dns_name

# kube-apiserver keeps it by itself (pkg/controlplane/controller/kubernetesservice): no manifest has it.
_API_SERVER = Inside("kubernetes", "default")


@cause(
    "KR109",
    scope=Scope.ROUTE,
    reads={LOOKUP, SERVICES_IN, SERVICES_NAMED},
    produces=Symptom.NO_NAME,
    since="0.2",
    needs_symptom=True,
)
def external_name_leads_nowhere(scene: Scene) -> Iterator[Finding]:
    """Yield when an ExternalName does not resolve, or names a Service or a port that does not exist."""
    service = scene.service
    if service is None or service.spec.type != "ExternalName" or not service.spec.external_name:
        return
    alias = service.spec.external_name
    within = inside(alias)
    if within and not _beyond_the_files(scene, within):
        services = scene.maybe(SERVICES_IN, NamespaceKey(within.namespace))
        if services is not None:
            yield from _within(scene, alias, within, services)
            return
    yield from _unresolved(scene, alias)


def _beyond_the_files(scene: Scene, meant: Inside) -> bool:
    """Whether manifests cannot tell of it: the API server makes it, or they hold nothing of its namespace."""
    spaces = (o.metadata.namespace for o in scene.snapshot.objects.values())
    return scene.from_files and (meant == _API_SERVER or meant.namespace not in spaces)


def _within(scene: Scene, alias: str, meant: Inside, services: Iterable[Service]) -> Iterator[Finding]:
    """What the cluster's own objects say of where it leads."""
    by_name = {s.metadata.name: s for s in services}
    target = by_name.get(meant.name)
    if target is None:
        near = nearest(meant.name, by_name)
        spaces = [] if near else _spaces(scene, meant)
        told = f"there is no Service {meant.name} in namespace {meant.namespace}"
        new = _renamed(alias, near or meant.name, spaces[0] if spaces else meant.namespace)
        fix = (
            service_change(scene, f"Set externalName to {new}", {"externalName": new})
            if near or spaces
            else Fix(summary=f"Point externalName of svc/{scene.target.name} at a Service that exists")
        )
        miss = _miss(scene, meant, near, spaces) if near or spaces else ()
        yield _finding(scene, alias, told, miss, fix, Certainty.PROVED)
        return
    port = _missed(scene, target)
    if port is None:
        yield from _unresolved(scene, alias)
        return
    has = ", ".join(str(p.port) for p in target.spec.ports or ()) or "none"
    told = f"svc/{meant.name} of {meant.namespace} has no port {port}, it has {has}; an ExternalName maps no ports"
    summary = f"Dial port {has} at svc/{scene.target.name}: the port is that of svc/{meant.name}"
    proof = field(
        scene, service_subject(scene), "spec.ports", port, f"port {port} of the ExternalName is not used"
    )
    yield _finding(scene, alias, told, (proof,), Fix(summary=summary), Certainty.PROVED)


def _spaces(scene: Scene, meant: Inside) -> list[str]:
    """The namespaces that have a Service of that name, the one most like the alias's first."""
    named = scene.maybe(SERVICES_NAMED, NameKey(meant.name)) or ()
    found = {s.metadata.namespace for s in named if s.metadata.name != scene.target.name} - {meant.namespace}
    return sorted(found, key=lambda space: (-likeness(meant.namespace, space), space))


def _renamed(alias: str, name: str, namespace: str) -> str:
    """The alias with another name and namespace; what follows them stays."""
    return ".".join((name, namespace, *alias.split(".")[2:]))


def _miss(scene: Scene, meant: Inside, near: str | None, spaces: list[str]) -> tuple[Evidence, ...]:
    if near is None:
        says = f"svc/{meant.name} exists in namespace {', '.join(spaces[:3])}"
        subject = f"service/{meant.name}"
        return (nearest_miss(scene, subject, "namespace", meant.namespace, spaces[0], says),)
    says = f"svc/{near} is the nearest name in {meant.namespace}"
    return (nearest_miss(scene, f"service/{near}", "name", meant.name, near, says),)


def _missed(scene: Scene, target: Service) -> int | None:
    """A port that clients of the alias dial, and its Service does not have. Headless ones answer on any."""
    if target.spec.type == "ExternalName" or target.spec.cluster_ip == "None" or scene.service is None:
        return None
    has = {p.port for p in target.spec.ports or ()}
    listed = {p.name: p.port for p in scene.service.spec.ports or ()}
    asked = scene.target.port
    if asked is not None:
        number = int(asked) if asked.isdecimal() else listed.get(asked)
        return number if number is not None and number not in has else None
    return next((number for number in listed.values() if number not in has), None)


def _unresolved(scene: Scene, alias: str) -> Iterator[Finding]:
    """What DNS says, where a vantage could ask it."""
    if scene.from_files or scene.vantage.key == HERE:
        return
    lookup = scene.maybe(LOOKUP, NameKey(dns_name(scene), scene.vantage.key))
    if lookup is None or lookup.addresses or not lookup.error or unanswered(lookup):
        return
    parts = alias.rstrip(".").split(".")
    short = inside(alias) is not None and len(parts) == 3
    told = f"{alias} does not resolve" + (
        ": an alias is no short name, it needs the cluster's domain" if short else ""
    )
    new = f"{alias.rstrip('.')}.cluster.local"
    fix = (
        service_change(scene, f"Set externalName to {new}", {"externalName": new})
        if short
        else Fix(summary=f"Point externalName of svc/{scene.target.name} at a host that exists")
    )
    yield _finding(scene, alias, told, (lookup_proof(scene, lookup),), fix, Certainty.PROVED)


def _finding(
    scene: Scene, alias: str, told: str, more: tuple[Evidence, ...], fix: Fix, certainty: Certainty
) -> Finding:
    says = f"externalName is {alias}; {told}"
    return Finding(
        where=f"svc/{scene.target.name}",
        says=says,
        headline=f"it is an alias of {alias}; {told}",
        certainty=certainty,
        evidence=(field(scene, service_subject(scene), "spec.externalName", alias, says), *more),
        fix=fix,
    )
