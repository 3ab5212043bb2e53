"""A proxy that takes every connection to its pod, as meshes' do: an accept is never called healthy by itself.

The redirect is the test's own, made from the node in the pod's network namespace, since no pod here may.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.api import Cluster

from .conftest import fresh_namespace
from .people import person_at_level
from .small_shop import IMAGE
from .tool import Answer, refused, says, until
from .witness_shop import pod, python, service, shell

SETTLE_SECONDS = 40.0
# As a mesh's proxy does: it accepts, then dials the app at the pod's own address, and hangs up if that fails.
ACCEPTS = """
import socket, threading
app = (socket.gethostbyname(socket.gethostname()), 8080)
def copy(source, sink):
    while data := source.recv(65536):
        sink.sendall(data)
    sink.shutdown(socket.SHUT_WR)
def serve(client):
    with client, socket.create_connection(app, 1) as server:
        back = threading.Thread(target=copy, args=(server, client), daemon=True)
        back.start()
        copy(client, server)
        back.join()
with socket.create_server(("0.0.0.0", 15006)) as server:
    while True:
        threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()
"""
REDIRECT = """
table ip mesh {
  chain in { type nat hook prerouting priority dstnat; tcp dport != 15006 redirect to :15006; }
}
"""
PROXY = {**python(ACCEPTS), "name": "istio-proxy", "securityContext": {"runAsUser": 1337}}
DEAD, ALIVE = "exec sleep 3600", "exec httpd -f -p 8080"
LOOPBACK = "exec httpd -f -p 127.0.0.1:8080"


def meshed(name: str, script: str) -> tuple[dict[str, Any], ...]:
    """A pod with such a proxy, and its Service."""
    return pod(name, {**shell(script), "name": "app"}, PROXY), service(name, {"app": name}, 80, 8080)


OBJECTS = [*meshed("dead", DEAD), *meshed("alive", ALIVE), *meshed("loop", LOOPBACK)]


@pytest.fixture(scope="module")
def mesh(cluster: Cluster) -> Iterator[str]:
    """A namespace whose pods' ports are all taken by their proxies."""
    name = fresh_namespace(cluster)
    cluster.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": OBJECTS}), namespace=name)
    cluster.kubectl("wait", "-n", name, "--for=condition=Ready", "pod", "--all", "--timeout=50s")
    for made in cluster.client().call("GET", f"/api/v1/namespaces/{name}/pods")["items"]:
        redirect(cluster, name, made)
    yield name
    cluster.client().call("DELETE", f"/api/v1/namespaces/{name}")


def redirect(cluster: Cluster, namespace: str, made: dict[str, Any]) -> None:
    """Send all that comes to the pod to its proxy."""
    words = ["exec", "-n", namespace, made["metadata"]["name"], "-c", "app", "--", "readlink", "/proc/self/ns/net"]
    inode = cluster.kubectl(*words).stdout.strip().removeprefix("net:[").removesuffix("]")
    number = cluster.node_names.index(made["spec"]["nodeName"]) + 1
    find = f'for one in /proc/[0-9]*; do [ "$(readlink $one/ns/net)" = "net:[{inode}]" ] && echo $one; done; true'
    process = cluster.run_on_node(number, ["sh", "-c", find]).stdout.split()[0]
    argv = ["nsenter", f"--net={process}/ns/net", "nft", "-f", "-"]
    cluster.run_on_node(number, argv, given=REDIRECT.encode())


def ask(kubeconfig: Path, namespace: str, name: str, *words: str) -> Answer:
    return refused(kubeconfig, f"svc/{name}", "-n", namespace, "--image", IMAGE, "-o", "json", *words)


def test_every_port_of_such_a_pod_accepts(cluster: Cluster, mesh: str) -> None:
    for name in ("dead", "alive", "loop"):
        report = ask(cluster.kubeconfig, mesh, name).report
        assert {dial["outcome"] for dial in report["paths"][0]["dials"]} <= {"accepted", "reset"}


def test_sockets_prove_that_the_app_behind_the_proxy_is_down(cluster: Cluster, mesh: str) -> None:
    answer = until(lambda: ask(cluster.kubeconfig, mesh, "dead"), says("app-down-behind-sidecar"), SETTLE_SECONDS)
    assert (answer.code, answer.root) == (1, "app-down-behind-sidecar"), answer
    assert answer.report["root"]["certainty"] == "proved"
    assert answer.report["outcome"] == "reset"


def test_an_app_on_loopback_behind_a_proxy_is_told(cluster: Cluster, mesh: str) -> None:
    awaited = says("loopback-behind-sidecar", 3)
    answer = until(lambda: ask(cluster.kubeconfig, mesh, "loop"), awaited, SETTLE_SECONDS)
    assert (answer.code, answer.root) == (3, "loopback-behind-sidecar"), answer


def test_an_app_that_listens_is_healthy_by_its_sockets(cluster: Cluster, mesh: str) -> None:
    answer = until(lambda: ask(cluster.kubeconfig, mesh, "alive"), says(None), SETTLE_SECONDS)
    assert (answer.code, answer.root, answer.report["complete"]) == (0, None, True), answer


def test_without_sockets_port_forward_goes_past_the_proxy(cluster: Cluster, mesh: str, tmp_path: Path) -> None:
    someone = person_at_level(cluster, mesh, "passive", tmp_path)
    answer = ask(someone, mesh, "dead", "--probe", "passive")
    assert (answer.code, answer.root) == (3, "app-down-behind-sidecar"), answer
    assert answer.report["root"]["certainty"] == "likely"


def test_without_sockets_an_accept_is_not_called_healthy(cluster: Cluster, mesh: str, tmp_path: Path) -> None:
    someone = person_at_level(cluster, mesh, "passive", tmp_path)
    answer = ask(someone, mesh, "alive", "--probe", "passive")
    assert (answer.code, answer.root, answer.report["complete"]) == (3, None, False), answer
    assert any("accepts for a dead app too" in gap["because"] for gap in answer.report["gaps"])
