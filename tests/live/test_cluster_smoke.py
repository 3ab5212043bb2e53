"""The embedded cluster behaves as any cluster does where the product's diagnoses depend on it."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import debian
from tests.cluster.api import Cluster, ClusterError
from tests.cluster.gobuild import kubernetes
from tests.cluster.images import write_image
from tests.live import every_proxy_mode
from tests.live.cluster_shop import dial, in_client, open_shop, pods
from tests.live.conftest import fresh_namespace


@pytest.fixture(scope="module")
def shop(cluster: Cluster) -> Iterator[str]:
    """The namespace of an open shop."""
    yield from open_shop(cluster)


def test_names_resolve_in_pods_by_the_c_library(cluster: Cluster, shop: str) -> None:
    code = """
import socket, sys
for name in sys.argv[1:]:
    try:
        print(socket.getaddrinfo(name, 80, type=socket.SOCK_STREAM)[0][4][0])
    except socket.gaierror as error:
        print(error.errno == socket.EAI_NONAME)
"""
    service = cluster.client().call("GET", f"/api/v1/namespaces/{shop}/services/web")["spec"]["clusterIP"]
    names = ["web", f"web.{shop}", f"web.{shop}.svc.cluster.local", "nobody", "example.com"]
    assert in_client(cluster, shop, code, *names).split() == [service, service, service, "True", "True"]


def test_dns_pods_carry_the_label_egress_policies_name(cluster: Cluster) -> None:
    found = cluster.client().call("GET", "/api/v1/namespaces/kube-system/pods?labelSelector=k8s-app%3Dkube-dns")
    assert [item["status"]["phase"] for item in found["items"]] == ["Running"]


@every_proxy_mode
def test_services_reach_pods_on_every_node(cluster: Cluster, shop: str) -> None:
    web = pods(cluster, shop, "web")
    assert {pod["node"] for pod in web} == set(cluster.node_names)
    assert set(dial(cluster, shop, *["web:80"] * 24)) == {pod["name"] for pod in web}
    # A pod is reached at its own address too, whichever node it is on.
    assert dial(cluster, shop, *[f"{pod['ip']}:8080" for pod in web]) == [pod["name"] for pod in web]


@every_proxy_mode
def test_a_node_port_answers_on_every_node(cluster: Cluster, shop: str) -> None:
    service = cluster.client().call("GET", f"/api/v1/namespaces/{shop}/services/web")
    port = service["spec"]["ports"][0]["nodePort"]
    answers = dial(cluster, shop, *[f"{cluster.node_address(number)}:{port}" for number in (1, 2)])
    assert set(answers) <= {pod["name"] for pod in pods(cluster, shop, "web")}


@every_proxy_mode
def test_a_pod_reaches_itself_through_its_service(cluster: Cluster, shop: str) -> None:
    assert dial(cluster, shop, "self:80") == ["<!DOCTYPE HTML>"]


@every_proxy_mode
def test_a_service_without_endpoints_refuses(cluster: Cluster, shop: str) -> None:
    assert dial(cluster, shop, "empty:80") == ["ConnectionRefusedError"]


def test_a_host_port_answers_at_the_node(cluster: Cluster, shop: str) -> None:
    (client,) = pods(cluster, shop, "client")
    number = cluster.node_names.index(client["node"]) + 1
    port = 20000 + int(shop[-3:], 16)
    assert dial(cluster, shop, f"{cluster.node_address(number)}:{port}") == ["<!DOCTYPE HTML>"]


def test_a_pod_that_is_gone_is_unreachable_after_three_seconds(cluster: Cluster, shop: str) -> None:
    assert dial(cluster, shop, "10.202.1.250:8080", "10.202.2.250:8080") == ["OSError", "OSError"]


def test_an_address_nobody_owns_is_silent(cluster: Cluster, shop: str) -> None:
    assert dial(cluster, shop, "10.209.9.9:80") == ["TimeoutError"]


def test_exec_passes_input_output_and_the_exit_code(cluster: Cluster, shop: str) -> None:
    argv = ["exec", "-n", shop, "client", "-i", "--", "sh", "-c", "cat; id -u; exit 7"]
    done = cluster.kubectl(*argv, input="hello\n", check=False)
    assert (done.stdout, done.returncode) == ("hello\n1000\n", 7)


def test_logs_are_read_through_the_api_server(cluster: Cluster, shop: str) -> None:
    dial(cluster, shop, "self:80")
    assert "GET / HTTP" in cluster.kubectl("logs", "-n", shop, "client").stdout


def test_port_forward_reaches_the_pod_from_the_host(cluster: Cluster, shop: str) -> None:
    (web, _) = pods(cluster, shop, "web")
    argv = [str(kubernetes()), "kubectl", f"--kubeconfig={cluster.kubeconfig}", "port-forward", "-n", shop]
    argv += [f"pod/{web['name']}", ":8080"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as forward:
        try:
            assert forward.stdout is not None
            found = re.search(r"127\.0\.0\.1:(\d+)", forward.stdout.readline())
            assert found is not None
            with urllib.request.urlopen(f"http://127.0.0.1:{found[1]}/", timeout=5) as answer:
                assert answer.read().decode().strip() == web["name"]
        finally:
            forward.terminate()


def test_the_api_server_proxies_pods_and_services(cluster: Cluster, shop: str) -> None:
    client, web = cluster.client(), pods(cluster, shop, "web")
    base = f"/api/v1/namespaces/{shop}"
    assert client.call("GET", f"{base}/pods/{web[0]['name']}:8080/proxy/").strip() == web[0]["name"]
    names = {pod["name"] for pod in web}
    assert client.call("GET", f"{base}/services/web:80/proxy/").strip() in names
    with pytest.raises(ClusterError, match="connection refused"):
        client.call("GET", f"{base}/pods/{web[0]['name']}:9999/proxy/")


def test_an_ephemeral_container_sees_the_targets_sockets(cluster: Cluster, shop: str) -> None:
    name = fresh_namespace(cluster, {"pod-security.kubernetes.io/enforce": "restricted"})
    cluster.kubectl("run", "-n", name, "app", "--image=localhost/python:3", f"--overrides={restricted_pod()}")
    cluster.kubectl("wait", "-n", name, "--for=condition=Ready", "pod/app", "--timeout=30s")
    argv = ["debug", "-n", name, "app", "--image=localhost/busybox:1", "--profile=restricted", "-c", "look"]
    cluster.kubectl(*argv, "--", "cat", "/proc/net/tcp")
    words = ["wait", "-n", name, "pod/app", "--timeout=30s"]
    cluster.kubectl(*words, "--for=jsonpath={.status.ephemeralContainerStatuses[0].state.terminated.exitCode}=0")
    # 0x1F90 is 8080, and state 0A is LISTEN.
    seen = cluster.kubectl("logs", "-n", name, "app", "-c", "look").stdout
    assert "00000000:1F90 00000000:0000 0A" in seen
    cluster.client().call("DELETE", f"/api/v1/namespaces/{name}")


def restricted_pod() -> str:
    """What `kubectl run` must override for Pod Security `restricted`, as JSON."""
    secure = {
        "allowPrivilegeEscalation": False,
        "runAsNonRoot": True,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    container = {
        "name": "app",
        "image": "localhost/python:3",
        "command": ["python3", "-m", "http.server", "8080", "--directory", "/tmp"],
        "securityContext": secure,
    }
    # For the pod, since kubectl's profile asks for a user other than root but names none.
    spec = {"securityContext": {"runAsUser": 1000}, "terminationGracePeriodSeconds": 0}
    return json.dumps({"spec": {**spec, "containers": [container]}})


def test_pod_security_admission_refuses_a_plain_pod(cluster: Cluster) -> None:
    name = fresh_namespace(cluster, {"pod-security.kubernetes.io/enforce": "restricted"})
    done = cluster.kubectl("run", "-n", name, "plain", "--image=localhost/busybox:1", check=False)
    assert done.returncode != 0
    assert 'violates PodSecurity "restricted' in done.stderr
    cluster.client().call("DELETE", f"/api/v1/namespaces/{name}")


def test_rights_are_enforced_and_can_be_given(cluster: Cluster, namespace: str) -> None:
    asked = ["get", "pods", "-n", namespace, "--as=jane"]
    assert "Forbidden" in cluster.kubectl(*asked, check=False).stderr
    cluster.kubectl("create", "rolebinding", "-n", namespace, "jane", "--clusterrole=view", "--user=jane")
    assert "No resources found" in cluster.kubectl(*asked).stderr


def test_a_pods_token_is_its_service_account(cluster: Cluster, shop: str) -> None:
    code = """
import json, ssl, urllib.request, urllib.error
base = "/var/run/secrets/kubernetes.io/serviceaccount"
request = urllib.request.Request("https://kubernetes.default.svc/api/v1/nodes")
request.add_header("Authorization", "Bearer " + open(f"{base}/token").read())
try:
    urllib.request.urlopen(request, context=ssl.create_default_context(cafile=f"{base}/ca.crt"))
except urllib.error.HTTPError as error:
    print(json.load(error)["message"])
"""
    said = in_client(cluster, shop, code)
    assert f'User "system:serviceaccount:{shop}:default" cannot list resource "nodes"' in said


def test_an_archive_can_be_loaded_on_every_node(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    busybox = next(path for path in debian.tools().glob("**/bin/busybox") if path.is_file())
    image = f"localhost/loaded:{namespace}"
    write_image(tmp_path / "loaded.tar", image, busybox, command=["echo", "loaded"])
    cluster.load(tmp_path / "loaded.tar")
    for number, node in enumerate(cluster.node_names, start=1):
        spec = {"nodeName": node, "restartPolicy": "Never", "terminationGracePeriodSeconds": 0}
        container = {"name": "one", "image": image, "imagePullPolicy": "Never"}
        pod = {"metadata": {"name": f"p{number}"}, "spec": {**spec, "containers": [container]}}
        cluster.client().create(f"/api/v1/namespaces/{namespace}/pods", pod)
    phase = "--for=jsonpath={.status.phase}=Succeeded"
    cluster.kubectl("wait", "-n", namespace, phase, "pod", "--all", "--timeout=30s")
    assert cluster.kubectl("logs", "-n", namespace, "p2").stdout == "loaded\n"
    for number in (1, 2):
        cluster.run_on_node(number, ["ctr", "-n", "k8s.io", "images", "rm", image])


def test_the_host_reaches_no_other_address_of_the_cluster(cluster: Cluster) -> None:
    routes = Path("/proc/net/route").read_text().split()
    for address in ("10.201.0.0", "10.202.0.0", "10.96.0.0"):
        reversed_hex = socket.inet_aton(address)[::-1].hex().upper()
        assert reversed_hex not in routes
