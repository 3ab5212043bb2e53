"""What people with few rights get who ask what leads to Services: test_rights.py takes away all other rights.

They are bound in one namespace, so what is of the whole cluster (classes, webhooks, APIServices) is always told as
not read.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.api import Cluster

from .conftest import fresh_namespace
from .people import grants_up_to, person
from .test_entrances import ingress
from .tool import refused

CLASSES = "IngressClasses: forbidden: list ingressclasses in all namespaces"
# What is taken away, what is asked about, the exit code, and what is told as not read.
LACKS = (
    ("get ingresses", "ingress/web", 3, ("ingress/web: forbidden: get ingresses in namespace", CLASSES)),
    ("list ingresses", "ingress/wbe", 1, (CLASSES,)),
    ("list ingressclasses", "ingress/web", 3, (CLASSES,)),
    ("list validatingwebhookconfigurations", "webhook/x.example", 3, ("forbidden: list validatingwebhook",)),
    ("list mutatingwebhookconfigurations", "webhook/x.example", 3, ("forbidden: list mutatingwebhook",)),
    ("list apiservices", "apiservice/v1.x.example", 3, ("APIServices: forbidden: list apiservices",)),
)
TAKEN = {lack[0] for lack in LACKS}


@pytest.fixture(scope="module")
def shop(cluster: Cluster) -> Iterator[str]:
    """A namespace with an Ingress of a class that is not there; nobody dials the endpoint behind it."""
    name, client = fresh_namespace(cluster), cluster.client()
    port = {"name": "http", "port": 80, "protocol": "TCP"}
    client.create(f"/api/v1/namespaces/{name}/services", {"metadata": {"name": "web"}, "spec": {"ports": [port]}})
    slice_ = {
        "metadata": {"name": "web-1", "labels": {"kubernetes.io/service-name": "web"}},
        "addressType": "IPv4",
        "ports": [port],
        "endpoints": [{"addresses": ["192.0.2.1"], "conditions": {"ready": True}}],
    }
    client.create(f"/apis/discovery.k8s.io/v1/namespaces/{name}/endpointslices", slice_)
    body = ingress("web", "none-of-that-name", {"/": ("web", 80)})
    client.create(f"/apis/networking.k8s.io/v1/namespaces/{name}/ingresses", body)
    yield name
    cluster.client().call("DELETE", f"/api/v1/namespaces/{name}")


@pytest.mark.parametrize(("right", "words", "code", "told"), LACKS, ids=[lack[0] for lack in LACKS])
def test_each_missing_right_shrinks_the_answer_and_is_named(
    cluster: Cluster, shop: str, right: str, words: str, code: int, told: tuple[str, ...], tmp_path: Path
) -> None:
    granted = grants_up_to("none")
    kept = [grant for grant in granted if str(grant) != right]
    assert len(kept) == len(granted) - 1
    answer = refused(person(cluster, shop, kept, tmp_path), words, "-n", shop, "--probe", "none", "-o", "json")
    gaps = [f"{gap['what']}: {gap['because']}" for gap in answer.report["gaps"]]
    assert (answer.code, answer.err) == (code, ""), answer
    for one in told:
        assert any(one in gap for gap in gaps), answer
    if right == "list ingresses":  # whose names tell which one was meant
        assert "nearest" not in str(answer.report["root"]["evidence"])
