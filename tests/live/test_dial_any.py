"""Whoever writes EndpointSlices does not choose what is dialled: nothing outside the cluster hears from a probe.

"Outside" is a listener in the cluster's outer network namespace: no pod's, node's or Service's address, and yet
one that every pod can reach.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster.api import Cluster, ClusterError

from .test_probe_pod import apply
from .tool import Answer, refused, until
from .witness_shop import pod, service, shell

OUTSIDE = "10.201.0.1"
API_SERVER_PORT = 6443
SETTLE_SECONDS = 60.0
NOBODY = "belongs to no pod, node or Service of the cluster, so it was not dialled"
# Accepts on a port that the kernel chooses, tells it, and then one line for each connection.
LISTENER = """
import socket, sys
with socket.create_server((sys.argv[1], 0)) as server:
    print(server.getsockname()[1], flush=True)
    while True:
        peer, _ = server.accept()
        peer.close()
        print("heard", flush=True)
"""


class Listener:
    """A server outside of the cluster that remembers who came."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self._process, self._told = process, process.stdout
        self.port = int(self._told.readline())

    def end(self) -> int:
        """Stop listening; how many connections came."""
        self._process.kill()
        self._process.wait(10)
        return self._told.read().count("heard")


@pytest.fixture
def listener(cluster: Cluster) -> Iterator[Listener]:
    argv = ["nsenter", f"--net={cluster.outer_netns()}", sys.executable, "-c", LISTENER, OUTSIDE]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Listener(process)
        finally:
            process.kill()


def by_hand(address: str, port: int, names: str = "") -> dict[str, Any]:
    """A slice of svc/web that a tenant wrote; its endpoint says that it is the pod `names`."""
    ref = {"targetRef": {"kind": "Pod", "name": names}} if names else {}
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": "by-hand", "labels": {"kubernetes.io/service-name": "web"}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [address], "conditions": {"ready": True}, **ref}],
        "ports": [{"name": "", "port": port, "protocol": "TCP"}],
    }


def ask(cluster: Cluster, namespace: str, *words: str) -> Answer:
    return refused(cluster.kubeconfig, "svc/web", "-n", namespace, "-o", "json", *words)


def dialled(answer: Answer) -> set[str]:
    """The addresses that somebody dialled."""
    return {dial["address"] for path in answer.report["paths"] for dial in path["dials"]}


def because(answer: Answer, what: str) -> list[str]:
    """Why that was not dialled, as the report says it."""
    return [gap["because"] for gap in answer.report["gaps"] if gap["what"] == what]


@pytest.mark.parametrize("level", ["passive", "pods"])
def test_a_host_outside_hears_nothing(cluster: Cluster, namespace: str, listener: Listener, level: str) -> None:
    """Neither from the probe pod, nor through the service proxy, nor through kube-proxy by the ClusterIP."""
    apply(cluster, namespace, service("web", None, 80, 0), by_hand(OUTSIDE, listener.port))
    place = f"{OUTSIDE}:{listener.port}"
    answer = until(
        lambda: ask(cluster, namespace, "--probe", level), lambda a: bool(because(a, place)), SETTLE_SECONDS
    )
    assert because(answer, place) == [NOBODY], answer
    assert dialled(answer) == set()
    assert answer.code == 3, answer
    shown = refused(cluster.kubeconfig, "svc/web", "-n", namespace, "--probe", level)
    assert NOBODY in " ".join(shown.out.split())
    assert "--dial-any" in shown.out
    assert listener.end() == 0


def test_a_host_outside_is_dialled_where_a_person_says_so(
    cluster: Cluster, namespace: str, listener: Listener
) -> None:
    apply(cluster, namespace, service("web", None, 80, 0), by_hand(OUTSIDE, listener.port))
    answer = ask(cluster, namespace, "--dial-any")
    assert f"{OUTSIDE}:{listener.port}" in dialled(answer), answer
    assert because(answer, f"{OUTSIDE}:{listener.port}") == []
    assert listener.end() > 0


def test_a_slice_does_not_lead_to_the_api_server(cluster: Cluster, namespace: str) -> None:
    apply(cluster, namespace, service("web", None, 80, 0), by_hand(OUTSIDE, API_SERVER_PORT))
    answer = ask(cluster, namespace)
    assert because(answer, f"{OUTSIDE}:{API_SERVER_PORT}") == [
        "is the API server's own address, so it was not dialled"
    ]
    assert dialled(answer) == set()


def test_the_api_server_itself_can_be_asked_about(cluster: Cluster) -> None:
    answer = refused(cluster.kubeconfig, "svc/kubernetes", "-n", "default", "--probe", "passive", "-o", "json")
    assert not [gap for gap in answer.report["gaps"] if "so it was not dialled" in gap["because"]], answer


def test_a_slice_by_hand_that_leads_to_a_live_pod_is_dialled(cluster: Cluster, namespace: str) -> None:
    """A pod of another name and label, as operators write such slices; and one that says it is somebody else."""
    apply(
        cluster, namespace, pod("db", shell("exec httpd -f -p 8080")), pod("other", shell("exec httpd -f -p 8080"))
    )
    cluster.kubectl("wait", "-n", namespace, "--for=condition=Ready", "pod", "--all", "--timeout=60s")
    items = cluster.client().call("GET", f"/api/v1/namespaces/{namespace}/pods/db")
    place = f"{items['status']['podIP']}:8080"
    apply(cluster, namespace, service("web", None, 80, 0), by_hand(items["status"]["podIP"], 8080))
    answer = until(lambda: ask(cluster, namespace), lambda a: a.code == 0, SETTLE_SECONDS)
    assert answer.code == 0, answer
    assert place in dialled(answer)

    apply(cluster, namespace, by_hand(items["status"]["podIP"], 8080, names="other"))
    # The objects alone prove it, so nobody is dialled.
    forged = until(lambda: ask(cluster, namespace), lambda a: a.root is not None, SETTLE_SECONDS)
    assert forged.root == "pod-address-reused", forged
    assert dialled(forged) == set()


@pytest.mark.parametrize("address", ["169.254.169.254", "127.0.0.1", "224.0.0.1"])
def test_the_api_server_takes_no_slice_with_an_address_of_no_host(
    cluster: Cluster, namespace: str, address: str
) -> None:
    """So that such an endpoint is only met where an older or another API server let it through."""
    with pytest.raises(ClusterError, match="may not be in the"):
        apply(cluster, namespace, by_hand(address, 80))


# A name that the cluster's DNS answers with an address outside of it: CoreDNS takes the address from the name
# (its kubernetes plugin's `pods insecure`).
HOST_OUTSIDE = f"{OUTSIDE.replace('.', '-')}.default.pod.cluster.local"


def test_an_external_name_is_dialled_where_a_person_says_so_and_only_there(
    cluster: Cluster, namespace: str, listener: Listener
) -> None:
    """Accepted, refused, and left alone: the host's own port counts, whatever the Service lists."""
    alias = service("web", None, listener.port, listener.port)
    alias["spec"] |= {"type": "ExternalName", "externalName": HOST_OUTSIDE}
    apply(cluster, namespace, alias)
    place = f"{HOST_OUTSIDE}:{listener.port}"
    answer = ask(cluster, namespace)
    assert because(answer, place) == ["an ExternalName leads there, out of the cluster, so it was not dialled"]
    assert (answer.code, dialled(answer)) == (3, set()), answer
    none = ask(cluster, namespace, "--probe", "none", "--dial-any")
    assert (none.code, dialled(none)) == (0, set()), none

    accepted = ask(cluster, namespace, "--dial-any", "--guess-protocol")
    (dial,) = accepted.report["paths"][0]["dials"]
    assert (dial["address"], dial["witness"]) == (place, "probe-pod"), accepted
    assert listener.end() > 0

    refuses = ask(cluster, namespace, "--dial-any")
    root = refuses.report["root"]
    assert (refuses.code, refuses.root, refuses.report["outcome"]) == (
        3,
        "external-host-does-not-accept",
        "refused",
    )
    assert root["says"] == f"{HOST_OUTSIDE}, outside of the cluster, refuses port {listener.port}"
    assert OUTSIDE in root["evidence"][0]["says"]
    assert [hop["status"] for hop in refuses.report["paths"][0]["hops"]] == ["start", "ok", "broken"]
