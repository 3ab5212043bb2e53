"""A Service with 500 endpoints beside one with 5: how much longer its diagnosis takes.

    .venv/bin/python -m bench.endpoints [--name CLUSTER] [--rounds N]

500 pods would take an hour to start here, so nothing runs behind them but one server: they are objects on a node
that is an object too, and the network leads all of their addresses to that server. The tool reads, judges and
dials them as any others. Without --name it starts an embedded cluster of its own and removes it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from bench.table import row
from bench.timing import Command, in_turns
from tests.cluster import api
from tests.cluster.api import Cluster
from tests.cluster.shell import run

FEW, MANY = 5, 500
NAMESPACE, NODE = "refused-bench-endpoints", "not-really"
RANGE = "10.202.240.0/22"
ROUNDS = 5
HEARTBEAT = 5.0  # seconds; a node that is not heard of for 40 is taken for lost, and its pods for not ready
SETTLE = 60.0  # seconds for controllers and service proxies
SERVER = """
import collections, socket
held = collections.deque(maxlen=400)
with socket.create_server(("0.0.0.0", 8080), backlog=4096) as server:
    while True:
        held.append(server.accept()[0])
"""
REFUSED = str(Path(sys.executable).parent / "kubectl-refused")
LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"


def main(words: Sequence[str]) -> int:
    """Measure and print; 0 unless something could not be measured."""
    parser = argparse.ArgumentParser(prog="bench.endpoints", description=__doc__.partition("\n")[0])
    parser.add_argument("--name", help="an embedded cluster that is up")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    arguments = parser.parse_args(words)
    own = api.ClusterOptions(name="refused-bench")
    cluster = api.find(arguments.name) if arguments.name else api.up(own)
    if cluster is None:
        parser.error(f"cluster {arguments.name} is not up")
    try:
        with tempfile.TemporaryDirectory(prefix="refused-bench-") as folder:
            environment = {**os.environ, "HOME": folder, "KUBECONFIG": str(cluster.kubeconfig)}
            compare(cluster, environment, arguments.rounds)
    finally:
        if not arguments.name:
            api.down(own.name)
    return 0


def compare(cluster: Cluster, environment: dict[str, str], rounds: int = ROUNDS) -> None:
    """Rows for a diagnosis without a dial, which only reads and judges, and for whole ones."""
    with furnished(cluster):
        for service, depth in (("has", "none"), ("has", "pods"), ("wrong", "pods")):
            told = f"--probe {depth}{', wrong port' if service == 'wrong' else ''}"
            both = [_diagnosis(f"{service}-{n}", depth, environment) for n in (FEW, MANY)]
            few, many = in_turns(both, rounds)
            ratio = many.median / few.median
            goal = ("2 ×", ratio <= 2) if depth == "pods" else ("", None)
            row(f"{told}: {MANY} endpoints", many.spread, f"{FEW} endpoints {few.spread}", ratio, *goal)


def _diagnosis(service: str, depth: str, environment: dict[str, str]) -> Command:
    """Code 0 only where every endpoint accepted; where none does, 3: nobody can look into these pods."""
    argv = [REFUSED, f"svc/{service}", "-n", NAMESPACE, "--probe", depth, "-o", "json"]
    return Command(service, argv, environment, (3,) if service.startswith("wrong") else (0,))


@contextlib.contextmanager
def furnished(cluster: Cluster) -> Iterator[None]:
    """Make it all, and remove it all."""
    client, done = cluster.client(), threading.Event()
    heart = threading.Thread(target=_beat, args=(cluster, done), daemon=True)
    try:
        client.create("/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
        client.create("/api/v1/nodes", {"metadata": {"name": NODE, "labels": {"kubernetes.io/os": "linux"}}})
        _await(lambda: client.call("GET", f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts")["items"])
        heart.start()
        _lead_to_one_server(cluster)
        _make_pods(cluster)
        for number in (FEW, MANY):
            _await(lambda wanted=number: _ready(cluster, f"has-{wanted}") == wanted)
        time.sleep(2)  # the service proxies write their rules
        yield
    finally:
        done.set()
        heart.join(HEARTBEAT + 10)
        for path in (f"/api/v1/nodes/{NODE}", f"{LEASES}/{NODE}", f"/api/v1/namespaces/{NAMESPACE}"):
            with contextlib.suppress(api.ClusterError):
                client.call("DELETE", path)
        with contextlib.suppress(api.ClusterError):
            words = ("delete", "pods", "-n", NAMESPACE, "--all", "--force", "--grace-period=0", "--wait=false")
            cluster.kubectl(*words)
        for number in range(1, len(cluster.node_names) + 1):
            cluster.run_on_node(number, ["ip", "route", "delete", RANGE], check=False)


def _beat(cluster: Cluster, done: threading.Event) -> None:
    """Be the node's kubelet as far as its heart goes."""
    client = cluster.client()
    condition = {"type": "Ready", "status": "True", "reason": "Bench", "message": "an object of the bench"}
    while not done.is_set():
        now = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
        times = {"lastHeartbeatTime": f"{now}Z", "lastTransitionTime": f"{now}Z"}
        lease = {"holderIdentity": NODE, "leaseDurationSeconds": 40, "renewTime": f"{now}.000000Z"}
        with contextlib.suppress(api.ClusterError, OSError):
            client.create(LEASES, {"metadata": {"name": NODE}, "spec": lease})
            client.call("PATCH", f"{LEASES}/{NODE}", {"spec": lease})
            client.call("PATCH", f"/api/v1/nodes/{NODE}/status", {"status": {"conditions": [condition | times]}})
        done.wait(HEARTBEAT)


def _lead_to_one_server(cluster: Cluster) -> None:
    """A pod on node1 that takes every address of the range for its own, and routes of all nodes to it."""
    container = {"name": "server", "image": "localhost/python:3", "command": ["python3", "-c", SERVER]}
    spec = {"nodeName": "node1", "terminationGracePeriodSeconds": 0, "containers": [container]}
    cluster.client().create(f"/api/v1/namespaces/{NAMESPACE}/pods", {"metadata": {"name": "server"}, "spec": spec})
    cluster.kubectl("wait", "-n", NAMESPACE, "--for=condition=Ready", "pod/server", "--timeout=60s", timeout=90)
    address = cluster.client().call("GET", f"/api/v1/namespaces/{NAMESPACE}/pods/server")["status"]["podIP"]
    route = cluster.run_on_node(1, ["ip", "-json", "route", "get", address]).stdout
    device = json.loads(route)[0]["dev"]
    cluster.run_on_node(1, ["ip", "route", "replace", RANGE, "via", address, "dev", device, "onlink"])
    for number in range(2, len(cluster.node_names) + 1):
        cluster.run_on_node(number, ["ip", "route", "replace", RANGE, "via", cluster.node_address(1)])
    run(["nsenter", f"--net=/proc/{_server()}/ns/net", "ip", "route", "add", "local", RANGE, "dev", "lo"])


def _server() -> int:
    """The pid of the server."""
    found = [
        int(process.name)
        for process in Path("/proc").glob("[0-9]*")
        if _command(process)[:3] == [b"python3", b"-c", SERVER.encode()]
    ]
    return found[-1]


def _command(process: Path) -> list[bytes]:
    try:
        return (process / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return []


def _make_pods(cluster: Cluster) -> None:
    """The Services, and their pods as a kubelet would report them."""
    client = cluster.client()
    for count in (FEW, MANY):
        for name, port in (("has", 8080), ("wrong", 9999)):
            spec = {"selector": {"app": f"has-{count}"}, "ports": [{"port": 80, "targetPort": port}]}
            service = {"metadata": {"name": f"{name}-{count}"}, "spec": spec}
            client.create(f"/api/v1/namespaces/{NAMESPACE}/services", service)
    wanted = [(count, number) for count in (FEW, MANY) for number in range(count)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda one: _make_pod(cluster, *one), wanted))


def _make_pod(cluster: Cluster, count: int, number: int) -> None:
    place = number + (MANY if count == FEW else 0)
    name, address = f"has-{count}-{number}", f"10.202.{240 + place // 250}.{place % 250 + 2}"
    path, now = f"/api/v1/namespaces/{NAMESPACE}/pods", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    container = {"name": "web", "image": "web:1", "ports": [{"containerPort": 8080}]}
    spec = {"nodeName": NODE, "terminationGracePeriodSeconds": 0, "containers": [container]}
    running = {"name": "web", "image": "web:1", "imageID": "web:1", "ready": True, "restartCount": 0}
    conditions = [
        {"type": kind, "status": "True", "lastTransitionTime": now}
        for kind in ("PodScheduled", "Initialized", "ContainersReady", "Ready")
    ]
    status = {
        "phase": "Running",
        "podIP": address,
        "podIPs": [{"ip": address}],
        "startTime": now,
        "conditions": conditions,
        "containerStatuses": [running | {"state": {"running": {"startedAt": now}}}],
    }
    client = cluster.client()
    client.create(path, {"metadata": {"name": name, "labels": {"app": f"has-{count}"}}, "spec": spec})
    client.call("PATCH", f"{path}/{name}/status", {"status": status})


def _ready(cluster: Cluster, service: str) -> int:
    """How many ready endpoints the Service has."""
    path = f"/apis/discovery.k8s.io/v1/namespaces/{NAMESPACE}/endpointslices"
    slices: list[dict[str, Any]] = cluster.client().call(
        "GET", f"{path}?labelSelector=kubernetes.io/service-name={service}"
    )["items"]
    return sum(one["conditions"]["ready"] for part in slices for one in part.get("endpoints") or ())


def _await(holds: Any) -> None:
    """Wait until it holds. Raises RuntimeError when it never does."""
    deadline = time.monotonic() + SETTLE
    while not holds():
        if time.monotonic() > deadline:
            raise RuntimeError("the bench's pods did not become endpoints")
        time.sleep(0.2)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
