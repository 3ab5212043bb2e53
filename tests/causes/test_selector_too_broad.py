"""Pods of two workloads behind one selector: who is a stranger there, and who is not."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_refused.causes.endpoints.selector_too_broad import selector_too_broad
from kubectl_refused.model.evidence import Finding
from kubectl_refused.model.facts import WORKLOAD, Need, PodKey
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.observation import Outcome
from tests.scenery import dialled, endpoint_slice, listening, pod, scene

HTTPD = ["httpd", "-p", "8080"]


def made(name: str, ip: str, kind: str, owner: str, **container: Any) -> Pod:
    """A pod that a workload of that kind and name made."""
    labels = {"app": "web", "part": owner}
    owners = [{"kind": kind, "name": owner, "controller": True}]
    return pod(name, ip=ip, container=container, metadata={"labels": labels, "ownerReferences": owners})


def found(stranger: Pod, *sockets: tuple[str, int], name: str = "StatefulSet web") -> list[Finding]:
    """What the cause says where `stranger` refuses and a pod of `name` accepts."""
    kind, _, owner = name.partition(" ")
    mine = made("web-0", "10.0.0.1", kind, owner, command=HTTPD)
    facts: dict[Need, Any] = {
        **dialled("10.0.0.1", 8080, Outcome.ACCEPTED),
        **dialled("10.0.0.2", 8080),
        **listening(stranger.metadata.name, *sockets),
        Need(WORKLOAD, PodKey("shop", "web-0")): Gap("workload", "not told"),
        Need(WORKLOAD, PodKey("shop", stranger.metadata.name)): Gap("workload", "not told"),
    }
    return list(selector_too_broad(scene(endpoint_slice(mine, stranger), mine, stranger, facts=facts)))


def test_a_job_that_listens_nowhere_is_a_stranger_though_it_runs_the_app() -> None:
    [finding] = found(made("job-x", "10.0.0.2", "Job", "job", command=HTTPD))
    assert "Job job" in finding.headline
    assert finding.fix
    assert finding.fix.patch == {"spec": {"selector": {"part": "web"}}}


def test_another_image_on_another_port_is_a_stranger() -> None:
    database = made("db-0", "10.0.0.2", "StatefulSet", "db", image="db:1")
    assert found(database, ("0.0.0.0", 5432))


@pytest.mark.parametrize(
    ("container", "sockets"),
    [
        pytest.param({"command": HTTPD}, [], id="the same app, died"),
        pytest.param({"command": HTTPD, "image": "web:2"}, [], id="the same app, another version"),
        pytest.param({"command": ["serve"]}, [("127.0.0.1", 8080)], id="serves that port, on loopback"),
        pytest.param({"command": ["serve"]}, [("0.0.0.0", 9090)], id="the same image, on another port"),
    ],
)
def test_a_version_of_the_same_app_is_none(container: dict[str, Any], sockets: list[tuple[str, int]]) -> None:
    assert not found(made("canary-0", "10.0.0.2", "StatefulSet", "canary", **container), *sockets)


def test_the_one_that_the_service_is_named_after_is_none() -> None:
    named_after = made("web-9", "10.0.0.2", "StatefulSet", "web", image="app:1")
    assert not found(named_after, name="StatefulSet exporter")
