"""An Ingress names no class, and no class is the default.

Why it refuses:
    When it is made, an Ingress without a class gets the class that is marked as the default. Without such a class
    it stays without one, and most controllers leave it alone unless they are told to take those as well
    (ingress-nginx: --watch-ingress-without-class). Clients meet another's 404, or nothing.
Confirm:
    kubectl get ingress NAME    # CLASS is <none>, ADDRESS is empty
Fix:
    Set spec.ingressClassName, or mark a class as the default and make the Ingress anew.
See:
    https://kubernetes.io/docs/concepts/services-networking/ingress/#default-ingress-class
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, cause
from kubectl_refused.fixes.entrance import owner_change
from kubectl_refused.model.entrances import Ingress
from kubectl_refused.model.evidence import Certainty, Finding, Fix
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.doors import class_name, classes, is_default, is_served
from kubectl_refused.trace.proofs import field


@cause("KR803", scope=Scope.ENTRANCE, since="0.3")
def ingress_without_class(scene: Scene) -> Iterator[Finding]:
    """Yield when there is neither a class nor a default one, and nobody has given the Ingress an address."""
    ingress = scene.door.owner if scene.door else None
    if not isinstance(ingress, Ingress) or not scene.snapshot.read("IngressClass", "") or scene.from_files:
        return
    there = classes(scene.snapshot)
    if class_name(ingress) is not None or is_served(ingress) or any(is_default(one) for one in there):
        return
    names = [one.metadata.name for one in there]
    subject = f"ingress/{ingress.metadata.name}"
    told = f"the cluster has {', '.join(names)}, none of them the default" if names else "the cluster has no class"
    yield Finding(
        where=subject,
        says=f"it names no class, and {told}",
        headline="it has no class, and so probably no controller",
        certainty=Certainty.LIKELY,
        evidence=(
            field(scene, subject, "spec.ingressClassName", None, "spec.ingressClassName is not set"),
            field(
                scene,
                subject,
                "status.loadBalancer",
                None,
                "its status has no address: no controller answers for it",
            ),
        ),
        fix=_fix(scene, ingress, names),
    )


def _fix(scene: Scene, ingress: Ingress, names: list[str]) -> Fix:
    if len(names) == 1:
        return owner_change(
            scene, ingress, f"Set ingressClassName to {names[0]}", "spec.ingressClassName", names[0]
        )
    if names:
        return Fix(summary=f"Set spec.ingressClassName to one of {', '.join(names)}")
    return Fix(summary="Install an ingress controller, and set spec.ingressClassName to its class")
