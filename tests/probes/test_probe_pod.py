"""What a probe pod looks like, how it is made and removed, and what its status means."""

from __future__ import annotations

import datetime
import json
from typing import Any

import msgspec
import pytest

from kubectl_refused.connection.errors import NotFound
from kubectl_refused.model.facts import HANDSHAKE, Dial, Need
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.objects import Pod
from kubectl_refused.probes.cleanup import OVERDUE, leftovers
from kubectl_refused.probes.images import Choice
from kubectl_refused.probes.probe_pod import ProbePod
from kubectl_refused.probes.probe_pod_create import Created, create
from kubectl_refused.probes.probe_pod_manifest import DEADLINE, Wanted, bare_pod, job, selector_of
from kubectl_refused.probes.probe_pod_state import state_of
from kubectl_refused.probes.probe_pod_wait import ProbeFailedError, denied
from tests.fakes import FakeConnection, as_connection, ask, forbidden, probe_context

ARGUMENTS = ("--timeout", "4", "dial:10.0.0.1:80")
WANTED = Wanted("refused-4f2a", "shop", "4f2a", Choice("localhost/python:3", "python", ("node1",)), ARGUMENTS)


@pytest.mark.parametrize("form", ["python", "shell", "either"])
def test_what_to_dial_comes_last_as_words_of_its_own(form: str) -> None:
    choice = Choice("x", form)
    assert choice.argv(ARGUMENTS)[-3:] == list(ARGUMENTS)


@pytest.mark.parametrize("pod", [job(WANTED)["spec"]["template"], bare_pod(WANTED)], ids=["job", "bare"])
def test_the_pod_is_restricted_bounded_and_out_of_every_mesh(pod: dict[str, Any]) -> None:
    spec, container = pod["spec"], pod["spec"]["containers"][0]
    assert spec["securityContext"]["runAsNonRoot"]
    assert spec["securityContext"]["runAsUser"] > 0
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert set(container["resources"]["requests"]) == set(container["resources"]["limits"]) == {"cpu", "memory"}
    assert (spec["restartPolicy"], spec["automountServiceAccountToken"]) == ("Never", False)
    assert spec["nodeSelector"] == {"kubernetes.io/os": "linux"}
    assert not {"hostNetwork", "nodeName", "volumes", "tolerations"} & set(spec)
    assert pod["metadata"]["labels"]["sidecar.istio.io/inject"] == "false"
    assert pod["metadata"]["annotations"]["linkerd.io/inject"] == "disabled"


def test_the_cluster_removes_it_when_nobody_else_does() -> None:
    spec = job(WANTED)["spec"]
    assert (spec["backoffLimit"], spec["activeDeadlineSeconds"]) == (0, DEADLINE)
    assert spec["ttlSecondsAfterFinished"] <= 60
    assert bare_pod(WANTED)["spec"]["activeDeadlineSeconds"] == DEADLINE


def test_its_labels_find_this_probe_only() -> None:
    labels = job(WANTED)["spec"]["template"]["metadata"]["labels"]
    assert labels["app.kubernetes.io/managed-by"] == "kubectl-refused"
    assert dict(pair.split("=") for pair in selector_of(WANTED).split(",")).items() <= labels.items()


@pytest.mark.parametrize(
    ("waiting", "words"),
    [
        ({"reason": "ErrImagePull", "message": "no such host"}, "ErrImagePull: no such host"),
        ({"reason": "ImagePullBackOff"}, "ImagePullBackOff: image x"),
        ({"reason": "InvalidImageName", "message": "bad\x1b[31m"}, "InvalidImageName: bad"),
        ({"reason": "CreateContainerError"}, "CreateContainerError: image x"),
    ],
)
def test_a_container_that_never_will_run_is_trouble_at_once(waiting: dict[str, str], words: str) -> None:
    state = state_of(pod_with({"containerStatuses": [{"name": "probe", "state": {"waiting": waiting}}]}), "x")
    assert state.trouble.startswith(words)
    assert "\x1b" not in state.trouble
    assert (state.patient, state.started) == (False, False)


def test_a_command_that_is_missing_in_the_image_is_trouble() -> None:
    message = 'exec: "python3": executable file not found in $PATH'
    ended = {"reason": "StartError", "message": message, "exitCode": 128}
    state = state_of(pod_with({"containerStatuses": [{"name": "probe", "state": {"terminated": ended}}]}), "x")
    assert 'x cannot run the probe: exec: "python3"' in state.trouble


def test_no_room_on_any_node_may_pass() -> None:
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/2 nodes"}
    state = state_of(pod_with({"conditions": [condition]}), "x")
    assert (state.trouble, state.patient) == ("Unschedulable: 0/2 nodes", True)


@pytest.mark.parametrize("state", [{"running": {}}, {"terminated": {"exitCode": 0, "reason": "Completed"}}])
def test_a_container_that_runs_or_ran_has_started(state: dict[str, Any]) -> None:
    assert state_of(pod_with({"containerStatuses": [{"name": "probe", "state": state}]}), "x").started


def test_the_servers_reason_is_told_without_its_wrapping() -> None:
    message = 'Error creating: pods "refused-4f2a-x7k2p" is forbidden: exceeded quota: none, requested: pods=1'
    assert denied(message) == "the probe pod is forbidden: exceeded quota: none, requested: pods=1"
    assert denied("Error creating: Internal error\nin two lines") == "Internal error in two lines"


def test_what_was_refused_is_not_in_the_ledger() -> None:
    jobs, pods = "/apis/batch/v1/namespaces/shop/jobs", "/api/v1/namespaces/shop/pods"
    fake = Creating({jobs: forbidden("create", "jobs.batch"), pods: forbidden("create", "pods")})
    context = probe_context(fake)
    with pytest.raises(ProbeFailedError, match="may create neither jobs nor pods"):
        create(context, WANTED)
    assert context.ledger.entries == ()
    assert [asked.split()[1] for asked in fake.asked] == [jobs, pods]


def test_a_bare_pod_stands_in_for_a_forbidden_job_and_is_disclosed() -> None:
    fake = Creating({
        "/apis/batch/v1/namespaces/shop/jobs": forbidden("create", "jobs.batch"),
        "/api/v1/namespaces/shop/pods": {"metadata": {"name": "refused-4f2a", "uid": "u1"}},
    })  # fmt: skip
    context = probe_context(fake)
    created = create(context, WANTED)
    assert (created.path, created.uid) == ("/api/v1/namespaces/shop/pods/refused-4f2a", "u1")
    assert [what for what, undone in context.ledger.entries if "bare pod" in undone] == ["pod/refused-4f2a"]


def test_removing_twice_deletes_once_and_gone_is_fine() -> None:
    fake = Creating({})
    created = Created("/apis/batch/v1/namespaces/shop/jobs/refused-4f2a")
    created.remove(as_connection(fake))
    created.remove(as_connection(fake))
    assert len(fake.asked) == 1


@pytest.mark.parametrize("dial", [Dial("-x", 80), Dial("a b", 80), Dial("10.0.0.1", 0), Dial("$(x)", 80)])
def test_what_cannot_be_an_argument_is_never_dialled(dial: Dial) -> None:
    fake = Creating({})
    (value,) = ask(ProbePod(), probe_context(fake), HANDSHAKE, dial)
    assert isinstance(value, Gap)
    assert fake.asked == []


def test_where_nothing_may_be_created_every_need_is_a_gap_with_a_remedy() -> None:
    jobs, pods = "/apis/batch/v1/namespaces/shop/jobs", "/api/v1/namespaces/shop/pods"
    fake = Creating({jobs: forbidden("create", "jobs.batch"), pods: forbidden("create", "pods")})
    values = dict(ProbePod().learn([Need(HANDSHAKE, Dial("10.0.0.1", n)) for n in (1, 2)], probe_context(fake)))
    assert all(isinstance(value, Gap) and "create jobs" in value.remedy for value in values.values())
    assert len(values) == 2


def test_leftovers_are_ours_ownerless_and_known_to_be_overdue() -> None:
    old = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=OVERDUE + 60)
    meta = {"namespace": "shop", "uid": "u", "labels": {"refused.dev/run": "0001"}}
    created = old.strftime("%Y-%m-%dT%H:%M:%SZ")
    old_one = {"metadata": meta | {"name": "refused-0001", "creationTimestamp": created}}
    owned = {"metadata": meta | {"name": "refused-0001-x", "ownerReferences": [{"kind": "Job", "name": "j"}]}}
    fresh = {"metadata": meta | {"name": "refused-0002"}}
    large = old_one | {"spec": {"activeDeadlineSeconds": DEADLINE + 90}}  # a scan's, which may last longer
    assert not leftovers(as_connection(FakeConnection({"/apis/batch/v1/jobs": [large]})), None, kinds=("Job",))[
        0
    ].overdue
    fake = FakeConnection({"/apis/batch/v1/jobs": [old_one], "/api/v1/pods": [owned, fresh, {"metadata": 7}]})
    found = leftovers(as_connection(fake), None)
    assert [str(item) for item in found] == ["job/refused-0001", "pod/refused-0002"]
    assert [item.overdue for item in found] == [True, False]
    assert found[0].path == "/apis/batch/v1/namespaces/shop/jobs/refused-0001"


def pod_with(status: dict[str, Any]) -> Pod:
    """A pod with a status."""
    return msgspec.json.decode(json.dumps({"metadata": {"name": "p"}, "status": status}), type=Pod)


class Creating(FakeConnection):
    """A connection that also takes creates and deletes."""

    def create(self, path: str, body: object) -> bytes:
        json.dumps(body)
        return self._bytes(self._answer("POST", path, ()))

    def delete(self, path: str, uid: str | None = None, propagation: str = "Background") -> bytes:
        self.asked.append(f"DELETE {path}")
        raise NotFound("jobs", path, "gone")
