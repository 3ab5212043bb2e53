"""There is no Service of that name in the namespace.

Why it refuses:
    The name does not resolve (NXDOMAIN), or a client that cached the address of a deleted Service dials an
    address that nobody serves any more.
Confirm:
    kubectl get service NAME -n NAMESPACE    # NotFound
Fix:
    Ask for the Service by its right name and namespace, or create it.
See:
    https://kubernetes.io/docs/tasks/debug/debug-application/debug-service/#does-the-service-exist
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.evidence import Evidence, Finding, Fix, NearestEvidence
from kubectl_refused.model.facts import (
    NAMESPACE,
    NAMESPACES,
    SERVICES_IN,
    SERVICES_NAMED,
    ClusterKey,
    NameKey,
    NamespaceKey,
)
from kubectl_refused.model.gaps import Absent
from kubectl_refused.model.objects import Service
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.nearest import nearest
from kubectl_refused.trace.proofs import field, nearest_miss, service_subject


@cause(
    "KR101",
    scope=Scope.ROUTE,
    reads={NAMESPACE, NAMESPACES, SERVICES_IN, SERVICES_NAMED},
    produces=Symptom.NO_NAME,
    since="0.1",
)
def no_such_service(scene: Scene) -> Iterator[Finding]:
    """Yield when the Service was looked for and is not there, with the nearest name here and elsewhere."""
    name, namespace = scene.target.name, scene.target.namespace
    if scene.service is not None or not scene.snapshot.read("Service", namespace):
        return
    here = scene.maybe(SERVICES_IN, NamespaceKey(namespace))
    elsewhere = scene.maybe(SERVICES_NAMED, NameKey(name)) or ()
    spaces = sorted(s.metadata.namespace for s in elsewhere if s.metadata.namespace != namespace)
    meant = nearest(name, (s.metadata.name for s in here or ()))
    space = nearest(namespace, spaces) or (_space(scene) if not here and not spaces else None)
    says, headline = _told(scene, here)
    evidence: list[Evidence] = [field(scene, service_subject(scene), "metadata.name", name, says)]
    if spaces:
        told = f"svc/{name} exists in namespace {', '.join(spaces[:3])}"
        differs = {"namespace": (namespace, space)} if space else {}
        evidence.append(
            NearestEvidence(witness="api server", subject=f"service/{name}", says=told, differs=differs)
        )
    elif space:
        told = f"namespace {space} is the nearest name"
        evidence.append(nearest_miss(scene, f"namespace/{space}", "namespace", namespace, space, told))
    if meant:
        told = f"svc/{meant} is the nearest name in {namespace}"
        evidence.append(nearest_miss(scene, f"service/{meant}", "name", name, meant, told))
    yield Finding(
        where=f"namespace {namespace}",
        says=says,
        headline=headline,
        evidence=tuple(evidence),
        fix=_fix(name, [space] if space else spaces, meant, there=bool(spaces)),
    )


def _told(scene: Scene, here: tuple[Service, ...] | None) -> tuple[str, str]:
    """(says, headline). `here` is None where Services may not be listed: then nothing is said of how many."""
    name, namespace = scene.target.name, scene.target.namespace
    headline = f"there is no Service {name} in namespace {namespace}"
    if here is None:
        return f"namespace {namespace} has no Service of that name", headline
    # The API server lists a namespace that does not exist as an empty one.
    if not here and _no_namespace(scene):
        return f"no namespace is called {namespace}", f"there is no namespace {namespace}"
    return f"namespace {namespace} has {len(here)} Service{'s' * (len(here) != 1)} and none of that name", headline


def _space(scene: Scene) -> str | None:
    """The namespace that was meant, where none has the name asked for and they may be listed."""
    if not _no_namespace(scene):
        return None
    there = scene.maybe(NAMESPACES, ClusterKey()) or ()
    return nearest(scene.target.namespace, (one.metadata.name for one in there))


def _no_namespace(scene: Scene) -> bool:
    """Whether it was looked for and is not there."""
    key = NamespaceKey(scene.target.namespace)
    if scene.maybe(NAMESPACE, key) is not None:
        return False
    why = scene.facts.get(NAMESPACE, key)
    return isinstance(why, Absent)


def _fix(name: str, spaces: list[str], meant: str | None, *, there: bool) -> Fix:
    """`there`: the Service stands in those namespaces; else one is only called like the one asked for."""
    if spaces and not there:
        return Fix(summary=f"Ask in namespace {spaces[0]}: -n {spaces[0]}")
    if spaces:
        return Fix(summary=f"Dial {name}.{spaces[0]}: the Service stands in namespace {spaces[0]}")
    if meant:
        return Fix(summary=f"Dial {meant}, or create the Service {name}")
    return Fix(summary=f"Create the Service {name}, or ask in the namespace where it stands (-n NAMESPACE)")
