"""Envoy for real as a sidecar that takes every connection to its pod, before apps that are dead, local or well.

As in a mesh it listens on 15006, where a redirect in the pod's network namespace sends all, and dials what the
client meant to reach (SO_ORIGINAL_DST).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.api import Cluster
from tests.cluster.proxy_images import ENVOY, load_envoy

from .conftest import fresh_namespace
from .people import person_at_level
from .proxy_controller import listener
from .proxy_shop import running
from .test_sidecar import ALIVE, DEAD, LOOPBACK, redirect
from .tool import Answer, refused, says, until
from .witness_shop import pod, service, shell

SETTLE_SECONDS = 40.0
# What Envoy 1.40 answers where the app's kernel says RST.
PAGE = "upstream connect error or disconnect/reset before headers. reset reason: remote connection failure"
PYTHON = "localhost/python:3"
INBOUND = 15006
FILTER = "type.googleapis.com/envoy.extensions.filters.listener.original_dst.v3.OriginalDst"


def inbound() -> dict[str, Any]:
    """The listener: whatever comes in goes on to where it was meant to go."""
    every = {"name": "all", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "app"}}]}
    taken = [{"name": "envoy.filters.listener.original_dst", "typed_config": {"@type": FILTER}}]
    return {**listener([every], INBOUND), "listener_filters": taken}


def sidecar(name: str, taking: dict[str, Any] | None = None) -> dict[str, Any]:
    """The container."""
    app = {"name": "app", "type": "ORIGINAL_DST", "lb_policy": "CLUSTER_PROVIDED", "connect_timeout": "2s"}
    configuration = {"static_resources": {"listeners": [taking or inbound()], "clusters": [app]}}
    command = 'envoy --config-yaml "$(cat /tmp/conf)" --concurrency 1 -l warning'
    return {**running(ENVOY, json.dumps(configuration), command), "name": name}


def meshed(name: str, script: str, proxy: str = "istio-proxy") -> tuple[dict[str, Any], ...]:
    """A pod with Envoy beside the app, and its Service."""
    return pod(name, {**shell(script), "name": "app"}, sidecar(proxy)), service(name, {"app": name}, 80, 8080)


# A sidecar that goes by a mesh's name is known to take every connection; `gate` is somebody's own.
OBJECTS = [*meshed("dead", DEAD), *meshed("alive", ALIVE), *meshed("loop", LOOPBACK), *meshed("own", DEAD, "gate")]


@pytest.fixture(scope="module")
def mesh(cluster: Cluster) -> Iterator[str]:
    """A namespace with these pods, whose ports are all Envoy's."""
    load_envoy(cluster)
    name = fresh_namespace(cluster)
    cluster.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": OBJECTS}), namespace=name)
    cluster.kubectl("wait", "-n", name, "--for=condition=Ready", "pod", "--all", "--timeout=50s")
    for made in cluster.client().call("GET", f"/api/v1/namespaces/{name}/pods")["items"]:
        redirect(cluster, name, made)
    yield name
    cluster.client().call("DELETE", f"/api/v1/namespaces/{name}")


def ask(kubeconfig: Path, namespace: str, name: str, *words: str) -> Answer:
    return refused(kubeconfig, f"svc/{name}", "-n", namespace, "--image", PYTHON, "-o", "json", *words)


def test_who_accepted_and_whom_it_could_not_reach(cluster: Cluster, mesh: str) -> None:
    awaited = says("app-down-behind-sidecar", 1, PAGE)
    answer = until(lambda: ask(cluster.kubeconfig, mesh, "dead", "--guess-protocol"), awaited, SETTLE_SECONDS)
    assert (answer.code, answer.root) == (1, "app-down-behind-sidecar"), answer
    root = answer.report["root"]
    assert root["certainty"] == "proved"
    assert root["headline"].startswith("the istio-proxy sidecar accepts")
    told = [one["says"] for one in root["evidence"]]
    assert any(PAGE in one for one in told), "Envoy's own words"
    assert {dial["outcome"] for dial in answer.report["paths"][0]["dials"]} == {"accepted"}


def test_its_page_proves_that_it_dials_where_the_app_is_not(cluster: Cluster, mesh: str) -> None:
    """An app on localhost: without the page the proxy might be one that dials there."""
    awaited = says("loopback-behind-sidecar", 1, PAGE)
    answer = until(lambda: ask(cluster.kubeconfig, mesh, "loop", "--guess-protocol"), awaited, SETTLE_SECONDS)
    assert (answer.code, answer.report["root"]["certainty"]) == (1, "proved"), answer
    assert answer.root == "loopback-behind-sidecar", answer


def test_an_app_that_is_well_behind_it(cluster: Cluster, mesh: str) -> None:
    ask_alive = lambda: ask(cluster.kubeconfig, mesh, "alive", "--guess-protocol")  # noqa: E731
    answer = until(ask_alive, says(None), SETTLE_SECONDS)
    assert (answer.code, answer.root, answer.report["complete"]) == (0, None, True), answer


def test_without_sockets_its_page_and_port_forward_prove_it(cluster: Cluster, mesh: str, tmp_path: Path) -> None:
    someone = person_at_level(cluster, mesh, "passive", tmp_path)
    awaited = says("app-down-behind-sidecar", 1, PAGE)
    answer = until(lambda: ask(someone, mesh, "dead", "--probe", "passive"), awaited, SETTLE_SECONDS)
    assert (answer.code, answer.root) == (1, "app-down-behind-sidecar"), answer
    assert answer.report["root"]["certainty"] == "proved"


def test_a_sidecar_of_somebody_s_own_is_known_by_its_page(cluster: Cluster, mesh: str) -> None:
    awaited = says("proxy-cannot-reach-upstream", 1, "of its own pod")
    answer = until(lambda: ask(cluster.kubeconfig, mesh, "own", "--guess-protocol"), awaited, SETTLE_SECONDS)
    assert (answer.code, answer.root) == (1, "proxy-cannot-reach-upstream"), answer
    assert "port 8080 of its own pod" in answer.report["root"]["headline"], answer
