"""The probe pod on a real cluster: what it sees, what stops it, and that it leaves nothing behind."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from kubectl_refused.connection.client import Connection, connect
from kubectl_refused.connection.errors import Cancelled
from kubectl_refused.connection.options import ConnectionOptions
from kubectl_refused.model.facts import HANDSHAKE, LOOKUP, Dial, Fact, FactStore, NameKey, Need
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.observation import Handshake, Lookup, Outcome
from kubectl_refused.model.snapshot import Snapshot
from kubectl_refused.model.target import Target
from kubectl_refused.probes.base import Ledger, ProbeContext, ProbeSettings
from kubectl_refused.probes.cleanup import leftovers, remove
from kubectl_refused.probes.clients import Client
from kubectl_refused.probes.probe_pod import ProbePod
from tests.cluster.api import Cluster
from tests.live import every_proxy_mode
from tests.live.conftest import fresh_namespace
from tests.live.witness_shop import pod, service, shell

RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}
OURS = "app.kubernetes.io/managed-by=kubectl-refused"
JOBS = {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["create", "get", "delete"]}
PODS = {"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "watch"]}
BARE = {"apiGroups": [""], "resources": ["pods"], "verbs": ["create", "delete"]}
LOGS = {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]}
EVENTS = {"apiGroups": [""], "resources": ["events"], "verbs": ["list"]}
CLOSED = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "closed"},
    "spec": {"podSelector": {"matchLabels": {"app": "closed"}}, "policyTypes": ["Ingress"]},
}
GONE_SECONDS = 8.0


class Session:
    """One diagnosis' worth of probing in a namespace, by the administrator or by someone with few rights."""

    def __init__(self, cluster: Cluster, namespace: str, user: str | None = None, **settings: Any) -> None:
        options = ConnectionOptions(kubeconfig=str(cluster.kubeconfig), impersonate_user=user)
        self.connection: Connection = connect(options)
        self.namespace, self.method = namespace, ProbePod()
        self.steps: list[str] = []
        self.context = ProbeContext(
            connection=self.connection,
            target=Target("web", namespace),
            snapshot=Snapshot(),
            facts=FactStore(),
            settings=ProbeSettings(**{"probe_pod_timeout": 30.0, **settings}),
            ledger=Ledger(),
            run_id=secrets.token_hex(3),
            say=self.steps.append,
        )

    def ask(self, fact: Fact[Any], *subjects: Any) -> list[Any]:
        """Answers in the order of the subjects."""
        answers = dict(self.method.learn([Need(fact, subject) for subject in subjects], self.context))
        return [answers[Need(fact, subject)] for subject in subjects]

    def dial(self, *dials: Dial) -> list[Handshake]:
        """Handshakes; a Gap fails the test with its reason."""
        values = self.ask(HANDSHAKE, *dials)
        assert all(isinstance(value, Handshake) for value in values), values
        return values

    def gap(self) -> Gap:
        """The Gap that a dial gives."""
        (value,) = self.ask(HANDSHAKE, Dial("10.96.0.1", 443))
        assert isinstance(value, Gap), value
        return value

    def close(self) -> None:
        """End the diagnosis as the pipeline does: the method's own clean-up, then what the ledger still has."""
        self.method.close(self.context)
        for _, undo in self.context.ledger.take_undos():
            undo(self.connection.clone())


def ours(cluster: Cluster, namespace: str) -> list[str]:
    """Every Job and pod of ours in the namespace."""
    found = []
    for path in (f"/apis/batch/v1/namespaces/{namespace}/jobs", f"/api/v1/namespaces/{namespace}/pods"):
        items = cluster.client().call("GET", f"{path}?labelSelector={OURS}")["items"]
        found += [item["metadata"]["name"] for item in items]
    return found


def assert_nothing_left(cluster: Cluster, namespace: str, within: float = GONE_SECONDS) -> None:
    """Nothing of ours remains; the garbage collector may need a moment for the Job's pod."""
    deadline = time.monotonic() + within
    while left := ours(cluster, namespace):
        assert time.monotonic() < deadline, f"left behind: {left}"
        time.sleep(0.1)


@pytest.fixture
def restricted(cluster: Cluster) -> Iterator[str]:
    """A namespace that enforces Pod Security `restricted`."""
    name = fresh_namespace(cluster, RESTRICTED)
    yield name
    cluster.client().call("DELETE", f"/api/v1/namespaces/{name}")


def allow(cluster: Cluster, namespace: str, *rules: dict[str, Any]) -> str:
    """Make a user who may do nothing but this, and return the name."""
    group, user = "rbac.authorization.k8s.io", f"user-{namespace}"
    role = {"apiVersion": f"{group}/v1", "kind": "Role", "metadata": {"name": "few"}, "rules": list(rules)}
    binding = {
        "apiVersion": f"{group}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "few"},
        "roleRef": {"apiGroup": group, "kind": "Role", "name": "few"},
        "subjects": [{"apiGroup": group, "kind": "User", "name": user}],
    }
    apply(cluster, namespace, role, binding)
    return user


def apply(cluster: Cluster, namespace: str, *objects: dict[str, Any]) -> None:
    """Create objects in the namespace."""
    cluster.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}), namespace=namespace)


def cluster_ips(cluster: Cluster, namespace: str) -> dict[str, str]:
    """ClusterIP by Service, once the pods are ready."""
    cluster.kubectl("wait", "-n", namespace, "--for=condition=Ready", "pod", "--all", "--timeout=60s")
    items = cluster.client().call("GET", f"/api/v1/namespaces/{namespace}/services")["items"]
    return {item["metadata"]["name"]: item["spec"]["clusterIP"] for item in items}


def reject_comes_from_the_pods_node(cluster: Cluster, session: Session, said: Handshake) -> bool:
    """Whether the offender is the gateway of the node on which the probe pod ran."""
    vantage, icmp = session.method.vantages.get(""), said.icmp
    assert vantage is not None
    assert icmp is not None
    number = cluster.node_names.index(vantage.node) + 1
    return (icmp.type, icmp.code, icmp.offender) == (3, 3, f"10.202.{number}.1")


@every_proxy_mode
def test_every_answer_is_told_apart_from_a_restricted_namespace(
    cluster: Cluster, namespace: str, restricted: str
) -> None:
    web, closed = pod("web", shell("exec httpd -f -p 8080")), pod("closed", shell("exec httpd -f -p 8080"))
    services = [
        service("web", {"app": "web"}, 80, 8080),
        service("wrong", {"app": "web"}, 80, 9999),
        service("none", {"app": "nobody"}, 80, 80),
        service("closed", {"app": "closed"}, 80, 8080),
    ]
    apply(cluster, namespace, web, closed, CLOSED, *services)
    address = cluster_ips(cluster, namespace)
    session = Session(cluster, restricted, dial_timeout=4.0)
    dials = [Dial(address[name], 80) for name in ("web", "wrong", "none", "closed")]
    accepted, refused, rejected, silent = session.dial(*dials)
    assert [accepted.outcome, refused.outcome, rejected.outcome, silent.outcome] == [
        Outcome.ACCEPTED,
        Outcome.REFUSED,
        Outcome.REJECTED,
        Outcome.TIMEOUT,
    ]
    assert (refused.icmp, silent.icmp, silent.tries) == (None, None, 2)
    assert reject_comes_from_the_pods_node(cluster, session, rejected)
    assert accepted.source.startswith("10.202.")
    session.close()
    assert_nothing_left(cluster, restricted)


def test_a_healthy_round_is_quick_and_later_rounds_use_the_same_pod(cluster: Cluster, namespace: str) -> None:
    session = Session(cluster, namespace)
    started = time.monotonic()
    (first,) = session.dial(Dial("10.96.0.1", 443))
    assert time.monotonic() - started < 6  # 0.6 s on a quiet machine; the suite runs beside other work
    assert first.outcome is Outcome.ACCEPTED
    good, bad = session.ask(
        LOOKUP,
        NameKey("kubernetes.default.svc.cluster.local"),
        NameKey("nope.default.svc.cluster.local"),
    )
    assert isinstance(good, Lookup)
    assert isinstance(bad, Lookup)
    assert (good.addresses, good.error, bad.addresses) == (("10.96.0.1",), "", ())
    assert bad.error
    assert session.context.ledger.entries == ((f"job/refused-{session.context.run_id}", "deleted"),)
    session.close()
    assert_nothing_left(cluster, namespace)


def test_without_python_nc_gives_outcomes_and_says_what_it_cannot_tell(cluster: Cluster, namespace: str) -> None:
    session = Session(cluster, namespace, image="localhost/busybox:1", dial_timeout=2.0)
    accepted, rejected = session.dial(Dial("10.96.0.1", 443), Dial("10.96.0.10", 5353))
    assert accepted.outcome is Outcome.ACCEPTED
    assert (rejected.outcome, rejected.icmp) == (Outcome.REFUSED, None)
    assert "cannot be told" in rejected.detail
    (again,) = session.ask(LOOKUP, NameKey("kubernetes.default.svc.cluster.local"))
    assert again.addresses == ("10.96.0.1",)
    session.close()
    assert_nothing_left(cluster, namespace)


def test_without_the_right_to_exec_another_job_answers_later_rounds_from_the_same_node(
    cluster: Cluster, namespace: str
) -> None:
    user = allow(cluster, namespace, JOBS, PODS, LOGS)
    session = Session(cluster, namespace, user, image="localhost/python:3")
    session.dial(Dial("10.96.0.1", 443))
    first = session.method.vantages.get("")
    (second,) = session.dial(Dial("10.96.0.1", 444))
    assert second.outcome is Outcome.REJECTED
    later = session.method.vantages.get("")
    assert first is not None
    assert later is not None
    assert (later.node, later.labels != first.labels) == (first.node, True)
    assert len(session.context.ledger.entries) == 2
    session.close()
    assert_nothing_left(cluster, namespace)


def test_where_jobs_are_forbidden_a_bare_pod_answers_and_is_disclosed(cluster: Cluster, namespace: str) -> None:
    user = allow(cluster, namespace, PODS, BARE, LOGS)
    session = Session(cluster, namespace, user, image="localhost/python:3")
    (said,) = session.dial(Dial("10.96.0.1", 443))
    assert said.outcome is Outcome.ACCEPTED
    ((what, undone),) = session.context.ledger.entries
    assert what == f"pod/refused-{session.context.run_id}"
    assert "bare pod" in undone
    session.close()
    assert_nothing_left(cluster, namespace)


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ([PODS, LOGS], "may create neither jobs nor pods"),
        ([JOBS, LOGS], "may not list pods"),
        ([JOBS, PODS], "may not get pods/log"),
    ],
    ids=["create", "list", "log"],
)
def test_a_missing_right_is_a_gap_that_names_it(
    cluster: Cluster, namespace: str, missing: Sequence[dict[str, Any]], words: str
) -> None:
    session = Session(cluster, namespace, allow(cluster, namespace, *missing), image="localhost/python:3")
    assert words in session.gap().because
    session.close()
    assert_nothing_left(cluster, namespace)


NO_PODS = {
    "apiVersion": "v1",
    "kind": "ResourceQuota",
    "metadata": {"name": "none"},
    "spec": {"hard": {"pods": "0"}},
}
BIG_PODS = {
    "apiVersion": "v1",
    "kind": "LimitRange",
    "metadata": {"name": "big"},
    "spec": {"limits": [{"type": "Container", "min": {"memory": "64Gi"}}]},  # less is adapted to
}
NO_JOBS = {
    "apiVersion": "v1",
    "kind": "ResourceQuota",
    "metadata": {"name": "none"},
    "spec": {"hard": {"count/jobs.batch": "0"}},
}


@pytest.mark.parametrize(
    ("forbids", "words"),
    [(NO_PODS, "exceeded quota"), (BIG_PODS, "minimum memory usage"), (NO_JOBS, "exceeded quota")],
    ids=["quota of pods", "limit range", "quota of jobs"],
)
def test_what_admission_forbids_is_told_soon_with_the_servers_reason(
    cluster: Cluster, namespace: str, forbids: dict[str, Any], words: str
) -> None:
    apply(cluster, namespace, forbids)
    await_quota(cluster, namespace, forbids)
    session = Session(cluster, namespace)
    started = time.monotonic()
    gap = session.gap()
    assert words in gap.because
    assert "\n" not in gap.because
    assert time.monotonic() - started < 12
    session.close()
    assert_nothing_left(cluster, namespace)


def await_quota(cluster: Cluster, namespace: str, forbids: dict[str, Any]) -> None:
    """A quota works once its controller has counted."""
    path = f"/api/v1/namespaces/{namespace}/resourcequotas/{forbids['metadata']['name']}"
    deadline = time.monotonic() + 10
    while forbids["kind"] == "ResourceQuota" and "hard" not in cluster.client().call("GET", path)["status"]:
        assert time.monotonic() < deadline, "the quota was not counted"
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("image", "words"),
    [("localhost/absent:1", "localhost/absent:1"), ("Not An Image", "InvalidImageName")],
)
def test_an_image_that_cannot_be_had_is_a_gap_and_no_verdict(
    cluster: Cluster, namespace: str, image: str, words: str
) -> None:
    session = Session(cluster, namespace, image=image)
    started = time.monotonic()
    gap = session.gap()
    assert words in gap.because
    assert "--image" in gap.remedy
    assert time.monotonic() - started < 15
    session.close()
    assert_nothing_left(cluster, namespace)


def test_a_node_that_has_no_room_is_a_gap_after_a_moment(cluster: Cluster, namespace: str) -> None:
    session = Session(cluster, namespace, image="localhost/python:3")
    nowhere = Client(standing="node", namespace=namespace, node="no-such-node")
    session.context = replace(session.context, clients=(nowhere,))
    gap = session.gap()
    assert gap.because.startswith("Unschedulable: 0/2 nodes are available")
    session.close()
    assert_nothing_left(cluster, namespace)


@pytest.mark.parametrize("after", [0.02, 0.3, 1.5])
def test_cancelling_ends_the_wait_at_once_and_the_ledger_cleans_up(
    cluster: Cluster, namespace: str, after: float
) -> None:
    # Its pod is on its way, runs, or dials a black hole when the cancel comes.
    apply(cluster, namespace, pod("closed", shell("exec httpd -f -p 8080")), CLOSED)
    cluster_ips(cluster, namespace)
    address = cluster.client().call("GET", f"/api/v1/namespaces/{namespace}/pods/closed")["status"]["podIP"]
    session = Session(cluster, namespace)
    threading.Timer(after, session.connection.cancel.set).start()
    started = time.monotonic()
    with pytest.raises(Cancelled):
        session.dial(Dial(address, 8080))
    assert time.monotonic() - started < after + 1
    for _, undo in session.context.ledger.take_undos():
        undo(session.connection.clone())
    assert_nothing_left(cluster, namespace)


def test_after_kill_9_the_cluster_itself_removes_everything(cluster: Cluster, namespace: str) -> None:
    program = textwrap.dedent("""
        import sys, time
        from unittest import mock
        from kubectl_refused.probes import probe_of_client, probe_pod_manifest
        from tests.cluster import api
        from tests.live.test_probe_pod import Session, Dial
        # As in a real run, only with less time to stay.
        briefly = mock.patch.object(probe_of_client, "HOLD", 2)
        with briefly, mock.patch.object(probe_pod_manifest, "TIME_TO_LIVE", 1):
            Session(api.find(sys.argv[1]), sys.argv[2]).dial(Dial("10.96.0.1", 443))
        sys.stdout.write("dialled\\n")
        sys.stdout.flush()
        time.sleep(60)
    """)
    command = [sys.executable, "-c", program, cluster.name, namespace]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "dialled\n"
        os.kill(run.pid, signal.SIGKILL)
    assert len(ours(cluster, namespace)) == 2
    assert_nothing_left(cluster, namespace, within=30)


def test_what_a_killed_run_left_is_found_and_can_be_removed(cluster: Cluster, namespace: str) -> None:
    session = Session(cluster, namespace)
    session.dial(Dial("10.96.0.1", 443))
    found = leftovers(session.connection, namespace)
    assert [(old.kind, old.run_id, old.overdue) for old in found] == [("Job", session.context.run_id, False)]
    for old in found:
        remove(session.connection, old.path, old.uid)
    assert_nothing_left(cluster, namespace)
    session.close()
