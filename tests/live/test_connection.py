"""The connection package against the real API server, kubelet and container runtime."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from kubectl_refused.connection.client import Connection, connect
from kubectl_refused.connection.errors import ApiProblem, Cancelled, CredentialsProblem, Forbidden, NotFound
from kubectl_refused.connection.exec import run_in_container
from kubectl_refused.connection.logs import follow_log, read_log
from kubectl_refused.connection.options import ConnectionOptions
from kubectl_refused.connection.port_forward import dial_by_port_forward
from kubectl_refused.connection.watch import watch
from tests.cluster.api import Cluster

SCRIPT = (
    "echo started; httpd -f -p 127.0.0.1:8080 -h /etc & "
    "httpd -f -p 0.0.0.0:8081 -h /etc & "
    "n=0; while [ $n -lt 600 ]; do n=$((n+1)); echo tick $n; sleep 0.2; done"
)


@pytest.fixture
def connection(cluster: Cluster) -> Iterator[Connection]:
    with contextlib.closing(connect(ConnectionOptions(kubeconfig=str(cluster.kubeconfig)))) as made:
        yield made


@pytest.fixture
def pod(connection: Connection, namespace: str) -> str:
    """Start a pod `web` whose app listens on 127.0.0.1:8080 and 0.0.0.0:8081, waiting for it by a watch."""
    container = {"name": "app", "image": "localhost/busybox:1", "command": ["sh", "-c", SCRIPT]}
    spec = {"terminationGracePeriodSeconds": 0, "containers": [{**container, "imagePullPolicy": "Never"}]}
    connection.create(f"/api/v1/namespaces/{namespace}/pods", {"metadata": {"name": "web"}, "spec": spec})
    name = [("fieldSelector", "metadata.name=web")]
    phases = []
    for kind, raw in watch(connection, f"/api/v1/namespaces/{namespace}/pods", name, timeout=30):
        status = msgspec.json.decode(raw)["status"]
        phases.append((kind, status.get("phase")))
        if any(state.get("ready") for state in status.get("containerStatuses") or ()):
            break
    assert phases[-1][1] == "Running"
    _wait_for_listeners(connection, namespace)
    return "web"


def _wait_for_listeners(connection: Connection, namespace: str) -> None:
    """Wait until both servers listen: a container is ready as soon as its shell runs."""
    for _ in range(50):
        table = run_in_container(connection, namespace, "web", "app", ["cat", "/proc/net/tcp"], 10).stdout
        if b"0100007F:1F90" in table and b"00000000:1F91" in table:
            return
        time.sleep(0.1)
    pytest.fail("the app does not listen")


def _run(connection: Connection, namespace: str, *argv: str, **more: Any) -> Any:
    return run_in_container(connection, namespace, "web", "app", argv, 10, **more)


def test_exec_returns_output_and_exit_code(connection: Connection, namespace: str, pod: str) -> None:
    done = _run(connection, namespace, "sh", "-c", "echo out; echo err >&2; exit 7")
    assert (done.exit_code, done.stdout, done.stderr, done.error) == (7, b"out\n", b"err\n", None)
    assert _run(connection, namespace, "cat", stdin=b"typed").stdout == b"typed"
    unknown = _run(connection, namespace, "no-such-program")
    assert unknown.exit_code is None
    assert "executable file not found" in unknown.error
    start = time.monotonic()
    slow = run_in_container(connection, namespace, pod, "app", ["sleep", "30"], 0.5)
    assert (slow.exit_code, slow.error) == (None, "the command did not end in 0.5 s")
    assert time.monotonic() - start < 15


def test_exec_of_what_is_not_there(connection: Connection, namespace: str, pod: str) -> None:
    with pytest.raises(NotFound, match='pods "gone" not found'):
        run_in_container(connection, namespace, "gone", "app", ["true"], 5)
    with pytest.raises(ApiProblem, match="400 BadRequest: container gone is not valid for pod web"):
        run_in_container(connection, namespace, pod, "gone", ["true"], 5)


def test_port_forward_reaches_what_listens_on_loopback_only(
    connection: Connection, namespace: str, pod: str
) -> None:
    silent = dial_by_port_forward(connection, namespace, pod, 8080, timeout=10)
    assert (silent.connected, silent.error, silent.first_bytes) == (True, None, b"")
    spoken = dial_by_port_forward(connection, namespace, pod, 8080, timeout=10, send=b"GET / HTTP/1.0\r\n\r\n")
    assert spoken.connected
    assert spoken.first_bytes.startswith(b"HTTP/1.")


def test_port_forward_to_a_closed_port_tells_that_it_was_refused(
    connection: Connection, namespace: str, pod: str
) -> None:
    closed = dial_by_port_forward(connection, namespace, pod, 7777, timeout=10)
    assert not closed.connected
    assert closed.error is not None
    assert "connection refused" in closed.error
    assert "7777" in closed.error


def test_the_pod_proxy_cannot_reach_loopback(connection: Connection, namespace: str, pod: str) -> None:
    base = f"/api/v1/namespaces/{namespace}/pods/{pod}"
    refused = connection.get_response(f"{base}:8080/proxy/")
    status = refused.api_status()
    assert refused.status == 503
    assert status is not None
    assert "connection refused" in (status.message or "")
    answered = connection.get_response(f"{base}:8081/proxy/no-such-page")
    assert (answered.status, answered.api_status()) == (404, None)


def test_logs(connection: Connection, namespace: str, pod: str) -> None:
    assert read_log(connection, namespace, pod, "app", tail=1).startswith("tick ")
    lines = []
    for line in follow_log(connection, namespace, pod, "app", timeout=10):
        lines.append(line)
        if len(lines) == 8:
            break
    assert lines[0] == b"started"
    with pytest.raises(ApiProblem, match="previous terminated container"):
        read_log(connection, namespace, pod, "app", previous=True)
    start = time.monotonic()
    assert len(list(follow_log(connection, namespace, pod, "app", timeout=1))) > 1
    assert time.monotonic() - start < 15


def test_pages(connection: Connection, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    for number in range(5):
        connection.create(path, {"metadata": {"name": f"map-{number}", "labels": {"ours": "yes"}}})
    pages = list(connection.list_items(path, [("labelSelector", "ours=yes")], page_size=2))
    names = [msgspec.json.decode(item)["metadata"]["name"] for page in pages for item in page]
    assert [len(page) for page in pages] == [2, 2, 1]
    assert names == [f"map-{number}" for number in range(5)]


def test_create_patch_and_delete(connection: Connection, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    made = msgspec.json.decode(connection.create(path, {"metadata": {"name": "one"}}))
    patch = {"data": {"a": "b"}}
    dry = connection.patch(f"{path}/one", patch, "application/merge-patch+json", dry_run=True)
    assert msgspec.json.decode(dry)["data"] == {"a": "b"}
    assert "data" not in connection.get(f"{path}/one", type=dict[str, Any])
    with pytest.raises(ApiProblem, match="409"):
        connection.delete(f"{path}/one", uid="00000000-0000-0000-0000-000000000000")
    connection.delete(f"{path}/one", uid=made["metadata"]["uid"])
    with pytest.raises(NotFound) as caught:
        connection.get_bytes(f"{path}/one")
    assert (caught.value.resource, caught.value.name) == ("configmaps", "one")
    with pytest.raises(NotFound, match="has no nonsense"):
        connection.get_bytes(f"/apis/no.such.group/v1/namespaces/{namespace}/nonsense")


def test_an_impersonated_user_has_only_their_own_rights(
    cluster: Cluster, connection: Connection, namespace: str, pod: str
) -> None:
    """With the Python client's streams, `--as jane` ran exec with the caller's rights."""
    _let_jane_read_pods(connection, namespace)
    options = ConnectionOptions(kubeconfig=str(cluster.kubeconfig), impersonate_user="jane")
    with contextlib.closing(connect(options)) as jane:
        pods = f"/api/v1/namespaces/{namespace}/pods"
        assert jane.get(f"{pods}/{pod}", type=dict[str, Any])["metadata"]["name"] == "web"
        assert jane.can_i("get", "pods", namespace=namespace)
        assert not jane.can_i("create", "pods", subresource="exec", namespace=namespace)
        for call in (
            lambda: _run(jane, namespace, "true"),
            lambda: dial_by_port_forward(jane, namespace, pod, 8080, 5),
        ):
            with pytest.raises(Forbidden) as caught:
                call()
            assert caught.value.resource in ("pods/exec", "pods/portforward")
            assert (caught.value.namespace, caught.value.by_admission) == (namespace, False)
        with pytest.raises(Forbidden) as caught:
            jane.get_bytes(f"/apis/networking.k8s.io/v1/namespaces/{namespace}/networkpolicies")
        assert (caught.value.verb, caught.value.resource) == ("list", "networkpolicies.networking.k8s.io")
        with pytest.raises(Forbidden, match="may not watch secrets"):
            list(watch(jane, f"/api/v1/namespaces/{namespace}/secrets", (), 2))
    assert connection.can_i("create", "pods", subresource="exec", namespace=namespace)
    assert _run(connection, namespace, "true").exit_code == 0


def _let_jane_read_pods(connection: Connection, namespace: str) -> None:
    _let(connection, namespace, "jane", {"resources": ["pods"], "verbs": ["get"]})


def _let(connection: Connection, namespace: str, user: str, rule: dict[str, Any]) -> None:
    """Give a user these rights on core resources of the namespace, and no other."""
    group = "rbac.authorization.k8s.io"
    base = f"/apis/{group}/v1/namespaces/{namespace}"
    connection.create(f"{base}/roles", {"metadata": {"name": user}, "rules": [{"apiGroups": [""], **rule}]})
    binding = {
        "metadata": {"name": user},
        "roleRef": {"apiGroup": group, "kind": "Role", "name": user},
        "subjects": [{"apiGroup": group, "kind": "User", "name": user}],
    }
    connection.create(f"{base}/rolebindings", binding)


def test_a_group_is_impersonated_too(cluster: Cluster) -> None:
    options = ConnectionOptions(
        kubeconfig=str(cluster.kubeconfig),
        impersonate_user="jane",
        impersonate_groups=("nobodies", "system:masters"),
        impersonate_extra=("example.com/reason=test",),
    )
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    with contextlib.closing(connect(options)) as jane:
        made = msgspec.json.decode(jane.create("/apis/authentication.k8s.io/v1/selfsubjectreviews", review))
    who = made["status"]["userInfo"]
    assert who["username"] == "jane"
    assert {"nobodies", "system:masters"} <= set(who["groups"])
    assert who["extra"] == {"example.com/reason": ["test"]}


def test_a_quota_is_no_missing_right(connection: Connection, namespace: str) -> None:
    quota = {"metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}}
    connection.create(f"/api/v1/namespaces/{namespace}/resourcequotas", quota)
    spec = {"containers": [{"name": "app", "image": "localhost/busybox:1"}]}
    with pytest.raises(Forbidden) as caught:  # noqa: PT012
        for _ in range(20):  # the quota is enforced once its controller has counted
            connection.create(
                f"/api/v1/namespaces/{namespace}/pods", {"metadata": {"generateName": "p-"}, "spec": spec}
            )
            time.sleep(0.1)
    assert caught.value.by_admission
    assert "quota" in caught.value.message


def test_a_token_that_is_not_valid(cluster: Cluster, connection: Connection) -> None:
    """Flags alone, since the kubeconfig's client certificate would be accepted beside a wrong token."""
    authority = str(connection.config.cluster.get("certificate-authority") or "")
    options = ConnectionOptions(
        server=connection.server,
        token="not.a.token",
        certificate_authority=authority or None,
        insecure_skip_tls_verify=not authority,
    )
    with contextlib.closing(connect(options)) as stranger:
        with pytest.raises(CredentialsProblem, match="does not accept the credentials"):
            stranger.get_bytes("/api/v1/namespaces")
        with pytest.raises(CredentialsProblem, match="does not accept the credentials"):
            run_in_container(stranger, "default", "web", "app", ["true"], 5)


def test_requests_and_streams_side_by_side(connection: Connection, namespace: str, pod: str) -> None:
    found: list[bool] = []
    pod_path = f"/api/v1/namespaces/{namespace}/pods/{pod}"

    def request() -> None:
        for _ in range(20):
            found.append(connection.get(pod_path, type=dict[str, Any])["kind"] == "Pod")

    def stream() -> None:
        for number in range(5):
            found.append(_run(connection, namespace, "echo", str(number)).stdout == f"{number}\n".encode())

    def forward() -> None:
        for _ in range(4):
            found.append(dial_by_port_forward(connection, namespace, pod, 8080, 20).connected)
            found.append(not dial_by_port_forward(connection, namespace, pod, 7777, 20).connected)

    threads = [threading.Thread(target=work) for work in (request, stream, forward) * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == [True] * (3 * (20 + 5 + 8))


def test_impersonation_is_kept_on_streams_and_requests_side_by_side(
    cluster: Cluster, connection: Connection, namespace: str, pod: str
) -> None:
    """Jane may read and not exec, joe may exec and forward and not read, the caller may do everything.

    All at once, each from three threads of one connection: nobody is ever served with another's rights.
    """
    _let_jane_read_pods(connection, namespace)
    streams = {"resources": ["pods/exec", "pods/portforward"], "verbs": ["get", "create"]}
    _let(connection, namespace, "joe", streams)
    found: list[tuple[str, str, bool]] = []

    def may(work: Callable[[], object]) -> bool:
        try:
            work()
        except Forbidden:
            return False
        return True

    def ask(who: str, client: Connection) -> None:
        ways: dict[str, Callable[[], object]] = {
            "get": lambda: client.get_bytes(f"/api/v1/namespaces/{namespace}/pods/{pod}"),
            "exec": lambda: _run(client, namespace, "true"),
            "forward": lambda: dial_by_port_forward(client, namespace, pod, 8080, 20),
        }
        for _ in range(4):
            found.extend((who, way, may(work)) for way, work in ways.items())

    with contextlib.ExitStack() as stack:
        clients = {"caller": connection}
        for who in ("jane", "joe"):
            options = ConnectionOptions(kubeconfig=str(cluster.kubeconfig), impersonate_user=who)
            clients[who] = stack.enter_context(contextlib.closing(connect(options)))
        threads = [threading.Thread(target=ask, args=one) for one in [*clients.items()] * 3]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert len(found) == 3 * 3 * 4 * 3
    assert {(who, way) for who, way, allowed in found if allowed} == {
        ("caller", "get"), ("caller", "exec"), ("caller", "forward"),
        ("jane", "get"), ("joe", "exec"), ("joe", "forward"),
    }  # fmt: skip
    assert {(who, way) for who, way, allowed in found if not allowed} == {
        ("jane", "exec"), ("jane", "forward"), ("joe", "get"),
    }  # fmt: skip


@pytest.mark.parametrize("way", ["exec", "forward", "log", "watch"])
def test_cancel_ends_each_kind_of_stream(connection: Connection, namespace: str, pod: str, way: str) -> None:
    waits: dict[str, Callable[[], object]] = {
        "exec": lambda: run_in_container(connection, namespace, pod, "app", ["sleep", "60"], 60),
        "forward": lambda: dial_by_port_forward(connection, namespace, pod, 8080, 60, send=b"GET"),
        "log": lambda: list(follow_log(connection, namespace, pod, "app", 60)),
        "watch": lambda: list(watch(connection, f"/api/v1/namespaces/{namespace}/pods", (), 60)),
    }
    threading.Timer(0.5, connection.cancel.set).start()
    start = time.monotonic()
    with pytest.raises(Cancelled):
        waits[way]()
    assert time.monotonic() - start < 20
    with contextlib.closing(connection.clone()) as clone:
        clone.delete(f"/api/v1/namespaces/{namespace}/pods/{pod}")
