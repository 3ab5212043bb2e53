"""Healthy objects of unusual shape (tests/healthy), all in one namespace: nothing is wrong with any of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster.api import Cluster
from tests.healthy_shapes import CUSTOMER, FOLDER, LIMITS, faults, shapes

from .conftest import fresh_namespace
from .tool import Answer, refused, until

READY_SECONDS = 150
SETTLE_SECONDS = 60.0
# The new pod is not ready for an hour, and the old one stays.
LATER = '{"spec":{"template":{"spec":{"containers":[{"name":"web","readinessProbe":{"tcpSocket":{"port":8080},\
"initialDelaySeconds":3600}}]}}}}'


@pytest.fixture(scope="module")
def namespace(cluster: Cluster) -> Iterator[str]:
    """The folder, applied; then a rollout has begun, and a pod is being ended."""
    name = fresh_namespace(cluster)
    cluster.kubectl("apply", "-n", name, "-f", str(FOLDER))
    ready = ("wait", "-n", name, "--for=condition=Ready", "pod", "-l", "!job-name", f"--timeout={READY_SECONDS}s")
    cluster.kubectl(*ready, timeout=READY_SECONDS + 30)
    cluster.kubectl("patch", "-n", name, "deployment/rollout", "-p", LATER)
    cluster.kubectl("delete", "-n", name, "pod/ends", "--wait=false")
    yield name
    cluster.kubectl("delete", "-n", name, "pod/ends", "--grace-period=0", "--force")
    cluster.client().call("DELETE", f"/api/v1/namespaces/{name}")


def ask(cluster: Cluster, namespace: str, names: list[str], *words: str) -> Answer:
    """One run over all of them, again while a rule or a pod is still on its way."""
    targets = [f"svc/{name}" for name in names]
    return until(
        lambda: refused(cluster.kubeconfig, *targets, "-n", namespace, "-o", "json", *words),
        lambda answer: bool(answer.out) and all(map(well, answer.report["items"])),
        SETTLE_SECONDS,
    )


def well(item: dict[str, Any]) -> bool:
    """Whether the item says what is true: nothing is wrong, or in a few words what was not judged."""
    if faults(item):
        return False
    limit = LIMITS.get(item["target"].removeprefix("svc/"))
    if limit:
        return [gap["because"] for gap in item["gaps"]] == [limit]
    return bool(item["outcome"] == "accepted" and item["complete"])


FINE = [shape.name for shape in shapes() if shape.name not in (CUSTOMER, *LIMITS)]


@pytest.mark.parametrize("names", [FINE[::2], FINE[1::2]], ids=["one half", "the other half"])
def test_nothing_is_wrong_with_any(cluster: Cluster, namespace: str, names: list[str]) -> None:
    answer = ask(cluster, namespace, names)
    assert [item for item in answer.report["items"] if not well(item)] == [], answer.err
    assert answer.code == 0, answer.err


def test_what_is_not_judged_is_told_and_not_called_wrong(cluster: Cluster, namespace: str) -> None:
    answer = ask(cluster, namespace, list(LIMITS))
    assert [item for item in answer.report["items"] if not well(item)] == [], answer.err
    assert answer.code == 3, answer.err


def test_nothing_is_wrong_for_the_client_that_a_policy_lets_in(cluster: Cluster, namespace: str) -> None:
    answer = ask(cluster, namespace, [CUSTOMER, "headless", "stateful-set"], "--from", "deploy/customer")
    assert answer.code == 0, answer
