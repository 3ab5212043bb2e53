"""A fault of a pod that is being replaced is none, once a pod of the mended template is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from kubectl_refused.model.evidence import Finding, Fix
from kubectl_refused.model.facts import WORKLOAD, Need, PodKey
from kubectl_refused.model.objects import Pod, Workload
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.outdated import outdated
from tests.case_folders import decoded
from tests.scenery import endpoint_slice, pod, scene

OLD, NEW = ({"readinessProbe": {"tcpSocket": {"port": port}}} for port in (9999, 8080))


def fault(**fields: object) -> Finding:
    containers = [{"name": "web", **fields}]
    patch = {"spec": {"template": {"spec": {"containers": containers}}}}
    return Finding(where="pod/web-1", says="x", fix=Fix(summary="Mend it", patch=patch))


def seen(template: Mapping[str, object], *others: Pod) -> Scene:
    made = decoded({
        "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"template": {"spec": {"containers": [{"name": "web", "image": "web:1", **template}]}}},
    })  # fmt: skip
    assert isinstance(made, Workload)
    old = pod(container=OLD)
    all_of_them = (old, *others)
    facts = {Need(WORKLOAD, PodKey("shop", "web-1")): made}
    return scene(*all_of_them, endpoint_slice(*all_of_them), facts=facts).at_pod(old)


def cases() -> Iterator[tuple[Scene, Finding, bool]]:
    new = pod("web-2", ip="10.0.0.2", container=NEW)
    yield seen(NEW, new), fault(**NEW), True
    yield seen(NEW), fault(**NEW), False
    yield seen(OLD, new), fault(**NEW), False
    yield seen(NEW, new), fault(command=["web"]), False
    yield seen(NEW, new), Finding(where="pod/web-1", says="x"), False
    yield (
        seen(NEW, new),
        Finding(where="x", says="x", fix=Fix(summary="x", patch={"spec": {"replicas": 1}})),
        False,
    )


@pytest.mark.parametrize(("view", "finding", "gone"), list(cases()))
def test_outdated(view: Scene, finding: Finding, gone: bool) -> None:
    assert outdated(finding, view) is gone
