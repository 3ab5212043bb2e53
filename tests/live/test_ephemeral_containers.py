"""The last resort in namespaces of every Pod Security level, beside pods of every kind: admitted, and it reads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from kubectl_refused.model.facts import LISTENERS, PodKey
from kubectl_refused.model.gaps import Gap
from kubectl_refused.probes.container_exec import ContainerExec
from kubectl_refused.probes.ephemeral_container import EphemeralContainer
from tests.cluster.api import Cluster

from .bare_image import bare_server, load_bare_image
from .conftest import fresh_namespace
from .tool import refused, says, until
from .witness_shop import Asker, pod, service, shell

LEVELS = ("privileged", "baseline", "restricted")
LABEL = "pod-security.kubernetes.io/enforce"
LOOPBACK = "127.0.0.1:8080"
SETTLE_SECONDS = 60.0
TIGHT = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
SECCOMP = {"seccompProfile": {"type": "RuntimeDefault"}}
# Pods by name: the container's security context and the pod's.
SAFE: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "by-pod": (TIGHT, {"runAsNonRoot": True, "runAsUser": 1000, **SECCOMP}),
    "by-container": ({**TIGHT, "runAsNonRoot": True, "runAsUser": 1001, "runAsGroup": 3001}, SECCOMP),
    "read-only": (
        {**TIGHT, "readOnlyRootFilesystem": True},
        {"runAsNonRoot": True, "runAsUser": 1000, "runAsGroup": 3000, "fsGroup": 2000, **SECCOMP},
    ),
}
ROOT: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "root": ({}, {}),
    "root-read-only": ({"runAsUser": 0, "readOnlyRootFilesystem": True}, {"runAsUser": 1000}),
}


@pytest.fixture(scope="module", autouse=True)
def _bare_image(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> None:
    load_bare_image(cluster, tmp_path_factory.mktemp("image"))


@pytest.fixture
def enforcing(cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace of the level given as parameter."""
    name = fresh_namespace(cluster, {LABEL: request.param})
    yield name
    cluster.client().call("DELETE", f"/api/v1/namespaces/{name}")


def start(cluster: Cluster, namespace: str, *objects: dict[str, Any]) -> None:
    """Create objects and wait until the pods are ready."""
    cluster.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)}), namespace=namespace)
    cluster.kubectl("wait", "-n", namespace, "--for=condition=Ready", "pod", "--all", "--timeout=60s")


def read(cluster: Cluster, namespace: str, *names: str) -> dict[str, Any]:
    """What an ephemeral container in each of the pods says."""
    asker, keys = Asker(cluster, namespace), [PodKey(namespace, name) for name in names]
    return dict(zip(names, asker.ask(EphemeralContainer(), LISTENERS, *keys), strict=True))


@pytest.mark.parametrize("enforcing", LEVELS, indirect=True)
def test_every_level_admits_it_beside_every_pod_of_that_level(
    cluster: Cluster, enforcing: str, request: pytest.FixtureRequest
) -> None:
    level = request.node.callspec.params["enforcing"]
    kinds = SAFE if level == "restricted" else SAFE | ROOT
    pods = [
        pod(name, bare_server(LOOPBACK, securityContext=inner), securityContext=outer)
        for name, (inner, outer) in kinds.items()
    ]
    start(cluster, enforcing, *pods)
    found = read(cluster, enforcing, *kinds)
    assert {name for name, seen in found.items() if [s.shown for s in seen.sockets] == [LOOPBACK]} == set(kinds)
    # With the user and group of the pod it sees who holds the socket; of root's process nobody but root does.
    assert {name for name in kinds if [s.process for s in found[name].sockets] == ["httpd"]} == set(SAFE)


@pytest.mark.parametrize("enforcing", ["baseline"], indirect=True)
def test_a_pod_older_than_its_namespaces_level_takes_none_and_that_is_told(
    cluster: Cluster, enforcing: str
) -> None:
    start(cluster, enforcing, pod("root", bare_server(LOOPBACK)))
    cluster.kubectl("label", "--overwrite", "namespace", enforcing, f"{LABEL}=restricted")
    answer = read(cluster, enforcing, "root")["root"]
    assert isinstance(answer, Gap)
    assert 'violates PodSecurity "restricted' in answer.because
    (left,) = Asker(cluster, enforcing).pods("root")
    assert "ephemeralContainers" not in left["spec"]


@pytest.mark.parametrize("enforcing", ["restricted"], indirect=True)
def test_it_is_not_used_where_exec_can_tell(cluster: Cluster, enforcing: str) -> None:
    inner, outer = SAFE["by-pod"]
    container = {**shell(f"exec httpd -f -p {LOOPBACK}"), "securityContext": inner}
    start(
        cluster, enforcing, pod("web", container, securityContext=outer), service("web", {"app": "web"}, 80, 8080)
    )
    words = ("svc/web", "-n", enforcing, "--probe", "all", "-o", "json")
    answer = until(lambda: refused(cluster.kubeconfig, *words), says("listens-on-loopback"), SETTLE_SECONDS)
    assert (answer.code, answer.root) == (1, "listens-on-loopback"), answer
    (left,) = Asker(cluster, enforcing).pods("web")
    assert "ephemeralContainers" not in left["spec"]
    (found,) = Asker(cluster, enforcing).ask(ContainerExec(), LISTENERS, PodKey(enforcing, "web"))
    assert [s.shown for s in found.sockets] == [LOOPBACK]
