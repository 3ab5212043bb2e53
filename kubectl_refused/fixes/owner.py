"""Who owns an object, so that a fix names the source instead of what the source would overwrite.

Marks: Helm writes annotation meta.helm.sh/release-name (helm pkg/action/validate.go); Argo CD tracks by
annotation argocd.argoproj.io/tracking-id or label argocd.argoproj.io/instance; Flux labels what it applies
with {kustomize,helm}.toolkit.fluxcd.io/name; an operator's resource is the controller among ownerReferences.
"""

from __future__ import annotations

from kubectl_refused.model.objects import Metadata

_FLUX = {
    "kustomize.toolkit.fluxcd.io/name": "Flux Kustomization",
    "helm.toolkit.fluxcd.io/name": "Flux HelmRelease",
}


def source_of(metadata: Metadata) -> str | None:
    """`Helm release cart`, `Argo CD application shop`, … or None where nobody else writes the object."""
    labels, annotations = metadata.labels or {}, metadata.annotations or {}
    for key, word in _FLUX.items():
        if key in labels:
            return f"{word} {labels[key]}"
    if tracking := annotations.get("argocd.argoproj.io/tracking-id"):
        return f"Argo CD application {tracking.split(':', 1)[0]}"
    if instance := labels.get("argocd.argoproj.io/instance"):
        return f"Argo CD application {instance}"
    if release := annotations.get("meta.helm.sh/release-name"):
        return f"Helm release {release}"
    controller = next((o for o in metadata.owner_references or () if o.controller), None)
    return f"{controller.kind} {controller.name}" if controller else None
