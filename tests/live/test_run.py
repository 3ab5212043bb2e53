"""Commands run with a real cluster watched beside them, and error texts: what healed is told, exit codes pass."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.api import Cluster

from .conftest import fresh_namespace
from .small_shop import IMAGE, READY_SECONDS, assert_nothing_left, ready_services
from .test_signals import started
from .tool import Answer, refused
from .witness_shop import service, shell

NAMES = ("late", "fragile", "taken")
# Ends when it is told to, with a last word; the kubelet starts it anew at once.
DIES = "trap '{word}; exit 9' TERM; httpd -f -p 8080 & wait"
READY_PROBE = {"tcpSocket": {"port": 8080}, "periodSeconds": 1}


def app(name: str, command: str) -> dict[str, Any]:
    labels = {"app": name}
    container = {"name": name, "image": IMAGE, "readinessProbe": READY_PROBE, **shell(command)}
    spec = {"terminationGracePeriodSeconds": 0, "containers": [container]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels}, "spec": spec}


@pytest.fixture(scope="module")
def bazaar(cluster: Cluster) -> Iterator[str]:
    """Two Services whose pods can be told to die, and one without any pod yet."""
    name = fresh_namespace(cluster)
    items = [service(one, {"app": one}, 80, 8080) for one in NAMES]
    items += [app("fragile", DIES.format(word="echo giving up"))]
    items += [app("taken", DIES.format(word="echo bind to :8080 failed: Address already in use"))]
    cluster.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}), namespace=name)
    await_ready(cluster, name, {"fragile", "taken"})
    yield name
    cluster.client().call("DELETE", f"/api/v1/namespaces/{name}")


def await_ready(cluster: Cluster, namespace: str, names: set[str], restarts: int = 0) -> None:
    """Wait until the Services are served, by containers that were started anew so often."""
    deadline = time.monotonic() + READY_SECONDS
    while ready_services(cluster, namespace) != names or restarted(cluster, namespace) < restarts:
        assert time.monotonic() < deadline, f"not ready in {namespace}: {ready_services(cluster, namespace)}"
        time.sleep(0.2)


def restarted(cluster: Cluster, namespace: str) -> int:
    pods = cluster.client().call("GET", f"/api/v1/namespaces/{namespace}/pods")["items"]
    return sum(one.get("restartCount", 0) for pod in pods for one in pod["status"].get("containerStatuses") or ())


def test_what_healed_while_a_command_ran_is_told(cluster: Cluster, bazaar: str, tmp_path: Path) -> None:
    flag, told = tmp_path / "end", tmp_path / "told.json"
    errors = "".join(
        f"echo 'dial tcp {name}.{bazaar}.svc:80: connect: connection refused' >&2; " for name in NAMES
    )
    tests = f"echo begun; {errors} while [ ! -e {flag} ]; do sleep 0.1; done; exit 5"
    words = ("run", "-n", bazaar, "--report", f"json={told}", "--", "sh", "-c", tests)
    with started(cluster.kubeconfig, *words) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        cluster.apply(json.dumps(app("late", "exec httpd -f -p 8080")), namespace=bazaar)
        for name in ("fragile", "taken"):
            # The exec ends with its container, now and then before kill could say that it succeeded.
            cluster.kubectl("exec", "-n", bazaar, name, "--", "kill", "-TERM", "1", check=False)
        await_ready(cluster, bazaar, set(NAMES), restarts=2)
        time.sleep(1.0)  # the watch is told of it after we are
        flag.touch()
        out, err = process.communicate(timeout=90)
    assert (process.returncode, out) == (5, ""), err
    report = json.loads(told.read_text())
    causes = {(one["target"], one["cause"]) for one in report["refusals"] if one["named"] and one["end"]}
    assert causes == {("svc/late", "start-up"), ("svc/fragile", "crash"), ("svc/taken", "address-in-use")}, err
    assert sorted(report["works"]) == sorted(f"svc/{name}:80" for name in NAMES), err
    assert (report["items"], report["gaps"], report["exitCode"]) == ([], [], 5), err
    assert [line for line in err.splitlines() if "connection refused" in line][:3] == [
        f"dial tcp {name}.{bazaar}.svc:80: connect: connection refused" for name in NAMES
    ]
    assert all(text in err for text in ("svc/late works now", "exit code 9", "giving up", "timeline")), err
    assert_nothing_left(cluster, bazaar)


def explained(cluster: Cluster, namespace: str, text: str, *words: str) -> Answer:
    """`kubectl refused -` with that text."""
    done = subprocess.run(
        [sys.executable, "-m", "kubectl_refused", "--kubeconfig", str(cluster.kubeconfig), "-n", namespace, "-",
         "-o", "json", *words],
        input=text, capture_output=True, text=True, timeout=90,
    )  # fmt: skip
    return Answer(done.returncode, done.stdout, done.stderr)


def test_an_error_text_is_traced_to_services_pods_and_nodes(cluster: Cluster, shop: str) -> None:
    client = cluster.client()
    address = client.call("GET", f"/api/v1/namespaces/{shop}/services/loop")["spec"]["clusterIP"]
    broken = explained(cluster, shop, f"Error: connect ECONNREFUSED {address}:80\n")
    assert [item["root"]["name"] for item in broken.report["items"]] == ["listens-on-loopback"], broken
    assert (broken.code, broken.report["mentions"][0]["target"]) == (1, "svc/loop:80"), broken
    pods = client.call("GET", f"/api/v1/namespaces/{shop}/pods?labelSelector=app%3Dweb")["items"]
    node = client.call("GET", "/api/v1/nodes")["items"][0]
    (node_address,) = [one["address"] for one in node["status"]["addresses"] if one["type"] == "InternalIP"][:1]
    text = f"dial tcp {pods[0]['status']['podIP']}:8080: i/o timeout\ndial tcp {node_address}:4: no route to host"
    works = explained(cluster, shop, text, "--probe", "none")
    assert [(one["means"], one["target"]) for one in works.report["mentions"]] == [
        (f"pod/{pods[0]['metadata']['name']}", "svc/web:80"),
        (f"node/{node['metadata']['name']}", ""),
    ], works
    assert (works.code, works.report["works"]) == (3, ["svc/web:80"]), works


def test_without_rights_the_command_runs_and_one_line_says_so(cluster: Cluster, shop: str) -> None:
    answer = refused(cluster.kubeconfig, "run", "-n", shop, "--as", "nobody", "--", "sh", "-c", "echo ran; exit 0")
    assert (answer.code, answer.out, len(answer.err.splitlines())) == (0, "ran\n", 1), answer
    assert "not watched: Services" in answer.err
    assert "grant list services" in answer.err
