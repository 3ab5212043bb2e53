"""An Ingress names a class that the cluster does not have.

Why it refuses:
    A controller serves the Ingresses whose class leads to it (Ingress, IngressClass, controller). With a class
    that nobody defined none takes it: no host and path of it is served, and clients meet another's 404, or
    nothing.
Confirm:
    kubectl get ingressclass
Fix:
    Name a class that is there, or install the controller that brings this one.
See:
    https://kubernetes.io/docs/concepts/services-networking/ingress/#ingress-class
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, cause
from kubectl_refused.fixes.entrance import owner_change
from kubectl_refused.model.entrances import Ingress
from kubectl_refused.model.evidence import Certainty, Evidence, Finding, Fix
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.doors import CLASS_ANNOTATION, class_name, class_of, classes, is_served
from kubectl_refused.trace.nearest import ALIKE, nearest
from kubectl_refused.trace.proofs import field, nearest_miss


@cause("KR802", scope=Scope.ENTRANCE, since="0.3")
def ingress_class_missing(scene: Scene) -> Iterator[Finding]:
    """Yield when no class has the name, and nobody has given the Ingress an address.

    Some controllers compare the name with a flag of theirs and need no IngressClass: only a slip of the pen is
    proof.
    """
    ingress = scene.door.owner if scene.door else None
    if not isinstance(ingress, Ingress) or not scene.snapshot.read("IngressClass", "") or is_served(ingress):
        return
    name = class_name(ingress)
    if name is None or scene.from_files or class_of(ingress, scene.snapshot) is not None:
        return
    names = [one.metadata.name for one in classes(scene.snapshot)]
    meant, by_field = nearest(name, names, ALIKE), bool(ingress.spec.ingress_class_name)
    path = "spec.ingressClassName" if by_field else f"metadata.annotations.{CLASS_ANNOTATION}"
    subject = f"ingress/{ingress.metadata.name}"
    there = ", ".join(names) or "none"
    evidence: list[Evidence] = [
        field(scene, subject, path, name, f"{path} is {name}"),
        field(
            scene, subject, "status.loadBalancer", None, "its status has no address: no controller answers for it"
        ),
    ]
    if meant:
        told = f"ingressclass/{meant} is the nearest name"
        evidence.append(nearest_miss(scene, f"ingressclass/{meant}", "class", name, meant, told))
    yield Finding(
        where=subject,
        says=f"its class is {name}, and the cluster has {there}",
        headline=f"no IngressClass is called {name}" + (f"; {meant} is" if meant else ""),
        certainty=Certainty.PROVED if meant and by_field else Certainty.LIKELY,
        evidence=tuple(evidence),
        fix=_fix(scene, ingress, name, meant or (names[0] if len(names) == 1 else None)),
    )


def _fix(scene: Scene, ingress: Ingress, name: str, meant: str | None) -> Fix:
    if meant is None:
        return Fix(summary=f"Name a class that is there, or install the controller of class {name}")
    return owner_change(scene, ingress, f"Set ingressClassName to {meant}", "spec.ingressClassName", meant)
