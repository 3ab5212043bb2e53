"""Wherever a name must match a name, the nearest miss stands in the proof as a small difference."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from kubectl_refused.model.evidence import NearestEvidence
from kubectl_refused.model.report import Diagnosis
from kubectl_refused.model.target import Depth, Target
from kubectl_refused.pipeline import diagnose
from kubectl_refused.probes.prober import Prober
from kubectl_refused.sources.file_facts import FileFacts
from kubectl_refused.sources.files import FilesSource
from tests.fakes import probe_context

Differs = dict[str, tuple[str | None, str | None]]
LABELS = {"app": "web"}
PROBE = {"httpGet": {"path": "/", "port": "htpp"}}


def service(name: str = "web", namespace: str = "shop", **spec: Any) -> dict[str, Any]:
    ports = [{"name": "http", "port": 80, "targetPort": "http"}]
    body = {"selector": LABELS, "ports": ports, **spec}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace},
        "spec": body,
    }


def alias(host: str) -> dict[str, Any]:
    return service(type="ExternalName", externalName=host, selector=None)


def web(**container: Any) -> dict[str, Any]:
    ports = [{"name": "http", "containerPort": 8080}]
    spec = {"containers": [{"name": "web", "image": "x", "ports": ports, **container}]}
    body = {"selector": {"matchLabels": LABELS}, "template": {"metadata": {"labels": LABELS}, "spec": spec}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": body}


def diagnosed(folder: Path, target: Target, *objects: dict[str, Any]) -> Diagnosis:
    file = folder / "shop.yaml"
    file.write_text(yaml.safe_dump_all(objects))
    source = FilesSource([str(file)], namespace="shop")
    prober = Prober([FileFacts()], probe_context(depth=Depth.NONE))
    return diagnose(target, source, prober, depth=Depth.NONE)


MISSES = [
    pytest.param("KR101", Target("wbe", "shop"), [service()], {"name": ("wbe", "web")}, id="service"),
    pytest.param("KR101", Target("web", "shpo"), [service()], {"namespace": ("shpo", "shop")}, id="namespace"),
    pytest.param("KR106", Target("web", "shop", "htpp"), [service()], {"port": ("htpp", "http")}, id="port name"),
    pytest.param("KR106", Target("web", "shop", "8080"), [service()], {"port": ("8080", "80")}, id="port"),
    pytest.param(
        "KR201",
        Target("web", "shop"),
        [service(selector={"app": "w3b"}), web()],
        {"app": ("w3b", "web")},
        id="label",
    ),
    pytest.param(
        "KR201",
        Target("web", "shop"),
        [service(selector={"app": "web", "name": "web"}), web()],
        {"name": ("web", None)},
        id="key",
    ),
    pytest.param(
        "KR214",
        Target("web", "shop"),
        [service(ports=[{"port": 80, "targetPort": "htpp"}]), web()],
        {"targetPort": ("htpp", "http")},
        id="target port",
    ),
    pytest.param(
        "KR213",
        Target("web", "shop"),
        [service(), web(readinessProbe=PROBE)],
        {"port": ("htpp", "http")},
        id="probe",
    ),
    pytest.param(
        "KR109",
        Target("web", "shop"),
        [alias("dbb.far.svc.cluster.local"), service("db", "far")],
        {"name": ("dbb", "db")},
        id="alias",
    ),
    pytest.param(
        "KR109",
        Target("web", "shop"),
        [alias("db.fra.svc.cluster.local"), service("db", "far"), service("x", "fra")],
        {"namespace": ("fra", "far")},
        id="alias into a namespace",
    ),
]


@pytest.mark.parametrize(("code", "target", "objects", "differs"), MISSES)
def test_the_nearest_miss_is_a_difference(
    tmp_path: Path, code: str, target: Target, objects: list[dict[str, Any]], differs: Differs
) -> None:
    root = diagnosed(tmp_path, target, *objects).root
    assert root is not None
    assert root.code == code
    assert differs in [one.differs for one in root.evidence if isinstance(one, NearestEvidence)]


def test_an_alias_is_led_to_the_nearest_name(tmp_path: Path) -> None:
    root = diagnosed(
        tmp_path,
        Target("web", "shop"),
        alias("db.fra.svc.cluster.local"),
        service("db", "far"),
        service("x", "fra"),
    ).root
    assert root is not None
    assert root.fix is not None
    assert root.fix.patch == {"spec": {"externalName": "db.far.svc.cluster.local"}}
