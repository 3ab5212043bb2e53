"""The last resort: what is put into the pod, how its end is awaited, and what can go wrong."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_refused.connection.errors import Forbidden
from kubectl_refused.model.facts import LISTENERS, PodKey
from kubectl_refused.model.gaps import Gap
from kubectl_refused.probes.ephemeral_container import EphemeralContainer
from kubectl_refused.probes.images import DEFAULT
from tests.fakes import FakeConnection, ask, forbidden, probe_context
from tests.probes.test_container_exec import OWNER, TABLE

KEY = PodKey("shop", "web-1")
POD = "/api/v1/namespaces/shop/pods/web-1"
PATCH = f"{POD}/ephemeralcontainers"
ENDED = {"terminated": {"exitCode": 0}}


def pod(state: dict[str, Any] | None, user: int | None = None) -> dict[str, Any]:
    ephemeral = [{"name": "refused-4f2a", "state": state}] if state else None
    return {
        "metadata": {"name": "web-1", "namespace": "shop"},
        "spec": {
            "nodeName": "node1",
            "containers": [{"name": "app", "securityContext": {"runAsUser": user}}],
            "securityContext": {"runAsUser": 0},
        },
        "status": {
            "phase": "Running",
            "containerStatuses": [{"name": "app", "state": {"running": {}}}],
            "ephemeralContainerStatuses": ephemeral,
        },
    }


def told(answers: dict[str, Any], **settings: Any) -> tuple[Any, FakeConnection]:
    fake = FakeConnection({POD: pod(ENDED), PATCH: {}, f"{POD}/log": (TABLE + OWNER).encode(), **answers})
    context = probe_context(fake, **{"image": "busybox", **settings})
    (answer,) = ask(EphemeralContainer(), context, LISTENERS, KEY)
    if fake.patched:
        assert context.ledger.entries == (
            (
                "ephemeral container refused-4f2a in pod/web-1",
                "it stays in the pod's spec until the pod is replaced",
            ),
        )
    return answer, fake


def sent(fake: FakeConnection) -> dict[str, Any]:
    ((path, body, content_type, dry_run),) = fake.patched
    assert (path, content_type, dry_run) == (PATCH, "application/strategic-merge-patch+json", False)
    assert isinstance(body, dict)
    (container,) = body["spec"]["ephemeralContainers"]
    return dict(container)


def test_sockets_and_names_come_from_its_log() -> None:
    answer, _ = told({})
    assert [(s.shown, s.process) for s in answer.sockets] == [("127.0.0.1:8080", "httpd")]
    assert answer.witness == "ephemeral container in web-1"


@pytest.mark.parametrize(("user", "runs_as"), [(1000, 1000), (0, 65532), (None, 65532)])
def test_it_is_restricted_and_runs_as_the_application_does(user: int | None, runs_as: int) -> None:
    answers = iter([pod(None, user), pod(ENDED, user)])
    _, fake = told({POD: lambda: next(answers)})
    container = sent(fake)
    assert container["targetContainerName"] == "app"
    assert container["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": runs_as,
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def test_the_targets_own_group_is_taken_over() -> None:
    own = pod(None, 1000)
    own["spec"]["containers"][0]["securityContext"]["runAsGroup"] = 3000
    answers = iter([own, pod(ENDED, 1000)])
    _, fake = told({POD: lambda: next(answers)})
    assert sent(fake)["securityContext"]["runAsGroup"] == 3000


def test_an_image_that_cannot_be_pulled_is_said_at_once() -> None:
    waiting = {"waiting": {"reason": "ErrImagePull", "message": "no such host"}}
    answer, _ = told({POD: pod(waiting)})
    assert answer.because == "the ephemeral container did not start: ErrImagePull no such host"


@pytest.mark.parametrize(
    ("state", "because"),
    [(None, "did not start within 0.5 s"), ({"running": {}}, "did not end within 0.5 s")],
)
def test_waiting_is_bounded(state: dict[str, Any] | None, because: str) -> None:
    answer, _ = told({POD: pod(state)})
    assert answer.because == f"the ephemeral container {because}"


@pytest.mark.parametrize(
    ("refusal", "because"),
    [
        (
            forbidden("patch", "pods/ephemeralcontainers"),
            "forbidden: patch pods/ephemeralcontainers in namespace shop",
        ),
        (
            Forbidden("patch", "pods", "shop", "violates PodSecurity", by_admission=True),
            "violates PodSecurity",
        ),
    ],
)
def test_a_refusal_is_a_gap(refusal: Forbidden, because: str) -> None:
    answer, _ = told({PATCH: refusal})
    assert isinstance(answer, Gap)
    assert answer.because == because


def test_a_log_without_the_tables_is_a_gap() -> None:
    answer, _ = told({f"{POD}/log": b"sh: not found\n"})
    assert answer.because == "the ephemeral container could not read them: sh: not found"


def node_with(*images: str) -> dict[str, Any]:
    """The pod's node, tainted: what is bound to it by its pod needs no scheduling."""
    return {
        "metadata": {"name": "node1", "labels": {"kubernetes.io/hostname": "node1"}},
        "spec": {"taints": [{"key": "own", "effect": "NoSchedule"}]},
        "status": {"images": [{"names": [image]} for image in images]},
    }


@pytest.mark.parametrize(
    ("node", "image"),
    [
        (node_with("localhost/python:3", "localhost/busybox:1"), "localhost/busybox:1"),
        (node_with("nginx:1", "localhost/python:3"), "localhost/python:3"),
        (node_with("images.example/distroless/python3:latest"), f"mirror.example/{DEFAULT}"),
        (node_with("nginx:1"), f"mirror.example/{DEFAULT}"),
        (forbidden("get", "nodes", ""), f"mirror.example/{DEFAULT}"),
    ],
)
def test_an_image_on_the_pods_node_is_preferred(node: Any, image: str) -> None:
    _, fake = told({"/api/v1/nodes/node1": node}, image="", image_prefix="mirror.example")
    assert sent(fake)["image"] == image
