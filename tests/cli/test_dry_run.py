"""`--dry-run` of a diagnosis: it prints what would be created, and nothing but reads reaches the server."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubectl_refused import probes
from kubectl_refused.cli.dry_run import written
from kubectl_refused.cli.rehearsal import Deed, RehearsalSender
from kubectl_refused.connection.client import Connection, connect
from kubectl_refused.connection.errors import ApiProblem, Forbidden
from kubectl_refused.connection.exec import run_in_container
from kubectl_refused.connection.options import ConnectionOptions
from kubectl_refused.connection.port_forward import dial_by_port_forward
from tests.connection.fake_api import Answer, FakeApi, Seen, serving, status

from .tool import run

POD = {
    "metadata": {"name": "web-1", "namespace": "shop", "uid": "1", "labels": {"app": "web"}},
    "spec": {"nodeName": "node1", "containers": [{"name": "web", "image": "web"}]},
    "status": {
        "phase": "Running",
        "podIP": "10.202.1.4",
        "podIPs": [{"ip": "10.202.1.4"}],
        "conditions": [{"type": "Ready", "status": "True"}],
        "containerStatuses": [{"name": "web", "ready": True, "state": {"running": {}}}],
    },
}
SERVICE: dict[str, Any] = {
    "metadata": {"name": "web", "namespace": "shop"},
    "spec": {
        "clusterIP": "10.96.0.80",
        "clusterIPs": ["10.96.0.80"],
        "selector": {"app": "web"},
        "ports": [{"port": 80, "protocol": "TCP", "targetPort": 8080}],
    },
}
SLICE = {
    "metadata": {"name": "web-x", "namespace": "shop", "labels": {"kubernetes.io/service-name": "web"}},
    "addressType": "IPv4",
    "endpoints": [
        {
            "addresses": ["10.202.1.4"],
            "conditions": {"ready": True},
            "targetRef": {"kind": "Pod", "name": "web-1", "namespace": "shop"},
        }
    ],
    "ports": [{"port": 8080, "protocol": "TCP"}],
}


def shop(*forbidden: str, cluster_ip: str = "10.96.0.80", port: int = 80) -> Callable[[Seen], Answer]:
    """A healthy Service; reviews deny creating the resources named."""
    spec = SERVICE["spec"] | {"clusterIP": cluster_ip, "clusterIPs": [cluster_ip]}
    spec |= {"ports": [{"port": port, "protocol": "TCP", "targetPort": 8080}]}
    service = SERVICE | {"spec": spec}

    def answer(seen: Seen) -> Answer:
        if seen.path.endswith("/selfsubjectaccessreviews"):
            asked = json.loads(seen.body)["spec"]["resourceAttributes"]
            return Answer(201, {"status": {"allowed": asked["resource"] not in forbidden}})
        last = seen.path.rpartition("/")[2]
        if seen.path.endswith("/services/web"):
            return Answer(body=service)
        if seen.path.endswith("/pods/web-1"):
            return Answer(body=POD)
        found = {"pods": [POD], "endpointslices": [SLICE], "services": [service]}.get(last, [])
        lists = (*("pods", "endpointslices", "services", "nodes", "events"), "networkpolicies", "deployments")
        return Answer(body={"metadata": {}, "items": found}) if last in lists else status(404, "NotFound", "none")

    return answer


def dry(home: Path, fake: FakeApi, *words: str) -> Any:
    """A dry run of svc/web."""
    return run(home, "svc/web", "-n", "shop", "-s", fake.address, "--token=x", "--dry-run", *words)


def only_reads(fake: FakeApi) -> bool:
    """Whether every request was a GET that neither dials nor runs anything, or a review."""
    return all(
        seen.path.endswith("/selfsubjectaccessreviews")
        or (seen.method == "GET" and not re.search("/(exec|portforward|proxy)(/|$)", seen.path))
        for seen in fake.seen
    )


def documents(text: str) -> list[dict[str, Any]]:
    """The objects, without the comments."""
    return [document for document in yaml.safe_load_all(text) if document]


def test_the_job_is_printed_and_only_reads_are_sent(tmp_path: Path) -> None:
    with serving(shop()) as fake:
        done = dry(tmp_path, fake)
    assert (done.returncode, done.stderr) == (0, "")
    (job,) = documents(done.stdout)
    assert (job["kind"], job["metadata"]["namespace"]) == ("Job", "shop")
    assert "dial:10.202.1.4:8080" in " ".join(job["spec"]["template"]["spec"]["containers"][0]["command"])
    assert "# exec in pod/web-1: sh -c …\n" in done.stdout
    assert "# port-forward to pod/web-1:8080\n" in done.stdout
    assert only_reads(fake)


def test_a_bare_pod_where_jobs_are_forbidden_and_nothing_where_both_are(tmp_path: Path) -> None:
    with serving(shop("jobs")) as fake:
        done = dry(tmp_path, fake)
    assert [document["kind"] for document in documents(done.stdout)] == ["Pod"]
    assert "# may not create jobs in namespace shop\n" in done.stdout
    with serving(shop("jobs", "pods")) as fake:
        done = dry(tmp_path, fake)
    assert (done.returncode, documents(done.stdout)) == (0, [])
    assert done.stdout.startswith("# Nothing would be created.\n")
    assert only_reads(fake)


@pytest.mark.parametrize("depth", ["none", "passive"])
def test_levels_that_create_nothing(depth: str, tmp_path: Path) -> None:
    with serving(shop()) as fake:
        done = dry(tmp_path, fake, "--probe", depth)
    assert (done.returncode, documents(done.stdout)) == (0, [])
    assert "Nothing would be created" in done.stdout
    assert ("one GET / to pod/web-1:8080" in done.stdout) is (depth == "passive")
    assert only_reads(fake)


def test_dials_from_this_machine_are_told_and_not_made(tmp_path: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        serving(shop(cluster_ip="127.0.0.1", port=server.getsockname()[1])) as fake,
    ):
        server.settimeout(0.2)
        done = dry(tmp_path, fake, "--from", "here")
        with pytest.raises(TimeoutError):
            server.accept()
        assert f"# dial from this machine 127.0.0.1 {server.getsockname()[1]}\n" in done.stdout
    assert (done.returncode, documents(done.stdout)) == (0, [])
    assert only_reads(fake)


def test_the_ephemeral_container_is_told_as_a_comment(tmp_path: Path) -> None:
    with serving(shop()) as fake:
        done = dry(tmp_path, fake, "--probe", "all")
    assert [document["kind"] for document in documents(done.stdout)] == ["Job"]
    assert "# patch pod/web-1/ephemeralcontainers\n#   spec:\n#     ephemeralContainers:\n" in done.stdout
    assert only_reads(fake)


def test_files_create_nothing_and_a_report_format_is_wrong_usage(tmp_path: Path) -> None:
    file = tmp_path / "web.yaml"
    file.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "Service", **SERVICE}))
    done = run(tmp_path, "-f", str(file), "--dry-run")
    assert (done.returncode, done.stdout) == (0, "# Nothing would be created.\n")
    wrong = run(tmp_path, "-f", str(file), "--dry-run", "-o", "json")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "--dry-run writes YAML" in wrong.stderr


# The sender by itself.


@pytest.fixture
def rehearsed() -> Iterator[tuple[Connection, RehearsalSender, FakeApi]]:
    with serving(shop("secrets")) as fake:
        connection = connect(ConnectionOptions(server=fake.address, token="x"))
        connection.sender = sender = RehearsalSender(connection)
        yield connection, sender, fake
        connection.close()


def test_whatever_changes_or_dials_is_held_back(rehearsed: tuple[Connection, RehearsalSender, FakeApi]) -> None:
    connection, sender, fake = rehearsed
    pod = "/api/v1/namespaces/shop/pods/web-1"
    with pytest.raises(ApiProblem, match="dry run"):
        connection.create("/api/v1/namespaces/shop/configmaps", {"kind": "ConfigMap"})
    with pytest.raises(ApiProblem, match="dry run"):
        connection.patch(pod, {"spec": {}}, "application/merge-patch+json")
    with pytest.raises(ApiProblem, match="dry run"):
        run_in_container(connection, "shop", "web-1", "web", ["true"], 1.0)
    with pytest.raises(ApiProblem, match="dry run"):
        dial_by_port_forward(connection, "shop", "web-1", 8080, 1.0)
    assert connection.get_response(f"{pod}:8080/proxy/").status == 403
    connection.delete(pod)
    assert {seen.path.rpartition("/")[2] for seen in fake.seen} == {"selfsubjectaccessreviews"}
    assert [create.body for create in sender.creates] == [{"kind": "ConfigMap"}]
    assert [deed.verb for deed in sender.deeds] == ["patch", "exec", "port-forward", "proxy"]


def test_what_may_not_be_created_is_forbidden_as_in_earnest(
    rehearsed: tuple[Connection, RehearsalSender, FakeApi],
) -> None:
    connection, sender, _ = rehearsed
    with pytest.raises(Forbidden) as caught:
        connection.create("/api/v1/namespaces/shop/secrets", {})
    assert (caught.value.by_admission, caught.value.resource) == (False, "secrets")
    assert (sender.creates, sender.forbidden) == ([], ["may not create secrets in namespace shop"])


def test_the_same_is_noted_once(rehearsed: tuple[Connection, RehearsalSender, FakeApi]) -> None:
    connection, sender, _ = rehearsed
    for _ in range(2):
        with pytest.raises(ApiProblem):
            connection.create("/api/v1/namespaces/shop/configmaps", {"kind": "ConfigMap"})
    assert len(sender.creates) == 1


def test_a_name_neither_ends_the_comment_nor_steers_the_terminal(
    rehearsed: tuple[Connection, RehearsalSender, FakeApi],
) -> None:
    _, sender, _ = rehearsed
    sender.deeds.append(Deed("exec", "/api/v1/namespaces/shop/pods/a%0Akind: Job%1B[2J/exec"))
    text = "".join(written([sender]))
    assert all(line.startswith("#") for line in text.splitlines())
    assert "\x1b" not in text


def test_no_other_method_reaches_out_past_the_sender() -> None:
    """A method that dials or starts something by itself has to be held back by name, as `here` is."""
    folder = Path(probes.__file__).parent
    own = {
        file.stem
        for file in folder.glob("*.py")
        if re.search(r"^\s*import (socket|subprocess)", file.read_text(), re.M)
    }
    assert own == {"here", "probe_agent"}  # the agent runs where a method has it run
