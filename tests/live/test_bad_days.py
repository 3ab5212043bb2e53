"""Bad days: namespaces that forbid, servers that do not answer, words that cannot be meant, hostile applications.

Always one clear line or a whole report, an exit code that tells, never a traceback, and nothing left behind.
"""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.api import Cluster

from .conftest import fresh_namespace
from .people import write_kubeconfig
from .small_shop import CLOSED, HEALTHY, OURS, TYPO, WRONG, assert_nothing_left, furnish
from .tool import RUN_SECONDS, Answer, refused, until

QUOTA = {
    "apiVersion": "v1",
    "kind": "ResourceQuota",
    "metadata": {"name": "one-pod"},
    "spec": {"hard": {"pods": "1"}},
}
LIMITS = {
    "apiVersion": "v1",
    "kind": "LimitRange",
    "metadata": {"name": "huge"},
    # More than a probe may take, whatever a namespace asks for (probes/limit_ranges.py).
    "spec": {"limits": [{"type": "Container", "min": {"memory": "4Gi"}, "default": {"memory": "8Gi"}}]},
}
STEERING = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def one_line(answer: Answer, code: int) -> str:
    """The one line that the run left on stderr, after checking that it is no traceback and nothing else."""
    assert answer.code == code, answer
    assert answer.out == "", answer
    (line,) = answer.err.splitlines()
    assert line.startswith("error: "), answer
    assert "Traceback" not in line
    assert not STEERING.search(line), answer
    return line


def report_of(cluster: Cluster, namespace: str, *words: str) -> Answer:
    """A run with `-o json` that ended in a report."""
    answer = refused(cluster.kubeconfig, *words, "-n", namespace, "-o", "json")
    assert "Traceback" not in answer.err, answer
    assert answer.report["kind"] == "Diagnosis"
    return answer


# Namespaces that forbid.


@pytest.fixture
def make_namespace(cluster: Cluster) -> Iterator[Callable[..., str]]:
    """Make namespaces with labels; deleted afterwards."""
    made: list[str] = []

    def make(labels: dict[str, str] | None = None) -> str:
        made.append(fresh_namespace(cluster, labels))
        return made[-1]

    yield make
    for name in made:
        cluster.client().delete(f"/api/v1/namespaces/{name}")


def test_the_probe_pod_runs_where_pod_security_is_restricted(
    cluster: Cluster, make_namespace: Callable[..., str]
) -> None:
    namespace = make_namespace()
    furnish(cluster, namespace, [HEALTHY, WRONG])
    # From now on, as the shop's own pods are not restricted.
    label = {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}
    cluster.client().call("PATCH", f"/api/v1/namespaces/{namespace}", label)
    healthy = report_of(cluster, namespace, "svc/web")
    assert (healthy.code, healthy.report["gaps"]) == (0, []), healthy
    assert healthy.report["paths"][0]["vantage"].startswith("a pod on node")
    wrong = report_of(cluster, namespace, "svc/wrong")
    assert (wrong.code, wrong.root) == (1, "wrong-target-port")
    assert_nothing_left(cluster, namespace)


@pytest.mark.parametrize(
    ("barrier", "says"),
    [(QUOTA, "exceeded quota: one-pod"), (LIMITS, "minimum memory usage per Container is 4Gi")],
    ids=["quota", "limit-range"],
)
def test_where_no_probe_pod_may_be_the_passive_witnesses_answer(
    cluster: Cluster, make_namespace: Callable[..., str], barrier: dict[str, Any], says: str
) -> None:
    namespace = make_namespace()
    furnish(cluster, namespace, [HEALTHY, WRONG])
    cluster.apply(json.dumps(barrier), namespace=namespace)
    # The quota's controller counts the pods first.
    healthy = until(
        lambda: report_of(cluster, namespace, "svc/web"), lambda answer: bool(answer.report["gaps"]), 30.0
    )
    assert (healthy.code, healthy.report["outcome"]) == (3, "accepted"), healthy
    (gap,) = healthy.report["gaps"]
    assert gap["what"] == "probe pod"
    assert says in gap["because"], healthy
    assert {dial["witness"] for dial in healthy.report["paths"][0]["dials"]} <= {"pod-proxy", "service-proxy"}
    wrong = report_of(cluster, namespace, "svc/wrong")
    assert (wrong.code, wrong.root) == (1, "wrong-target-port"), wrong
    assert_nothing_left(cluster, namespace)


@pytest.mark.parametrize("image", ["localhost/nowhere:1", "UPPER//CASE"])
def test_an_image_that_cannot_be_pulled_is_a_gap_and_no_verdict_on_the_network(
    cluster: Cluster, shop: str, image: str
) -> None:
    answer = report_of(cluster, shop, "svc/web", "--image", image)
    assert (answer.code, answer.report["outcome"]) == (3, "accepted"), answer
    (gap,) = answer.report["gaps"]
    assert gap["what"] == "probe pod"
    assert "mage" in gap["because"], answer
    assert gap["remedy"] == "--image names one that the nodes have or can pull", answer
    assert_nothing_left(cluster, shop)


# API servers and credentials.


@pytest.fixture
def silent_server() -> Iterator[int]:
    """The port of a server that accepts and never answers."""
    held: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            while True:
                try:
                    held.append(server.accept()[0])
                except OSError:
                    return

        threading.Thread(target=accept, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
    for peer in held:
        peer.close()


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_an_api_server_that_never_answers(cluster: Cluster, silent_server: int, scheme: str) -> None:
    address = f"{scheme}://127.0.0.1:{silent_server}"
    start = time.monotonic()
    answer = refused(cluster.kubeconfig, "svc/web", "-s", address, "--request-timeout", "2s")
    assert f"{address} does not answer in time" in one_line(answer, 4)
    assert time.monotonic() - start < 30.0


def test_an_api_server_that_is_not_there(cluster: Cluster) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"https://127.0.0.1:{server.getsockname()[1]}"
    line = one_line(refused(cluster.kubeconfig, "svc/web", "-s", address), 4)
    assert f"{address} refuses the connection" in line


def test_credentials_that_are_not_accepted(cluster: Cluster, tmp_path: Path) -> None:
    kubeconfig = write_kubeconfig(tmp_path / "config", cluster, {"token": "made-up-token"})
    line = one_line(refused(kubeconfig, "svc/web"), 4)
    assert "does not accept the credentials of someone" in line
    assert "made-up-token" not in line


def test_a_token_that_has_expired(cluster: Cluster, tmp_path: Path) -> None:
    # The shortest life that the API server gives a token is ten minutes, so an old one is cut short by hand:
    # its signature then fails, which the API server answers exactly as it does expiry, with 401.
    token = cluster.kubectl("create", "token", "default", "-n", "default").stdout.strip()
    kubeconfig = write_kubeconfig(tmp_path / "config", cluster, {"token": token[:-8] + "AAAAAAAA"})
    assert "401: missing, wrong or expired" in one_line(refused(kubeconfig, "svc/web"), 4)


def test_an_exec_plugin_that_is_not_installed(cluster: Cluster, tmp_path: Path) -> None:
    plugin = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "no-such-login-helper",
        "interactiveMode": "Never",
        "installHint": "install it\nfrom \x1b[31mhere",
    }
    kubeconfig = write_kubeconfig(tmp_path / "config", cluster, {"exec": plugin})
    assert "no-such-login-helper" in one_line(refused(kubeconfig, "svc/web"), 4)


def test_a_certificate_that_nobody_vouches_for(cluster: Cluster, tmp_path: Path) -> None:
    kubeconfig = write_kubeconfig(tmp_path / "config", cluster, {"token": "x"})
    document = json.loads(kubeconfig.read_text())
    del document["clusters"][0]["cluster"]["certificate-authority-data"]
    kubeconfig.write_text(json.dumps(document))
    assert "is not trusted" in one_line(refused(kubeconfig, "svc/web"), 4)


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["svc/web", "--kubeconfig", "/no/such/file"], 4, "/no/such/file does not exist"),
        (["svc/web", "--context", "no\x1b[31mwhere"], 4, "does not exist; type --context with one of: kr"),
        (["svc/web", "--user", "nobody"], 4, "user nobody, which does not exist"),
        (["svc/web", "--cluster", "nothing"], 4, "cluster nothing, which does not exist"),
        (["gizmo/web"], 2, "'gizmo' is no kind that is understood"),
        (["secret/web"], 2, "connections are not traced from one"),
        (["svc/w\x1b]0;owned\x07eb"], 2, "is no Service name"),
        (["svc/we\nb"], 2, "is no Service name"),
        (["svc/\udcff"], 2, "is no Service name"),
        (["svc/web", "-n", "a\x1b[2Jb"], 2, "is no namespace name"),
        (["svc/web:70000"], 2, "is not between 1 and 65535"),
        (["svc/web", "--probe", "deep\x1b[31m"], 2, "is not known"),
        (["svc/web", "--request-timeout", "soon"], 2, "is no duration"),
        (["svc/web", "--no-such-flag"], 2, "--no-such-flag"),
        ([], 2, "no Service is named"),
    ],
    ids=lambda value: None if isinstance(value, int) else " ".join(value).encode("ascii", "replace").decode()[:30],
)
def test_words_that_cannot_be_meant(cluster: Cluster, words: list[str], code: int, says: str) -> None:
    assert says in one_line(refused(cluster.kubeconfig, *words), code)


def test_no_kubeconfig_at_all(cluster: Cluster, tmp_path: Path) -> None:
    answer = refused(
        tmp_path / "unused", "svc/web", env={"KUBECONFIG": str(tmp_path / "none"), "HOME": str(tmp_path)}
    )
    assert "does not exist" in one_line(answer, 4)


def test_a_namespace_that_does_not_exist(cluster: Cluster) -> None:
    answer = refused(cluster.kubeconfig, "svc/web", "-n", "no-such-namespace")
    assert answer.code == 1
    assert "there is no namespace no-such-namespace" in " ".join(answer.out.split())


# Hostile text.


def test_a_hostile_log_neither_steers_the_terminal_nor_tells_secrets(cluster: Cluster, shop: str) -> None:
    def ask(*more: str, **env: str) -> Answer:
        return refused(cluster.kubeconfig, "svc/crash", "-n", shop, *more, env=env)

    data = until(lambda: ask("-o", "json"), lambda answer: "pwned" in answer.out, 60.0)
    assert data.root == "crash-loop", data
    for answer in (data, ask(), ask(COLUMNS="40"), ask("-o", "wide"), ask("-o", "yaml"), ask("-o", "name")):
        assert answer.code == 1, answer
        assert not STEERING.search(answer.out + answer.err), answer
        assert "hunter2" not in answer.out
        assert "abcdef0123456789" not in answer.out
        assert not re.search(r"(?m)^\s*::[a-z]", answer.out), answer
    assert "password=***" in data.out


def test_a_hostile_event_and_annotation(cluster: Cluster, namespace: str) -> None:
    evil = "\x1b]0;owned\x07 ::error::pwned password=hunter2 \u202egnp.exe"
    furnish(cluster, namespace, [HEALTHY])
    note = {"metadata": {"annotations": {"meta.helm.sh/release-name": evil, "note": evil}}}
    cluster.client().call("PATCH", f"/api/v1/namespaces/{namespace}/services/web", note)
    cluster.client().call("PATCH", f"/apis/apps/v1/namespaces/{namespace}/deployments/web", note)
    pods = {"spec": {"containers": [{"name": "web", "image": "localhost/absent:1"}]}}
    unready = {"spec": {"strategy": {"type": "Recreate", "rollingUpdate": None}, "template": pods}}
    cluster.kubectl("patch", "deployment/web", "-n", namespace, "-p", json.dumps(unready))
    answer = until(
        lambda: refused(cluster.kubeconfig, "svc/web", "-n", namespace, "-o", "json"),
        lambda answer: answer.root == "image-not-pulled",
        60.0,
    )
    assert answer.root == "image-not-pulled", answer
    _event(cluster, namespace, evil)
    for output in ("json", "wide", "yaml"):
        answer = refused(cluster.kubeconfig, "svc/web", "-n", namespace, "-o", output)
        assert answer.code == 1
        assert not STEERING.search(answer.out + answer.err), answer
        assert "hunter2" not in answer.out
        assert not re.search(r"(?m)^\s*::[a-z]", answer.out), answer


def _event(cluster: Cluster, namespace: str, message: str) -> None:
    """Write an event about the Deployment's pod, as anybody with the right to may."""
    (pod,) = cluster.client().call("GET", f"/api/v1/namespaces/{namespace}/pods?labelSelector=app=web")["items"]
    metadata = pod["metadata"]
    about = {"kind": "Pod", "name": metadata["name"], "namespace": namespace, "uid": metadata["uid"]}
    event = {
        "metadata": {"name": "evil"},
        "involvedObject": about,
        "type": "Warning",
        "reason": "Failed",
        "message": f'Failed to pull image "localhost/absent:1": {message}',
        "lastTimestamp": "2100-01-01T00:00:00Z",
        "count": 9,
    }
    cluster.client().create(f"/api/v1/namespaces/{namespace}/events", event)


# What changes while we look.


def _while_it_runs(cluster: Cluster, namespace: str, words: list[str], change: Callable[[], object]) -> Answer:
    """Start a run, make the change once its probe pod is there, and give the run's answer."""
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(lambda: refused(cluster.kubeconfig, *words, "-n", namespace, "-o", "json"))
        deadline = time.monotonic() + RUN_SECONDS
        path = f"/api/v1/namespaces/{namespace}/pods?labelSelector={OURS}"
        while not cluster.client().call("GET", path)["items"] and not running.done():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert not running.done(), running.result()
        change()
        return running.result()


def test_a_pod_that_is_deleted_while_it_is_dialled(cluster: Cluster, namespace: str) -> None:
    furnish(cluster, namespace, [CLOSED])
    answer = _while_it_runs(
        cluster,
        namespace,
        ["svc/closed"],
        lambda: cluster.client().call("DELETE", f"/api/v1/namespaces/{namespace}/pods?labelSelector=app=closed"),
    )
    assert answer.code in (1, 3), answer
    assert answer.report["outcome"] != "accepted"
    assert "Traceback" not in answer.err
    assert_nothing_left(cluster, namespace)


def test_a_namespace_that_is_deleted_while_it_is_looked_at(
    cluster: Cluster, make_namespace: Callable[..., str]
) -> None:
    namespace = make_namespace()
    furnish(cluster, namespace, [CLOSED])
    answer = _while_it_runs(
        cluster,
        namespace,
        ["svc/closed"],
        lambda: cluster.client().call("DELETE", f"/api/v1/namespaces/{namespace}"),
    )
    assert answer.code in (1, 3), answer
    assert "Traceback" not in answer.err
    assert answer.report["kind"] == "Diagnosis"
    assert_nothing_left(cluster, namespace, within=40.0)


def test_a_probe_pod_that_somebody_deletes(cluster: Cluster, namespace: str) -> None:
    furnish(cluster, namespace, [CLOSED])
    ours = f"labelSelector={OURS}&propagationPolicy=Background"
    answer = _while_it_runs(
        cluster,
        namespace,
        ["svc/closed"],
        lambda: cluster.client().call("DELETE", f"/apis/batch/v1/namespaces/{namespace}/jobs?{ours}"),
    )
    assert answer.code in (1, 3), answer
    assert answer.report["outcome"] != "accepted"
    assert "Traceback" not in answer.err
    assert_nothing_left(cluster, namespace)


def test_two_runs_at_once_do_not_see_each_other(cluster: Cluster, namespace: str) -> None:
    furnish(cluster, namespace, [HEALTHY, WRONG, TYPO])
    words = ["svc/web", "svc/web", "svc/wrong"]
    with ThreadPoolExecutor(len(words)) as pool:
        answers = list(pool.map(lambda word: report_of(cluster, namespace, word), words))
    assert [answer.code for answer in answers] == [0, 0, 1], answers
    assert answers[2].root == "wrong-target-port"
    touched = [answer.report["touched"][0]["what"] for answer in answers]
    assert len(set(touched)) == len(words)
    assert_nothing_left(cluster, namespace)
