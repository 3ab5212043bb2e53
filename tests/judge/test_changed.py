"""What changed last: asked on failing paths only, young changes only, the newest first, authors where known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from kubectl_refused.causes import catalogue
from kubectl_refused.judge.changed import changes, open_changes
from kubectl_refused.model.facts import POLICIES_IN, REPLICA_SETS, WORKLOAD, NamespaceKey, Need, PodKey
from kubectl_refused.model.objects import NetworkPolicy, Workload
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.report import Changed
from kubectl_refused.model.snapshot import SeenObject
from kubectl_refused.trace.rulings import Ruling, rule
from tests.case_folders import decoded
from tests.scenery import CLUSTER_IP, dialled, endpoint_slice, pod, scene, service, workload

OLD, TAKEN = "2026-01-01T00:00:00Z", 1772366400.0  # 2026-03-01T12:00:00Z
POD = PodKey("shop", "web-1")
OWNER = [{"kind": "ReplicaSet", "name": "web-7d9f", "controller": True}]
BORN: dict[str, Any] = {"creationTimestamp": OLD}


def edited(time: str, manager: str = "kubectl-patch", **more: str) -> dict[str, str]:
    return {"manager": manager, "operation": "Update", "time": f"2026-03-01T{time}Z", **more}


def revision(number: int, image: str, created: str, *written: dict[str, str], **container: Any) -> Workload:
    made = decoded({
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"web-{number}", "namespace": "shop", "creationTimestamp": created, "managedFields": written,
            "annotations": {"deployment.kubernetes.io/revision": str(number)},
        },
        "spec": {"template": {"spec": {"containers": [{"name": "web", "image": image, **container}]}}},
    })  # fmt: skip
    assert isinstance(made, Workload)
    return made


def policy(name: str, created: str, app: str = "web") -> NetworkPolicy:
    time = {"manager": "kubectl-create", "time": created}
    made = decoded({
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": "shop", "creationTimestamp": created, "managedFields": [time]},
        "spec": {"podSelector": {"matchLabels": {"app": app}}, "policyTypes": ["Ingress"]},
    })  # fmt: skip
    assert isinstance(made, NetworkPolicy)
    return made


def seen(
    outcome: Outcome = Outcome.REFUSED,
    *,
    by_service: Sequence[dict[str, str]] = (),
    deployment: Sequence[dict[str, str]] = (),
    sets: Sequence[Workload] = (),
    policies: Sequence[NetworkPolicy] = (),
    status: Mapping[str, Any] = {},
    told: bool = True,
) -> Ruling:
    """A path to one pod of Deployment web, all of it made in January."""
    one = pod(metadata={**BORN, "labels": {"app": "web"}, "ownerReferences": OWNER}, status=status)
    made = service()
    made = replace(made, metadata=_meta("Service", by_service))
    facts: dict[Need, Any] = {**dialled(CLUSTER_IP, 80, outcome), **dialled("10.0.0.1", 8080, outcome)}
    if told:
        facts[Need(WORKLOAD, POD)] = workload(**BORN, managedFields=list(deployment))
        facts[Need(REPLICA_SETS, POD)] = tuple(sets)
        facts[Need(POLICIES_IN, NamespaceKey("shop"))] = tuple(policies)
    return rule(scene(made, one, endpoint_slice(one), facts=facts, at=TAKEN), catalogue())


def _meta(kind: str, fields: Sequence[dict[str, str]]) -> Any:
    made: SeenObject = decoded({
        "kind": kind, "metadata": {"name": "web", "namespace": "shop", **BORN, "managedFields": list(fields)}
    })  # fmt: skip
    return made.metadata


def told(ruling: Ruling) -> list[tuple[str, str, str]]:
    return [(c.what, c.says, c.by) for c in changes([ruling])]


def test_a_path_that_works_is_asked_nothing_and_tells_nothing() -> None:
    well = seen(Outcome.ACCEPTED, by_service=[edited("11:59:00")], told=False)
    assert open_changes([well]) == []
    assert changes([well]) == ()


def test_a_failing_path_is_asked_once_for_each_maker_of_its_pods() -> None:
    asked = open_changes([seen(told=False), seen(told=False)])
    wanted = [Need(WORKLOAD, POD), Need(REPLICA_SETS, POD), Need(POLICIES_IN, NamespaceKey("shop"))]
    assert asked == wanted
    assert open_changes([seen()]) == []


def test_a_young_change_is_told_with_its_manager_and_both_times() -> None:
    (only,) = changes([seen(by_service=[edited("09:00:00", "helm"), edited("11:56:00")])])
    assert only == Changed(
        what="service/web", says="changed", at="2026-03-01T11:56:00Z", age=240, by="kubectl-patch"
    )


def test_old_changes_status_and_controllers_are_no_news() -> None:
    fields = [
        edited("05:59:00"),
        edited("11:59:00", "kube-controller-manager"),
        edited("11:59:30", "cloud-controller", subresource="status"),
    ]
    assert told(seen(by_service=fields)) == []


def test_a_scaler_is_told_though_it_is_a_controller() -> None:
    fields = [edited("11:59:00", "kube-controller-manager", subresource="scale")]
    assert told(seen(deployment=fields)) == [("deployment/web", "scaled", "kube-controller-manager")]


def test_a_rollout_tells_what_differs_who_asked_and_its_revision() -> None:
    sets = [revision(6, "web:1.3", OLD), revision(7, "web:1.4", "2026-03-01T11:56:02Z", command=["web"])]
    (only,) = changes([seen(deployment=[edited("11:56:00", "kubectl-set")], sets=sets)])
    assert (only.says, only.by, only.revision) == (
        "image web:1.3 → web:1.4, command of the image → web", "kubectl-set", 7,
    )  # fmt: skip


def test_a_rollback_is_as_young_as_the_ReplicaSet_was_written() -> None:
    again = revision(8, "web:1.3", OLD, edited("11:58:00", "kube-controller-manager"))
    sets = [again, revision(7, "web:1.4", "2026-02-28T00:00:00Z")]
    (only,) = changes([seen(deployment=[edited("11:57:59", "kubectl-rollout")], sets=sets)])
    assert (only.says, only.by, only.age) == ("image web:1.4 → web:1.3", "kubectl-rollout", 120)


def test_secrets_of_command_lines_and_variables_are_not_told() -> None:
    def with_secret(secret: str) -> dict[str, Any]:
        return {"command": ["web", f"--password={secret}"], "env": [{"name": "TOKEN", "value": secret}]}

    sets = [
        revision(1, "web", OLD, **with_secret("hunter2")),
        revision(2, "web", "2026-03-01T11:00:00Z", **with_secret("hunter3")),
    ]
    (only,) = changes([seen(sets=sets)])
    assert (
        only.says == "command web --password=*** → web --password=***, environment variable TOKEN of container web"
    )


def test_a_policy_is_told_where_it_judges_the_pods() -> None:
    fresh = [policy("deny", "2026-03-01T11:00:00Z"), policy("other", "2026-03-01T11:30:00Z", app="db")]
    assert told(seen(Outcome.TIMEOUT, policies=fresh)) == [("networkpolicy/deny", "created", "kubectl-create")]


def test_restarts_are_told_where_the_pod_itself_is_well() -> None:
    ended = {"terminated": {"exitCode": 137, "reason": "OOMKilled", "finishedAt": "2026-03-01T11:50:00Z"}}
    status = {"restartCount": 1, "lastState": ended}
    wanted = ("pod/web-1", "container web restarted (exit code 137, OOMKilled)", "")
    assert told(seen(status=status)) == [wanted]


def test_the_newest_three_come_first() -> None:
    policies = [policy(f"p{hour}", f"2026-03-01T{hour}:00:00Z") for hour in ("08", "09", "10")]
    found = changes([seen(Outcome.TIMEOUT, policies=policies, by_service=[edited("09:30:00")])])
    assert [c.what for c in found] == ["networkpolicy/p10", "service/web", "networkpolicy/p09"]


def test_that_the_path_was_made_is_no_change_of_it() -> None:
    born = {"creationTimestamp": "2026-03-01T11:58:00Z"}
    made = service()
    made = replace(made, metadata=replace(made.metadata, creation_timestamp="2026-03-01T11:58:10Z"))
    fields = decoded({"kind": "Service", "metadata": {"managedFields": [edited("11:58:10", "kubectl-create")]}})
    made = replace(made, metadata=replace(made.metadata, managed_fields=fields.metadata.managed_fields))
    one = pod(metadata={**born, "labels": {"app": "web"}})
    facts = {**dialled(CLUSTER_IP, 80), **dialled("10.0.0.1", 8080)}
    ruling = rule(scene(made, one, endpoint_slice(one), facts=facts, at=TAKEN), catalogue())
    assert changes([ruling]) == ()


def test_a_clock_ahead_of_ours_tells_of_no_future() -> None:
    (only,) = changes([seen(by_service=[edited("12:30:00")])])
    assert only.age == 0


def test_times_that_are_none_are_nobodys() -> None:
    odd = {"manager": "x", "time": "yesterday"}
    assert told(seen(by_service=[odd, {"manager": "y"}], sets=[revision(2, "a", "?"), revision(1, "b", "")])) == []
