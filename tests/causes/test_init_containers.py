"""Which init containers are said not to end, how surely, and which are said to wait for their own Service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from kubectl_refused.causes.pod.init_container_unfinished import init_container_unfinished
from kubectl_refused.model.evidence import Certainty, Finding, NearestEvidence
from kubectl_refused.model.facts import LOG, SERVICES_IN, WORKLOAD, ContainerKey, NamespaceKey, Need, PodKey
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.objects import Pod, Service
from tests.case_folders import decoded
from tests.scenery import endpoint_slice, scene


def named_service(name: str) -> Service:
    made = decoded({"kind": "Service", "metadata": {"name": name, "namespace": "shop"}, "spec": {}})
    assert isinstance(made, Service)
    return made


START = 1_767_225_600.0  # 2026-01-01T00:00:00Z
CRASHED = {"terminated": {"exitCode": 1}}
UNKNOWN = {
    Need(LOG, ContainerKey("shop", "web-1", "wait")): Gap("log", "withheld"),
    Need(WORKLOAD, PodKey("shop", "web-1")): Gap("workload", "withheld"),
    Need(SERVICES_IN, NamespaceKey("shop")): (named_service("db"), named_service("web")),
}


def found(
    *, ran: float = 60, command: str = "sleep 999", initialized: str = "False", policy: str | None = None,
    state: Mapping[str, Any] | None = None, last: Mapping[str, Any] = {},
) -> list[Finding]:  # fmt: skip
    """What is said of a pod with one init container `wait`, running unless `state` says otherwise."""
    running = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}
    status = {"name": "wait", "image": "x", "ready": False, "state": state or running, "lastState": last}
    container = {"name": "wait", "command": ["sh", "-c", command], "restartPolicy": policy}
    made = decoded({
        "kind": "Pod",
        "metadata": {"name": "web-1", "namespace": "shop", "labels": {"app": "web"}},
        "spec": {"containers": [{"name": "web"}], "initContainers": [container]},
        "status": {
            "podIP": "10.0.0.1",
            "conditions": [{"type": "Initialized", "status": initialized}],
            "initContainerStatuses": [status],
            "containerStatuses": [{"name": "web", "image": "x", "ready": False}],
        },
    })  # fmt: skip
    assert isinstance(made, Pod)
    view = scene(made, endpoint_slice(made), facts=UNKNOWN, at=START + ran)
    return list(init_container_unfinished(view.at_pod(made)))


@pytest.mark.parametrize(
    ("ran", "certainty", "says"),
    [
        (-5, Certainty.LIKELY, "0 s"),
        (19, Certainty.LIKELY, "19 s"),
        (20, Certainty.PROVED, "20 s"),
        (200, Certainty.PROVED, "3 min"),
        (9000, Certainty.PROVED, "2 h"),
    ],
)
def test_the_longer_it_runs_the_surer(ran: float, certainty: Certainty, says: str) -> None:
    (finding,) = found(ran=ran)
    assert finding.certainty is certainty
    assert finding.says == f"init container wait has run for {says}; no container after it starts"


@pytest.mark.parametrize(
    "how",
    [
        {"policy": "Always"},
        {"initialized": "True"},
        {"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "last": CRASHED},
        {"state": {"terminated": {"exitCode": 0}}},
        {"last": CRASHED},
    ],
    ids=["sidecar", "initialised", "waits to be started anew", "has ended", "between two crashes"],
)
def test_others_are_not_meant(how: dict[str, Any]) -> None:
    assert found(**how) == []


def test_a_crash_long_ago_is_forgotten() -> None:
    assert len(found(last=CRASHED, ran=700)) == 1


@pytest.mark.parametrize(
    ("command", "circle"),
    [
        ("until nc -z web 80; do sleep 1; done", True),
        ("wait-for web.shop.svc.cluster.local:80", True),
        ("curl --retry 99 http://web/ready", True),
        ("until nslookup web; do sleep 1; done", True),
        ("until nc -z web.other 80; do sleep 1; done", False),
        ("until nc -z web-db 5432; do sleep 1; done", False),
        ("cd /srv/web && sleep 80", False),
        ("su web -c migrate", False),
    ],
)
def test_a_wait_for_its_own_service(command: str, circle: bool) -> None:
    (finding,) = found(command=command)
    assert ("svc/web" in finding.headline) is circle
    assert finding.fix is not None
    assert ("waits for itself" in finding.fix.summary) is circle


def test_a_password_in_the_command_is_not_shown() -> None:
    (finding,) = found(command="until check --password hunter2; do sleep 1; done")
    assert "hunter2" not in repr(finding)
    assert "--password ***" in repr(finding)


@pytest.mark.parametrize(
    "command",
    [
        "until nslookup dbb; do sleep 1; done",
        "until nc -z -w 2 dbb.shop 5432; do sleep 1; done",
        "until wget -q http://dbb.shop.svc.cluster.local:80/; do :; done",
        "until getent hosts dbb; do sleep 1; done",
    ],
)
def test_a_wait_for_a_misspelt_service_names_the_one_meant(command: str) -> None:
    (finding,) = found(command=command)
    assert "it waits for dbb, and the Service is called db" in finding.headline
    differs = [one.differs for one in finding.evidence if isinstance(one, NearestEvidence)]
    assert differs == [{"name": ("dbb", "db")}]
    assert finding.fix is not None
    assert finding.fix.summary.startswith("Write db for dbb in the command of init container wait")


@pytest.mark.parametrize(
    "command",
    [
        "until nslookup db; do sleep 1; done",
        "until nslookup dbb.other; do sleep 1; done",
        "until nslookup dbb.example.com; do sleep 1; done",
        "until nslookup metrics; do sleep 1; done",
        "cp dbb /data; sleep 999",
    ],
)
def test_other_hosts_are_nobodys_slip(command: str) -> None:
    (finding,) = found(command=command)
    assert finding.headline == "init container wait does not end"
