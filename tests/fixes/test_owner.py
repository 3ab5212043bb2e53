"""Who owns an object."""

from __future__ import annotations

import pytest

from kubectl_refused.fixes.owner import source_of
from kubectl_refused.model.objects import Metadata, OwnerReference


@pytest.mark.parametrize(
    ("labels", "annotations", "owner"),
    [
        ({}, {}, None),
        ({"app": "web"}, {"note": "x"}, None),
        ({}, {"meta.helm.sh/release-name": "cart"}, "Helm release cart"),
        ({"app.kubernetes.io/managed-by": "Helm"}, {}, None),
        ({}, {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/web"}, "Argo CD application shop"),
        ({"argocd.argoproj.io/instance": "shop"}, {}, "Argo CD application shop"),
        ({"kustomize.toolkit.fluxcd.io/name": "apps"}, {}, "Flux Kustomization apps"),
        ({"helm.toolkit.fluxcd.io/name": "web"}, {"meta.helm.sh/release-name": "web"}, "Flux HelmRelease web"),
    ],
)
def test_source_of(labels: dict[str, str], annotations: dict[str, str], owner: str | None) -> None:
    assert source_of(Metadata(labels=labels, annotations=annotations)) == owner


def test_an_operators_resource_owns_what_it_made() -> None:
    made = Metadata(owner_references=(OwnerReference(kind="Postgres", name="main", controller=True),))
    merely_referred = Metadata(owner_references=(OwnerReference(kind="ConfigMap", name="x"),))
    assert source_of(made) == "Postgres main"
    assert source_of(merely_referred) is None
