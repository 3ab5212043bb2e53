"""The embedded cluster behaves as any cluster does where the product's diagnoses depend on it."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import debian
from tests.cluster.api import Cluster, ClusterError
from tests.cluster.gobuild import kubernetes
from tests.cluster.images import write_image
from tests.live import every_proxy_mode
from tests.live.conftest import fresh_namespace

SHOP = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 0
      topologySpreadConstraints:
      - {maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: DoNotSchedule,
         labelSelector: {matchLabels: {app: web}}}
      containers:
      - name: web
        image: localhost/busybox:1
        command: [sh, -c, "hostname > /tmp/index.html; exec httpd -f -p 8080 -h /tmp"]
        ports: [{name: http, containerPort: 8080}]
        readinessProbe: {tcpSocket: {port: http}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {type: NodePort, selector: {app: web}, ports: [{port: 80, targetPort: http}]}
---
apiVersion: v1
kind: Service
metadata: {name: self}
spec: {selector: {app: client}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: empty}
spec: {selector: {app: nobody}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Pod
metadata: {name: client, labels: {app: client}}
spec:
  terminationGracePeriodSeconds: 0
  securityContext: {runAsNonRoot: true, runAsUser: 1000}
  containers:
  - name: client
    image: localhost/python:3
    command: [python3, -m, http.server, "8080", --directory, /tmp]
    ports: [{containerPort: 8080, hostPort: HOSTPORT}]
"""
# Prints what a dial gives: the name of an exception, or the body of an HTTP answer.
DIAL = """
import http.client, sys
for word in sys.argv[1:]:
    host, port = word.split(":")
    try:
        connection = http.client.HTTPConnection(host, int(port), timeout=4)
        connection.request("GET", "/")
        print(connection.getresponse().read().decode().split("\\n")[0])
    except Exception as error:
        print(type(error).__name__)
"""
POLICY = """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: friends-only}
spec:
  podSelector: {matchLabels: {app: web}}
  ingress: [{from: [{podSelector: {matchLabels: {friend: "yes"}}}], ports: [{port: http}]}]
"""


@pytest.fixture(scope="module")
def shop(cluster: Cluster) -> Iterator[str]:
    """A namespace with two web pods, one on each node, their Service, and a client pod."""
    name = fresh_namespace(cluster)
    host_port = str(20000 + int(name[-3:], 16))
    cluster.apply(SHOP.replace("HOSTPORT", host_port), namespace=name)
    words = ["wait", "-n", name, "--for=condition=Ready", "pod", "--all", "--timeout=40s"]
    cluster.kubectl(*words)
    yield name
    cluster.client().call("DELETE", f"/api/v1/namespaces/{name}")


def in_client(cluster: Cluster, shop: str, code: str, *words: str) -> str:
    """Run Python in the client pod and return what it prints."""
    argv = ["exec", "-n", shop, "client", "-i", "--", "python3", "-", *words]
    return cluster.kubectl(*argv, input=code).stdout


def dial(cluster: Cluster, shop: str, *targets: str) -> list[str]:
    """What the client pod gets from each HOST:PORT."""
    return in_client(cluster, shop, DIAL, *targets).splitlines()


def pods(cluster: Cluster, shop: str, app: str) -> list[dict[str, str]]:
    """Name, node and address of the pods with that label."""
    items = cluster.client().call("GET", f"/api/v1/namespaces/{shop}/pods?labelSelector=app%3D{app}")["items"]
    return [
        {"name": item["metadata"]["name"], "node": item["spec"]["nodeName"], "ip": item["status"]["podIP"]}
        for item in items
    ]


def wait_for_answer(cluster: Cluster, shop: str, wanted: set[str], *targets: str) -> list[str]:
    """Dial until every answer is among the wanted, since rules take a moment to reach the nodes."""
    for _ in range(20):
        answers = dial(cluster, shop, *targets)
        if set(answers) <= wanted:
            return answers
        time.sleep(0.3)
    raise AssertionError(f"{targets}: {answers}, wanted {wanted}")


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


@pytest.mark.parametrize(("style", "seen"), [("drop", "TimeoutError"), ("reject", "ConnectionRefusedError")])
def test_a_network_policy_stops_strangers_only(cluster: Cluster, shop: str, style: str, seen: str) -> None:
    targets = [f"{pod['ip']}:8080" for pod in pods(cluster, shop, "web")]
    names = {pod["name"] for pod in pods(cluster, shop, "web")}
    cluster.kubectl("label", "ns", shop, f"kubectl-refused.test/policy-style={style}", "--overwrite")
    cluster.apply(POLICY, namespace=shop)
    try:
        # Same node and other node alike.
        assert wait_for_answer(cluster, shop, {seen}, *targets) == [seen, seen]
        cluster.kubectl("label", "-n", shop, "pod", "client", "friend=yes")
        assert set(wait_for_answer(cluster, shop, names, *targets)) == names
        # The kubelet's probes come from the node and always pass.
        cluster.kubectl("wait", "-n", shop, "--for=condition=Ready", "pod", "-l", "app=web", "--timeout=5s")
    finally:
        cluster.kubectl("label", "-n", shop, "pod", "client", "friend-")
        cluster.kubectl("delete", "networkpolicy", "-n", shop, "friends-only")
    assert set(wait_for_answer(cluster, shop, names, *targets)) == names


def test_a_range_of_addresses_can_be_let_in_but_for_one(cluster: Cluster, shop: str) -> None:
    (client,) = pods(cluster, shop, "client")
    web = pods(cluster, shop, "web")
    path = f"/apis/networking.k8s.io/v1/namespaces/{shop}/networkpolicies"
    block = {"cidr": "10.202.0.0/16", "except": [f"{client['ip']}/32"]}
    ports = [{"port": 8000, "endPort": 9000}, {"port": "http", "protocol": "UDP"}]
    rule = {"from": [{"ipBlock": block}], "ports": ports}
    spec = {"podSelector": {"matchLabels": {"app": "web"}}, "ingress": [rule]}
    cluster.kubectl("label", "ns", shop, "kubectl-refused.test/policy-style=reset", "--overwrite")
    cluster.client().create(path, {"metadata": {"name": "range"}, "spec": spec})
    try:
        wait_for_answer(cluster, shop, {"ConnectionRefusedError"}, f"{web[0]['ip']}:8080")
        del block["except"]
        cluster.client().call("PATCH", f"{path}/range", {"spec": spec})
        assert wait_for_answer(cluster, shop, {web[0]["name"]}, f"{web[0]['ip']}:8080") == [web[0]["name"]]
    finally:
        cluster.client().call("DELETE", f"{path}/range")


def test_egress_can_be_stopped_but_for_dns(cluster: Cluster, shop: str) -> None:
    dns = {"namespaceSelector": {}, "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}}}
    egress = [{"to": [dns], "ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]}]
    selector = {"matchLabels": {"app": "client"}}
    spec = {"podSelector": selector, "policyTypes": ["Egress"], "egress": egress}
    path = f"/apis/networking.k8s.io/v1/namespaces/{shop}/networkpolicies"
    cluster.kubectl("label", "ns", shop, "kubectl-refused.test/policy-style=drop", "--overwrite")
    cluster.client().create(path, {"metadata": {"name": "dns-only"}, "spec": spec})
    try:
        # A name that did not resolve would be a gaierror.
        assert wait_for_answer(cluster, shop, {"TimeoutError"}, "web:80") == ["TimeoutError"]
    finally:
        cluster.client().call("DELETE", f"{path}/dns-only")
    assert wait_for_answer(cluster, shop, {pod["name"] for pod in pods(cluster, shop, "web")}, "web:80")


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
