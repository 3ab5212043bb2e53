"""A namespace with Services of both families and of IPv6 alone, healthy and broken, and a client pod in it.

`web` and `six` are healthy (both families; IPv6 alone); `only4` listens on 0.0.0.0 and `only6` on [::] with
IPV6_V6ONLY; `loop` listens on 127.0.0.1; `wrong` has a targetPort where nobody listens; `typo` has a selector that
matches nothing; `half` has hand-written endpoints in IPv4 alone; `unready` has one in IPv6 that is not ready.
"""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any, NamedTuple

from tests.cluster.api import Cluster
from tests.cluster.options import FAMILIES

from .conftest import CLUSTERS, fresh_namespace
from .small_shop import deployment, furnish
from .witness_shop import pod, service, shell

V6ONLY_SERVER = """
import socket, time
s = socket.socket(socket.AF_INET6)
s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
s.bind(("::", 8080)); s.listen(16)
time.sleep(3600)
"""
# Prints how each dial ends: `accepted`, or the error's name and, of an ICMP error, type/code and sender. Its own
# code, so that the tool's probe agent is not its own judge. 25 is IPV6_RECVERR (linux/in6.h).
DIAL = """
import errno, ipaddress, socket, struct, sys
for word in sys.argv[1:]:
    host, _, port = word.rpartition(":")
    host = host.strip("[]")
    six = ":" in host
    dialled = socket.socket(socket.AF_INET6 if six else socket.AF_INET)
    dialled.settimeout(4)
    dialled.setsockopt(*((socket.IPPROTO_IPV6, 25) if six else (socket.IPPROTO_IP, 11)), 1)
    try:
        dialled.connect((host, int(port)))
        print("accepted")
        continue
    except TimeoutError:
        told = "timeout"
    except OSError as error:
        told = errno.errorcode[error.errno]
    dialled.setblocking(False)
    try:
        _, ((_, _, data), *_), _, _ = dialled.recvmsg(512, 512, socket.MSG_ERRQUEUE)
        kind, code = struct.unpack_from("=IBBB", data)[2:]
        told += f" {kind}/{code} {ipaddress.ip_address(data[24:40] if six else data[20:24])}"
    except OSError:
        pass
    print(told)
"""
RESOLVE = """
import socket, sys
for entry in socket.getaddrinfo(sys.argv[1], 80, type=socket.SOCK_STREAM):
    print(entry[4][0])
"""
DIALS_AT_MOST = 20


def dual_stack(mode: str) -> str:
    """The name in CLUSTERS of the suite's dual-stack cluster of that proxy mode.

    It is a cluster of its own where the usual one speaks IPv4 alone; it starts with the first test that asks, and
    ends with the others. Without IPv6 in the kernel it does not start, and one line says so.
    """
    usual = CLUSTERS[mode]
    if usual.dual_stack:
        return mode
    own = replace(usual, name=f"{usual.name}-dual", ip_families=FAMILIES)
    CLUSTERS[f"{mode}-dual"] = own
    return f"{mode}-dual"


def both(made: dict[str, Any]) -> dict[str, Any]:
    """The Service in both families, or none at all."""
    made["spec"].update(ipFamilyPolicy="RequireDualStack", ipFamilies=["IPv4", "IPv6"])
    return made


def alone(made: dict[str, Any]) -> dict[str, Any]:
    """The Service in IPv6 alone."""
    made["spec"].update(ipFamilyPolicy="SingleStack", ipFamilies=["IPv6"])
    return made


def without_selector(made: dict[str, Any]) -> dict[str, Any]:
    """The Service, whose endpoints somebody writes by hand."""
    del made["spec"]["selector"]
    return made


def by_hand(name: str, family: str, address: str, *, ready: bool) -> dict[str, Any]:
    """A hand-written EndpointSlice of the Service."""
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": f"{name}-by-hand", "labels": {"kubernetes.io/service-name": name}},
        "addressType": family,
        "ports": [{"name": "", "port": 8080, "protocol": "TCP"}],
        "endpoints": [{"addresses": [address], "conditions": {"ready": ready}}],
    }


SERVED = {"app": "web"}
OBJECTS: tuple[dict[str, Any], ...] = (
    deployment("web", shell("exec httpd -f -p 8080")),
    deployment("only4", shell("exec httpd -f -p 0.0.0.0:8080")),
    deployment("only6", {"image": "localhost/python:3", "command": ["python3", "-c", V6ONLY_SERVER]}),
    deployment("loop", shell("exec httpd -f -p 127.0.0.1:8080")),
    pod(
        "client",
        {"image": "localhost/python:3", "command": ["sleep", "3600"]},
        securityContext={"runAsUser": 1000},
    ),
    both(service("web", SERVED, 80, 8080)),
    alone(service("six", SERVED, 80, 8080)),
    both(service("only4", {"app": "only4"}, 80, 8080)),
    both(service("only6", {"app": "only6"}, 80, 8080)),
    both(service("loop", {"app": "loop"}, 80, 8080)),
    alone(service("wrong", SERVED, 80, 9999)),
    alone(service("typo", {"app": "wbe"}, 80, 8080)),
    both(without_selector(service("half", {}, 80, 8080))),
    alone(without_selector(service("unready", {}, 80, 8080))),
)


class Addresses(NamedTuple):
    """Of a pod or Service, one per family."""

    v4: str
    v6: str


class Shop(NamedTuple):
    """The namespace, and what its tests dial."""

    cluster: Cluster
    namespace: str

    def service(self, name: str) -> Addresses:
        """The Service's cluster addresses; IPv4 is empty for IPv6 alone."""
        spec = self.cluster.client().call("GET", f"/api/v1/namespaces/{self.namespace}/services/{name}")["spec"]
        return Addresses(*([""] * (2 - len(spec["clusterIPs"])) + spec["clusterIPs"]))

    def pod(self, app: str) -> tuple[Addresses, int]:
        """The addresses of the first pod with that label, and its node's number."""
        path = f"/api/v1/namespaces/{self.namespace}/pods?labelSelector=app%3D{app}"
        found = self.cluster.client().call("GET", path)["items"][0]
        number = self.cluster.node_names.index(found["spec"]["nodeName"]) + 1
        return Addresses(*(entry["ip"] for entry in found["status"]["podIPs"])), number

    def dial(self, *targets: str) -> list[str]:
        """How dials from the client pod end (see DIAL); targets are `ADDRESS:PORT`, IPv6 in brackets."""
        return self.in_client(DIAL, *targets)

    def in_client(self, code: str, *words: str) -> list[str]:
        """The lines that a Python program in the client pod prints."""
        argv = ["exec", "-n", self.namespace, "client", "-i", "--", "python3", "-", *words]
        return self.cluster.kubectl(*argv, input=code).stdout.splitlines()

    def dial_until(self, target: str, answer: str) -> str:
        """The first dial that ends so, since rules take a moment to reach the nodes; else the last."""
        told = ""
        for _ in range(DIALS_AT_MOST):
            (told,) = self.dial(target)
            if told.startswith(answer):
                break
            time.sleep(0.3)
        return told


def open_shop(cluster: Cluster) -> Shop:
    """Make the namespace and everything in it; ready when its pods are."""
    shop = Shop(cluster, fresh_namespace(cluster))
    furnish(cluster, shop.namespace, [OBJECTS])
    addresses, _ = shop.pod("web")
    written = [
        by_hand("half", "IPv4", addresses.v4, ready=True),
        by_hand("unready", "IPv6", addresses.v6, ready=False),
    ]
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": written})
    cluster.apply(text, namespace=shop.namespace)
    cluster.kubectl("wait", "-n", shop.namespace, "--for=condition=Ready", "pod/client", "--timeout=40s")
    return shop
