"""The table of endpoints by vantages, live: what fails together is told in one sentence."""

from __future__ import annotations

import contextlib
import copy
import json
import os
import secrets
import signal
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kubectl_refused.model.facts import HANDSHAKE, Dial, FactStore, Need
from kubectl_refused.model.observation import Handshake, Outcome
from kubectl_refused.model.snapshot import Snapshot
from kubectl_refused.model.target import Target
from kubectl_refused.probes.base import ProbeContext, ProbeSettings
from kubectl_refused.probes.clients import Client
from kubectl_refused.probes.probe_pod import ProbePod
from tests.cluster.api import Cluster

from .conftest import fresh_namespace
from .from_shop import HTTPD, workload
from .small_shop import IMAGE, deployment, policy
from .tool import Answer, refused, says, until
from .witness_shop import Asker, pod, python, service, shell

SETTLE_SECONDS = 60.0
# Lets one in, then is not there for a moment.
NOW_AND_THEN = """
import socket, time
kept = []
while True:
    with socket.create_server(("0.0.0.0", 8080), backlog=64) as server:
        server.settimeout(0.01)
        end = time.monotonic() + 0.1
        while time.monotonic() < end:
            try:
                kept.append(server.accept()[0])
            except TimeoutError:
                pass
    kept = kept[-50:]
    time.sleep(0.1)
"""


def of_job(name: str, labels: dict[str, str]) -> dict[str, Any]:
    """A Job of two pods that listen nowhere."""
    made = workload("Job", name, completions=2, parallelism=2)
    made["spec"]["template"]["metadata"]["labels"] = labels
    made["spec"]["template"]["spec"]["containers"][0] |= {"image": IMAGE, **shell("exec sleep 3600")}
    return made


def replicas(made: dict[str, Any], count: int) -> dict[str, Any]:
    """The Deployment with so many pods."""
    changed = copy.deepcopy(made)
    changed["spec"]["replicas"] = count
    return changed


def many_ports(name: str, count: int) -> dict[str, Any]:
    """A Service of many ports that no pod serves."""
    made = service(name, {"app": "nobody"}, 80, 80)
    made["spec"]["ports"] = [{"name": f"p{n}", "port": 8000 + n} for n in range(count)]
    return made


FLAKY = deployment("flaky", python(NOW_AND_THEN))
FLAKY["spec"]["selector"]["matchLabels"] = {"app": "sometimes", "kind": "flaky"}
FLAKY["spec"]["template"]["metadata"]["labels"] = {"app": "sometimes", "kind": "flaky"}
STEADY = deployment("steady", HTTPD)
STEADY["spec"]["selector"]["matchLabels"] = {"app": "sometimes", "kind": "steady"}
STEADY["spec"]["template"]["metadata"]["labels"] = {"app": "sometimes", "kind": "steady"}
OBJECTS = [
    replicas(deployment("web", HTTPD), 4),
    of_job("migrate", {"app": "web"}),
    service("web", {"app": "web"}, 80, 8080),
    FLAKY,
    STEADY,
    service("sometimes", {"app": "sometimes"}, 80, 8080),
    service("none", {"app": "nobody"}, 80, 80),
    many_ports("ports", 12),
    policy("silent"),
    pod("silent", HTTPD),
    service("silent", {"app": "silent"}, 80, 8080),
]


@pytest.fixture(scope="module")
def namespace(cluster: Cluster) -> Iterator[str]:
    """The broken Services."""
    name = furnished(cluster, OBJECTS)
    yield name
    cluster.client().call("DELETE", f"/api/v1/namespaces/{name}")


def furnished(cluster: Cluster, objects: list[dict[str, Any]]) -> str:
    """A namespace in which the objects run."""
    name = fresh_namespace(cluster)
    cluster.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}), namespace=name)
    cluster.kubectl("wait", "-n", name, "--for=condition=Ready", "pod", "--all", "--timeout=60s", timeout=90)
    return name


def ask(kubeconfig: Path, namespace: str, target: str, *words: str) -> Answer:
    """One run, as data."""
    return refused(kubeconfig, target, "-n", namespace, "-o", "json", *words)


def table(answer: Answer) -> dict[str, Any]:
    """The one table of the report."""
    (found,) = answer.report["matrices"]
    return dict(found)


def cells(answer: Answer) -> set[tuple[str, ...]]:
    """The outcomes of each row, told once."""
    return {tuple(cell["outcome"] for cell in row["cells"]) for row in table(answer)["rows"]}


def test_a_selector_that_takes_in_a_job(cluster: Cluster, namespace: str) -> None:
    migrate = "2 of 6 endpoints refuse: both belong to Job migrate"
    answer = until(
        lambda: ask(cluster.kubeconfig, namespace, "svc/web", "--dials", "1"),
        lambda one: bool(one.out) and [m["sentence"] for m in one.report["matrices"]] == [migrate],
        SETTLE_SECONDS,
    )
    assert table(answer)["sentence"] == migrate
    told = refused(cluster.kubeconfig, "svc/web", "-n", namespace, env={"COLUMNS": "80"})
    assert "Job migrate" in " ".join(told.out.split()[:20]), told


def test_an_endpoint_that_is_there_now_and_then(cluster: Cluster, namespace: str) -> None:
    wanted = " now and then: pod/flaky-"
    answer = until(
        lambda: ask(cluster.kubeconfig, namespace, "svc/sometimes", "--dials", "6"),
        lambda one: bool(one.out) and any(wanted in m["sentence"] for m in one.report["matrices"]),
        SETTLE_SECONDS,
    )
    assert "1 of 2 endpoints " in table(answer)["sentence"]
    assert wanted in table(answer)["sentence"]
    (row,) = [row for row in table(answer)["rows"] if row["name"].startswith("pod/flaky")]
    heard = row["cells"][0]["heard"]
    assert heard["accepted"] >= 1
    assert sum(heard.values()) == 6
    words = ("svc/sometimes", "-n", namespace, "--dials", "6")
    told = until(  # by chance, all six may end alike: then it is another Service that is told of, and rightly
        lambda: refused(cluster.kubeconfig, *words, env={"COLUMNS": "80"}),
        lambda one: "now and then" in " ".join(one.out.split()),
        SETTLE_SECONDS,
    )
    assert "1 of 2 endpoints" in " ".join(told.out.split()), told
    # The table's sentence heads the report, or the proved cause (KR432): either says which of them it is.
    assert "pod/flaky-" in " ".join(told.out.split()[:20]), told


def dial_from_nodes(
    cluster: Cluster, namespace: str, target: str, ports: Iterable[int], **settings: Any
) -> list[Handshake]:
    """Dials of the Service's address by a pod on each node: the tool itself reads why no endpoint is there."""
    asker = Asker(cluster, namespace)
    address = cluster.client().call("GET", f"/api/v1/namespaces/{namespace}/services/{target}")
    address = address["spec"]["clusterIP"]
    clients = tuple(
        Client(key=f"node/{node}", standing="node", namespace=namespace, node=node, name=f"node/{node}")
        for node in cluster.node_names
    )
    context = ProbeContext(
        connection=asker.connection,
        target=Target(target, namespace),
        snapshot=Snapshot(),
        facts=FactStore(),
        settings=ProbeSettings(**settings),
        ledger=asker.ledger,
        run_id=secrets.token_hex(4),
        clients=clients,
    )
    method = ProbePod()
    needs = [Need(HANDSHAKE, Dial(address, port, client.key)) for client in clients for port in ports]
    answers = dict(method.learn(needs, context))
    method.close(context)
    asker.connection.close()
    return [answers[need] for need in needs]


def test_a_reject_dialled_often_from_every_node_is_no_timeout(cluster: Cluster, namespace: str) -> None:
    found = dial_from_nodes(cluster, namespace, "none", [80], dials=6)
    assert [one.outcome for one in found] == [Outcome.REJECTED] * 2
    assert [one.heard for one in found] == [((Outcome.REJECTED, 6),)] * 2


def test_many_rejects_at_once_are_no_timeouts(cluster: Cluster, namespace: str) -> None:
    """The kernel answers six of them at once: the others are silent until each is dialled alone."""
    found = dial_from_nodes(cluster, namespace, "ports", range(8000, 8012))
    assert [one.outcome for one in found] == [Outcome.REJECTED] * 24


def test_a_silence_counts_when_a_lone_second_dial_is_silent_too(cluster: Cluster, namespace: str) -> None:
    found = dial_from_nodes(cluster, namespace, "silent", [80])
    assert [(one.outcome, one.tries) for one in found] == [(Outcome.TIMEOUT, 2)] * 2


# On the cluster that may be broken, as its service proxy comes to harm.


def proxy_of(cluster: Cluster, node: str) -> int:
    """The pid of the node's kube-proxy, told from those of other clusters by its own directory."""
    mark = f"TMPDIR={cluster.layout.state / node / 'tmp'}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it may end meanwhile
            words = (process / "cmdline").read_bytes().split(b"\0")
            if words[1:2] == [b"kube-proxy"] and mark in (process / "environ").read_bytes().split(b"\0"):
                found.append(int(process.name))
    (pid,) = found
    return pid


@pytest.fixture(scope="module")
def daemons(breakable: Cluster) -> str:
    """A namespace with a server on each of two nodes and a Service, seen by both service proxies."""
    served = workload("DaemonSet", "web")
    served["spec"]["template"]["spec"]["containers"][0] |= {"image": IMAGE, **HTTPD}
    name = furnished(breakable, [served, service("before", {"app": "web"}, 80, 8080)])
    answer = until(
        lambda: ask(breakable.kubeconfig, name, "svc/before", "--from", "every-node"),
        lambda one: one.code == 0,
        SETTLE_SECONDS,
    )
    assert answer.code == 0, answer
    return name


def test_every_node_is_one_with_a_taint_too(breakable: Cluster, daemons: str) -> None:
    breakable.kubectl("taint", "node", "node2", "dedicated=db:NoSchedule")
    answer = ask(breakable.kubeconfig, daemons, "svc/before", "--from", "every-node")
    breakable.kubectl("taint", "node", "node2", "dedicated-")
    assert answer.code == 0, answer
    assert {path["vantage"] for path in answer.report["paths"]} == {"a pod on node1", "a pod on node2"}
    assert cells(answer) == {("accepted", "accepted")}


def dead_on_node2(breakable: Cluster, namespace: str, target: str) -> Answer:
    """Asked from every node: it must be node2's service proxy."""
    answer = until(
        lambda: ask(breakable.kubeconfig, namespace, target, "--from", "every-node"),
        says("service-proxy-dead-on-node"),
        SETTLE_SECONDS,
    )
    root = answer.report["root"]
    assert (answer.code, root["code"], root["certainty"]) == (1, "KR301", "proved"), answer
    assert root["where"] == "node/node2"
    assert root["says"] == "only from node2 the Service's address fails, while its 2 endpoints accept"
    assert table(answer)["sentence"] == (
        "only from node2: the Service's own address fails, while all 2 endpoints accept"
    )
    return answer


def test_the_service_proxy_of_one_node_hangs(breakable: Cluster, daemons: str) -> None:
    """Stopped rather than killed: what keeps it would start it anew."""
    pid = proxy_of(breakable, "node2")
    os.kill(pid, signal.SIGSTOP)
    try:
        after = json.dumps(service("after", {"app": "web"}, 80, 8080))
        breakable.apply(after, namespace=daemons)
        dead_on_node2(breakable, daemons, "svc/after")
        words = ("svc/after", "-n", daemons, "--from", "every-node")
        told = refused(breakable.kubeconfig, *words, env={"COLUMNS": "80"})
        assert "the service proxy of node2 does not forward to it" in " ".join(told.out.split()), told
    finally:
        os.kill(pid, signal.SIGCONT)


def test_the_rules_of_one_node_are_gone(breakable: Cluster, daemons: str) -> None:
    pid = proxy_of(breakable, "node2")
    os.kill(pid, signal.SIGSTOP)
    try:
        breakable.run_on_node(2, ["nft", "delete", "table", "ip", "kube-proxy"])
        dead_on_node2(breakable, daemons, "svc/before")
    finally:
        os.kill(pid, signal.SIGCONT)
