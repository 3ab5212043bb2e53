"""Clients in manifests that are told a port which the Service beside them does not have (KR107)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from kubectl_refused.model.report import Diagnosis
from kubectl_refused.model.target import Depth, Target
from kubectl_refused.pipeline import diagnose
from kubectl_refused.probes.prober import Prober
from kubectl_refused.sources.file_facts import FileFacts
from kubectl_refused.sources.files import FilesSource
from tests.fakes import probe_context

FROM_MAP = {"env": [{"name": "UP", "valueFrom": {"configMapKeyRef": {"name": "cart", "key": "WEB_URL"}}}]}
WHOLE_MAP = {"envFrom": [{"configMapRef": {"name": "cart"}}]}


def deployment(name: str, container: dict[str, Any]) -> dict[str, Any]:
    labels = {"app": name}
    spec = {"containers": [{"name": name, "image": "x", **container}]}
    template = {"metadata": {"labels": labels}, "spec": spec}
    body = {"selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": body}


def diagnosed(folder: Path, client: dict[str, Any], url: str, **service: Any) -> Diagnosis:
    spec = {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}], **service}
    objects = [
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": spec},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "cart"}, "data": {"WEB_URL": url}},
        deployment("web", {"ports": [{"containerPort": 8080}]}),
        deployment("cart", client),
    ]
    file = folder / "shop.yaml"
    file.write_text(yaml.safe_dump_all(objects))
    source = FilesSource([str(file)], namespace="shop")
    prober = Prober([FileFacts()], probe_context(depth=Depth.NONE))
    return diagnose(Target("web", "shop"), source, prober, depth=Depth.NONE)


@pytest.mark.parametrize(
    "client", [FROM_MAP, WHOLE_MAP, {"env": [{"name": "UP", "value": "http://web:8080/items"}]}]
)
def test_a_port_that_the_service_does_not_have(tmp_path: Path, client: dict[str, Any]) -> None:
    root = diagnosed(tmp_path, client, "http://web.shop:8080/items").root
    assert root is not None
    assert (root.code, root.certainty) == ("KR107", "likely")
    assert "8080" in root.headline
    assert root.fix is not None
    assert root.fix.command is None
    assert ":80/items" in str(root.fix.patch)


@pytest.mark.parametrize("url", ["http://web:80/items", "http://web.other:8080", "http://web2:8080", "8080"])
def test_other_addresses_are_no_fault(tmp_path: Path, url: str) -> None:
    assert diagnosed(tmp_path, FROM_MAP, url).root is None


@pytest.mark.parametrize(
    "service", [{"clusterIP": "None"}, {"type": "ExternalName", "externalName": "web.example.com"}]
)
def test_where_ports_are_not_the_services_nothing_is_said(tmp_path: Path, service: dict[str, Any]) -> None:
    assert diagnosed(tmp_path, FROM_MAP, "http://web:8080", **service).root is None
