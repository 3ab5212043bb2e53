"""--fix on a real cluster: what is shown, asked, applied, checked and undone, and what is left alone."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.api import Cluster

from .conftest import fresh_namespace
from .people import Grant, grants_up_to, person
from .person_at_terminal import at_terminal
from .small_shop import HEALTHY, LOOP, assert_nothing_left, deployment, furnish, policy
from .tool import Answer, refused, until
from .witness_shop import service, shell

SETTLE_SECONDS = 60.0
POLICIES = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"
BINDINGS = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings"
NO_TERMINAL = "error: --fix asks before it changes anything, and there is no terminal; add --yes to agree\n"


@pytest.fixture(scope="module")
def space(cluster: Cluster) -> Iterator[str]:
    """A namespace with one healthy app, `web`; every test makes Services of its own."""
    name = fresh_namespace(cluster)
    furnish(cluster, name, [HEALTHY])
    yield name
    cluster.client().call("DELETE", f"/api/v1/namespaces/{name}")


def given(cluster: Cluster, space: str, *objects: dict[str, Any]) -> None:
    """Create the objects."""
    cluster.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)}), namespace=space)


def owned(name: str, **annotations: str) -> dict[str, Any]:
    """A Service of port 80 to a port where nobody listens."""
    made = service(name, {"app": "web"}, 80, 9999)
    return {**made, "metadata": {**made["metadata"], "annotations": annotations}}


def spec(cluster: Cluster, space: str, name: str) -> dict[str, Any]:
    """The spec of a Service."""
    found: dict[str, Any] = cluster.client().call("GET", f"/api/v1/namespaces/{space}/services/{name}")["spec"]
    return found


def target_port(cluster: Cluster, space: str, name: str) -> Any:
    """Where the Service's first port leads."""
    return spec(cluster, space, name)["ports"][0]["targetPort"]


def fix(cluster: Cluster, space: str, target: str, *words: str) -> Answer:
    """--fix --yes, with the report as data."""
    return refused(cluster.kubeconfig, target, "-n", space, "--fix", "--yes", "-o", "json", *words)


def undo_of(answer: Answer) -> str:
    """The command that the report names for undoing."""
    (kept,) = [t["undone"] for t in answer.report["touched"] if t["what"].startswith("patch of ")]
    assert kept.startswith("kept; undo with: kubectl "), kept
    command: str = kept.removeprefix("kept; undo with: ")
    assert f"undo with:\n{command}\n" in answer.err
    return command


def runs(cluster: Cluster, command: str) -> None:
    """The command does what it says when it is pasted."""
    words = shlex.split(command)
    assert words[:3] == ["kubectl", "--kubeconfig", str(cluster.kubeconfig)]
    cluster.kubectl(*words[3:])


def test_a_wrong_target_port(cluster: Cluster, space: str) -> None:
    given(cluster, space, owned("wrong"))
    answer = fix(cluster, space, "svc/wrong")
    assert (answer.code, answer.root, answer.report["outcome"]) == (0, None, "accepted"), answer
    assert "-    targetPort: 9999\n+    targetPort: 8080\n" in answer.err
    assert "resourceVersion" not in answer.err
    assert target_port(cluster, space, "wrong") == 8080
    runs(cluster, undo_of(answer))
    assert target_port(cluster, space, "wrong") == 9999
    assert_nothing_left(cluster, space)


def test_a_selector_typo_is_tried_in_every_way_before(cluster: Cluster, space: str) -> None:
    given(cluster, space, service("typo", {"app": "wbe"}, 80, 8080))
    told = refused(cluster.kubeconfig, "svc/typo", "-n", space, "-o", "json")
    trials = {e["says"]: e["worked"] for e in told.report["root"]["evidence"] if e["kind"] == "trial"}
    assert all(trials.values()), told
    assert any(says.endswith("accepts on port 8080 inside the pod") for says in trials), told
    assert "server-side dry run accepted" in trials
    assert not any(t["what"].startswith(("job/", "pod/")) for t in told.report["touched"])
    answer = fix(cluster, space, "svc/typo")
    assert (answer.code, spec(cluster, space, "typo")["selector"]) == (0, {"app": "web"}), answer
    runs(cluster, undo_of(answer))
    assert spec(cluster, space, "typo")["selector"] == {"app": "wbe"}


def test_a_policy_gets_a_rule_and_loses_only_it(cluster: Cluster, namespace: str) -> None:
    closed = policy("web")
    closed["spec"]["ingress"] = [{"ports": [{"port": 7, "protocol": "TCP"}]}]
    furnish(cluster, namespace, [(*HEALTHY, closed)])
    until(
        lambda: refused(cluster.kubeconfig, "svc/web", "-n", namespace, "-o", "name"),
        lambda answer: "ingress-denied" in answer.out,
        SETTLE_SECONDS,
    )
    answer = fix(cluster, namespace, "svc/web")
    assert answer.code == 0, answer
    path = f"/apis/networking.k8s.io/v1/namespaces/{namespace}/networkpolicies/{closed['metadata']['name']}"
    assert len(cluster.client().call("GET", path)["spec"]["ingress"]) == 2
    runs(cluster, undo_of(answer))
    assert cluster.client().call("GET", path)["spec"]["ingress"] == closed["spec"]["ingress"]


def test_zero_replicas_are_scaled_and_waited_for(cluster: Cluster, space: str) -> None:
    zero = deployment("zero", shell("sleep 3; exec httpd -f -p 8080"))
    zero["spec"]["replicas"] = 0
    given(cluster, space, zero, service("zero", {"app": "zero"}, 80, 8080))
    answer = until(
        lambda: fix(cluster, space, "svc/zero"), lambda answer: "not applied" not in answer.err, SETTLE_SECONDS
    )
    path = f"/apis/apps/v1/namespaces/{space}/deployments/zero"
    assert (answer.code, cluster.client().call("GET", path)["spec"]["replicas"]) == (0, 1), answer
    undo = undo_of(answer)
    assert " scale deployment/zero --replicas=0 " in undo
    runs(cluster, undo)
    assert cluster.client().call("GET", path)["spec"]["replicas"] == 0


def test_a_rollout_is_waited_for_and_undone(cluster: Cluster, namespace: str) -> None:
    furnish(cluster, namespace, [LOOP])
    answer = fix(cluster, namespace, "svc/loop")
    assert (answer.code, answer.root) == (0, None), answer
    runs(cluster, undo_of(answer))
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments/loop"
    (container,) = cluster.client().call("GET", path)["spec"]["template"]["spec"]["containers"]
    assert container["command"] == LOOP[0]["spec"]["template"]["spec"]["containers"][0]["command"]


def test_several_targets_each_with_its_own_fix(cluster: Cluster, space: str) -> None:
    given(cluster, space, owned("one"), service("two", {"app": "wbe"}, 80, 8080))
    answer = fix(cluster, space, "svc/one", "svc/web", "svc/two")
    outcomes = [(item["target"], item["outcome"]) for item in answer.report["items"]]
    wanted = [("svc/one", "accepted"), ("svc/web", "accepted"), ("svc/two", "accepted")]
    assert (answer.code, outcomes) == (0, wanted), answer


def test_what_a_policy_of_admission_denies_is_told_and_not_sent(cluster: Cluster, space: str) -> None:
    given(cluster, space, owned("denied", keep="9999"))
    client, name = cluster.client(), f"keep-{space}"
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": ["services"]}
    where = {"matchLabels": {"kubernetes.io/metadata.name": space}}
    condition = {"expression": "object.metadata.name != 'denied'", "message": "port 9999 is kept"}
    limits = {"matchConstraints": {"namespaceSelector": where, "resourceRules": [rule]}}
    client.create(POLICIES, {"metadata": {"name": name}, "spec": {**limits, "validations": [condition]}})
    binding = {"policyName": name, "validationActions": ["Deny"]}
    client.create(BINDINGS, {"metadata": {"name": name}, "spec": binding})
    try:
        answer = until(
            lambda: refused(cluster.kubeconfig, "svc/denied", "-n", space, "-o", "json"),
            lambda answer: "server-side dry run refused" in answer.out,
            SETTLE_SECONDS,
        )
        root = answer.report["root"]
        assert (answer.code, root["name"], root["certainty"]) == (1, "wrong-target-port", "proved"), answer
        assert root["fix"]["command"] is None
        assert root["fix"]["summary"].endswith("; but the API server refuses this patch")
        assert any("port 9999 is kept" in claim["says"] and not claim["worked"] for claim in trials_of(root))
        fixed = fix(cluster, space, "svc/denied")
        assert fixed.code == 1
        assert "not applied: the API server refuses the change: " in fixed.err
        assert "port 9999 is kept" in fixed.err
        assert target_port(cluster, space, "denied") == 9999
    finally:
        client.call("DELETE", f"{BINDINGS}/{name}")
        client.call("DELETE", f"{POLICIES}/{name}")


def trials_of(root: dict[str, Any]) -> list[dict[str, Any]]:
    """The evidence that says how the fix was tried."""
    return [claim for claim in root["evidence"] if claim["kind"] == "trial"]


def test_who_may_not_patch_learns_it_in_a_line(cluster: Cluster, space: str, tmp_path: Path) -> None:
    given(cluster, space, owned("mine"))
    kept = [grant for grant in grants_up_to("pods") if grant != Grant("patch", "services")]
    someone = person(cluster, space, kept, tmp_path)
    told = refused(someone, "svc/mine", "-n", space, "-o", "json", "--image", "localhost/busybox:1")
    assert (told.code, told.report["gaps"]) == (1, []), told
    assert [t["says"] for t in trials_of(told.report["root"])] == [
        t["says"] for t in trials_of(told.report["root"]) if "dialled" in t["says"]
    ]
    answer = refused(
        someone, "svc/mine", "-n", space, "--fix", "--yes", "-o", "json", "--image", "localhost/busybox:1"
    )
    assert answer.code == 1
    assert (
        f"not applied: may not patch services in namespace {space}; check with: kubectl auth can-i" in answer.err
    )
    assert target_port(cluster, space, "mine") == 9999


def test_what_helm_writes_is_left_to_it(cluster: Cluster, space: str) -> None:
    given(cluster, space, owned("chart", **{"meta.helm.sh/release-name": "cart"}))
    answer = fix(cluster, space, "svc/chart")
    assert answer.code == 1
    assert (
        "not applied: Helm release cart writes this object and would undo the patch; change it there: {"
        in answer.err
    )
    assert answer.err.count("\n") == 1
    assert target_port(cluster, space, "chart") == 9999


def test_without_a_terminal_nothing_is_asked_or_done(cluster: Cluster, space: str) -> None:
    given(cluster, space, owned("alone"))
    answer = refused(cluster.kubeconfig, "svc/alone", "-n", space, "--fix")
    assert (answer.code, answer.out, answer.err) == (2, "", NO_TERMINAL)
    assert target_port(cluster, space, "alone") == 9999


def test_yes_at_the_question(cluster: Cluster, space: str) -> None:
    given(cluster, space, owned("asked"))
    with at_terminal(cluster.kubeconfig, "svc/asked", "-n", space, "--fix") as session:
        asked = session.waits_for("[y/N] ")
        assert f"Apply this to svc/asked in namespace {space} of " in asked
        session.types("y\n")
        assert session.ends() == 0, session.seen
    assert "svc/asked:80 accepts" in session.seen
    assert "svc/asked is patched; it accepts connections now\nundo with:\nkubectl " in session.seen
    assert target_port(cluster, space, "asked") == 8080


@pytest.mark.parametrize("answer", ["n\n", "\n", "\x04", "perhaps\n"])
def test_anything_but_yes_is_no(cluster: Cluster, space: str, answer: str) -> None:
    given(cluster, space, owned("kept"))
    with at_terminal(cluster.kubeconfig, "svc/kept", "-n", space, "--fix") as session:
        session.waits_for("[y/N] ")
        session.types(answer)
        assert session.ends() == 1, session.seen
    assert session.seen.endswith("nothing was applied\n")
    assert target_port(cluster, space, "kept") == 9999


def test_ctrl_c_at_the_question(cluster: Cluster, space: str) -> None:
    given(cluster, space, owned("left"))
    with at_terminal(cluster.kubeconfig, "svc/left", "-n", space, "--fix") as session:
        session.waits_for("[y/N] ")
        session.types("\x03")
        begin = time.monotonic()
        assert session.ends() == 130, session.seen
    assert time.monotonic() - begin < 5
    assert session.seen.endswith("interrupted; nothing is left behind\n")
    assert target_port(cluster, space, "left") == 9999


def test_ctrl_c_after_the_change_tells_the_way_back(cluster: Cluster, namespace: str) -> None:
    slow = deployment("slow", shell("exec httpd -f -p 127.0.0.1:8080"))
    probe = {"exec": {"command": ["sh", "-c", "! netstat -ltn | grep -q '0.0.0.0:8080'"]}, "periodSeconds": 1}
    slow["spec"]["template"]["spec"]["containers"][0]["readinessProbe"] = probe
    furnish(cluster, namespace, [(slow, service("slow", {"app": "slow"}, 80, 8080))])
    with at_terminal(cluster.kubeconfig, "svc/slow", "-n", namespace, "--fix") as session:
        session.waits_for("[y/N] ")
        session.types("y\n")
        rolled = await_generation(cluster, namespace, "slow", 2)
        session.types("\x03")
        assert session.ends() == 130, session.seen
    assert rolled
    undo = session.seen.rpartition("left behind: ")[2].strip()
    runs(cluster, undo)
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments/slow"
    (container,) = cluster.client().call("GET", path)["spec"]["template"]["spec"]["containers"]
    assert container["command"][-1].endswith("127.0.0.1:8080")


def await_generation(cluster: Cluster, space: str, name: str, generation: int) -> bool:
    """Whether the Deployment has been changed so often, within SETTLE_SECONDS."""
    path, end = f"/apis/apps/v1/namespaces/{space}/deployments/{name}", time.monotonic() + SETTLE_SECONDS
    while cluster.client().call("GET", path)["metadata"]["generation"] < generation:
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


@pytest.mark.parametrize("kind", ["service", "policy", "scale"])
def test_an_edit_at_the_question_is_not_overwritten(cluster: Cluster, namespace: str, kind: str) -> None:
    broken = furnish_broken(cluster, namespace, kind)
    with at_terminal(cluster.kubeconfig, "svc/web", "-n", namespace, "--fix") as session:
        session.waits_for("[y/N] ")
        cluster.kubectl("annotate", "-n", namespace, broken, "edited=meanwhile")
        session.types("y\n")
        assert session.ends() == 1, session.seen
    assert "not applied: somebody changed " in session.seen
    assert "undo with" not in session.seen
    code = refused(cluster.kubeconfig, "svc/web", "-n", namespace).code
    assert code == 1


def furnish_broken(cluster: Cluster, namespace: str, kind: str) -> str:
    """Make svc/web broken in one of three ways, and name the object to mend."""
    app = deployment("web", shell("exec httpd -f -p 8080"))
    if kind == "scale":
        app["spec"]["replicas"] = 0
        given(cluster, namespace, app, service("web", {"app": "web"}, 80, 8080))
        wanted, broken = "zero-replicas", "deployment/web"
    elif kind == "policy":
        furnish(cluster, namespace, [(*HEALTHY, policy("web"))])
        wanted, broken = "ingress-denied", "networkpolicy/deny-web"
    else:
        given(cluster, namespace, app, owned("web"))
        wanted, broken = "wrong-target-port", "service/web"
    answer = until(
        lambda: refused(cluster.kubeconfig, "svc/web", "-n", namespace, "-o", "name"),
        lambda answer: wanted in answer.out,
        SETTLE_SECONDS,
    )
    assert wanted in answer.out, answer
    return broken


def test_what_does_not_help_is_undone_when_a_person_says_so(cluster: Cluster, space: str) -> None:
    """The selector is mended, but the pods it leads to serve another port: the next fault shows."""
    given(cluster, space, service("twice", {"app": "wbe"}, 80, 9999))
    with at_terminal(cluster.kubeconfig, "svc/twice", "-n", space, "--fix") as session:
        session.waits_for("[y/N] ")
        session.types("y\n")
        session.waits_for("Undo it? [y/N] ")
        assert "svc/twice is patched; it does not work yet: " in session.seen
        assert "(KR401)" in session.seen
        session.types("y\n")
        assert session.ends() == 1, session.seen
    assert session.seen.endswith("svc/twice is as it was\n")
    assert spec(cluster, space, "twice")["selector"] == {"app": "wbe"}


def test_with_yes_what_does_not_help_stays_and_the_way_back_is_told(cluster: Cluster, space: str) -> None:
    given(cluster, space, service("again", {"app": "wbe"}, 80, 9999))
    answer = fix(cluster, space, "svc/again")
    assert (answer.code, answer.root) == (1, "wrong-target-port"), answer
    assert "Undo it?" not in answer.err
    assert spec(cluster, space, "again")["selector"] == {"app": "web"}
    runs(cluster, undo_of(answer))
    assert spec(cluster, space, "again")["selector"] == {"app": "wbe"}


def test_questions_beside_data_go_to_the_terminal(cluster: Cluster, space: str, tmp_path: Path) -> None:
    given(cluster, space, owned("data"))
    out = tmp_path / "report.json"
    with at_terminal(cluster.kubeconfig, "svc/data", "-n", space, "--fix", "-o", "json", out=out) as session:
        session.waits_for("[y/N] ")
        session.types("y\n")
        assert session.ends() == 0, session.seen
    report = json.loads(out.read_text())
    assert (report["outcome"], report["root"]) == ("accepted", None)


def test_an_undo_that_comes_too_late_is_refused(cluster: Cluster, space: str) -> None:
    given(cluster, space, owned("late"))
    undo = shlex.split(undo_of(fix(cluster, space, "svc/late")))
    patch = '{"spec":{"ports":[{"port":80,"targetPort":7777}]}}'
    cluster.kubectl("patch", "svc/late", "-n", space, "-p", patch)
    with pytest.raises(Exception, match="The request is invalid"):
        cluster.kubectl(*undo[3:])
    assert target_port(cluster, space, "late") == 7777
