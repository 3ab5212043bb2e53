"""Which pods serve an IngressClass, by the labels that each controller's own manifests give them. Pure."""

from __future__ import annotations

from kubectl_refused.model.facts import SelectorKey
from kubectl_refused.model.objects import Labels

_NAME, _COMPONENT = "app.kubernetes.io/name", "app.kubernetes.io/component"
# spec.controller to labels: of the charts and manifests that the projects publish themselves.
_LABELS: dict[str, Labels] = {
    "k8s.io/ingress-nginx": {_NAME: "ingress-nginx", _COMPONENT: "controller"},
    "nginx.org/ingress-controller": {_NAME: "nginx-ingress"},
    "traefik.io/ingress-controller": {_NAME: "traefik"},
    "haproxy.org/ingress-controller/haproxy": {_NAME: "kubernetes-ingress"},
    "haproxy-ingress.github.io/controller": {_NAME: "haproxy-ingress"},
    "projectcontour.io/ingress-controller": {_NAME: "contour"},
}


def pods_of(controller: str) -> SelectorKey | None:
    """What selects the controller's pods; None for one that is not known, or runs outside."""
    labels = _LABELS.get(controller)
    return SelectorKey(tuple(sorted(labels.items()))) if labels else None
