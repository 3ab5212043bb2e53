"""Every witness on a real cluster, beside what is really there."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from kubectl_refused.model.facts import (
    DRY_RUN,
    EVENTS,
    FORWARD,
    HANDSHAKE,
    LISTENERS,
    LOG,
    PODS_ELSEWHERE,
    PODS_IN,
    POLICIES_IN,
    SERVICES_IN,
    SERVICES_NAMED,
    WORKLOAD,
    WORKLOADS_IN,
    ContainerKey,
    Dial,
    NameKey,
    NamespaceKey,
    PatchKey,
    PodKey,
    PodPort,
    SelectorKey,
)
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.snapshot import Change, fold
from kubectl_refused.probes.container_exec import ContainerExec
from kubectl_refused.probes.container_log import ContainerLog
from kubectl_refused.probes.dry_run import ServerDryRun
from kubectl_refused.probes.ephemeral_container import EphemeralContainer
from kubectl_refused.probes.object_reads import ObjectReads
from kubectl_refused.probes.pod_proxy import PodProxy
from kubectl_refused.probes.port_forward import PortForward
from tests.cluster.api import Cluster
from tests.live import witness_shop as shop
from tests.live.conftest import fresh_namespace
from tests.live.witness_shop import Asker

READY = ("loop", "two", "noshell", "bare", "mapped", "odd", "closed")


@pytest.fixture(scope="module")
def asker(cluster: Cluster) -> Iterator[Asker]:
    """A namespace full of witnesses' cases."""
    namespace = fresh_namespace(cluster)
    items = {"apiVersion": "v1", "kind": "List", "items": shop.OBJECTS}
    cluster.apply(json.dumps(items), namespace=namespace)
    pods = [f"pod/{name}" for name in READY]
    cluster.kubectl("wait", "-n", namespace, "--for=condition=Ready", *pods, "--timeout=50s")
    cluster.kubectl("rollout", "status", "-n", namespace, "deployment/web", "--timeout=50s")
    found = Asker(cluster, namespace)
    yield found
    found.connection.close()
    cluster.client().call("DELETE", f"/api/v1/namespaces/{namespace}")


def eventually(work: Callable[[], Any], wanted: Callable[[Any], bool]) -> Any:
    """Ask until the cluster is as far as that; the last answer fails the test."""
    answer = None
    for _ in range(40):
        answer = work()
        if wanted(answer):
            return answer
        time.sleep(0.5)
    raise AssertionError(answer)


def test_a_service_is_read_in_three_requests(asker: Asker) -> None:
    before = asker.connection.requests_made
    snapshot = asker.snapshot("web")
    assert asker.connection.requests_made - before == 3
    service = snapshot.service(asker.namespace, "web")
    assert service is not None
    addresses = [e.addresses for s in snapshot.slices_of(service) for e in s.endpoints or ()]
    assert len(addresses) == len(snapshot.pods(asker.namespace)) == 2
    assert snapshot.gaps == ()


def test_a_missing_service_is_absent_not_unread(asker: Asker) -> None:
    snapshot = asker.snapshot("nothere")
    assert snapshot.objects == {}
    assert snapshot.read("Service", asker.namespace)


def test_both_pods_of_a_deployment_cost_one_more_request(asker: Asker) -> None:
    snapshot = asker.snapshot("web")
    keys = [PodKey(asker.namespace, pod.metadata.name) for pod in snapshot.pods(asker.namespace)]
    before = asker.connection.requests_made
    found = asker.ask(ObjectReads(), WORKLOAD, *keys, snapshot=snapshot)
    assert [(w.kind, w.metadata.name) for w in found] == [("Deployment", "web")] * 2
    assert asker.connection.requests_made - before == 1


def test_objects_on_demand(asker: Asker) -> None:
    here, reads = NamespaceKey(asker.namespace), ObjectReads()

    def names(fact: Any, subject: Any) -> set[str]:
        return {item.metadata.name for item in asker.ask(reads, fact, subject)[0]}

    assert {"loop", "crash", "pending"} <= names(PODS_IN, here)
    assert names(WORKLOADS_IN, here) == {"web"}
    assert names(SERVICES_IN, here) == {"web", "wrong", "none"}
    assert names(POLICIES_IN, here) == {"closed"}
    assert "loop" in names(PODS_ELSEWHERE, SelectorKey((("app", "loop"),)))
    (named,) = asker.ask(reads, SERVICES_NAMED, NameKey("kubernetes"))
    assert [s.metadata.namespace for s in named] == ["default"]


def test_events_tell_why_a_pod_waits(asker: Asker) -> None:
    keys = [PodKey(asker.namespace, name) for name in ("pending", "loop")]

    def tells(answer: list[Any]) -> bool:
        return any(e.reason == "ErrImageNeverPull" for e in answer[0])

    pending, loop = eventually(lambda: asker.ask(ObjectReads(), EVENTS, *keys), tells)
    assert {e.involved_object.name for e in pending} == {"pending"}
    assert {e.involved_object.name for e in loop} == {"loop"}


def test_logs_of_this_life_and_the_one_before(asker: Asker) -> None:
    crash = ContainerKey(asker.namespace, "crash", "c0")

    def ask() -> list[Any]:
        return asker.ask(ContainerLog(), LOG, crash, replace(crash, previous=True))

    def both(answers: list[Any]) -> bool:
        return not any(isinstance(log, Gap) for log in answers)

    for log in eventually(ask, both):
        assert log.lines == ("password=***", "bind: address in use")


def test_a_container_that_never_ran_has_no_log(asker: Asker) -> None:
    (gap,) = asker.ask(ContainerLog(), LOG, ContainerKey(asker.namespace, "pending", "c0"))
    assert isinstance(gap, Gap)
    assert "waiting to start" in gap.because


def test_port_forward_reaches_localhost_only(asker: Asker) -> None:
    ports = [("loop", 8080), ("loop", 7777), ("mapped", 8080), ("nothere", 80)]
    keys = [PodPort(asker.namespace, pod, port) for pod, port in ports]
    open_, closed, mapped, gone = asker.ask(PortForward(), FORWARD, *keys)
    assert (open_.outcome, mapped.outcome) == (Outcome.ACCEPTED, Outcome.ACCEPTED)
    assert closed.outcome is Outcome.REFUSED
    assert "127.0.0.1:7777: connect: connection refused" in closed.detail
    assert isinstance(gone, Gap)


def proxied(asker: Asker, *dials: tuple[str, int]) -> list[Any]:
    """What the proxies say of (pod or svc/NAME, port)."""
    (pods,) = asker.ask(ObjectReads(), PODS_IN, NamespaceKey(asker.namespace))
    (services,) = asker.ask(ObjectReads(), SERVICES_IN, NamespaceKey(asker.namespace))
    seen = fold([Change(0, value=value) for value in (*pods, *services)])
    addresses = {pod.metadata.name: pod.status.pod_ip for pod in pods}
    addresses |= {f"svc/{service.metadata.name}": service.spec.cluster_ip for service in services}
    subjects = [Dial(addresses[name], port) for name, port in dials]
    return asker.ask(PodProxy(), HANDSHAKE, *subjects, snapshot=seen)


def test_the_pod_proxy_tells_refused_accepted_and_rejected_apart(asker: Asker) -> None:
    dials = [
        ("two", 8080),
        ("two", 9999),
        ("loop", 8080),
        ("svc/web", 80),
        ("svc/wrong", 80),
        ("svc/none", 80),
    ]
    found = proxied(asker, *dials)
    assert [h.outcome.value for h in found] == [
        "accepted", "refused", "refused", "accepted", "refused", "rejected",
    ]  # fmt: skip
    assert [h.witness for h in found] == ["pod-proxy"] * 3 + ["service-proxy"] * 3


def test_whatever_an_application_says_its_port_is_open(asker: Asker) -> None:
    ports = (shop.CLOSES, shop.BANNER, shop.UNAUTHORIZED, shop.STATUS, shop.RETRY, shop.REDIRECT)
    assert {h.outcome for h in proxied(asker, *[("odd", port) for port in ports])} == {Outcome.ACCEPTED}


def test_an_accept_that_is_reset_is_not_called_refused(asker: Asker) -> None:
    (found,) = proxied(asker, ("odd", shop.RESETS))
    assert found.outcome in (Outcome.RESET, Outcome.ACCEPTED)


def test_one_get_is_one_get(asker: Asker) -> None:
    def counted() -> int:
        response = asker.connection.get_response(
            f"/api/v1/namespaces/{asker.namespace}/pods/odd:{shop.COUNT}/proxy/"
        )
        return int(response.body)

    before = counted()
    proxied(asker, ("odd", shop.RETRY), ("odd", shop.REDIRECT))
    assert counted() - before == 2


def test_dropped_packets_are_told_from_a_silent_application(asker: Asker) -> None:
    closed, silent = proxied(asker, ("closed", 8080), ("odd", shop.SILENT))
    assert closed.outcome is Outcome.TIMEOUT
    assert isinstance(silent, Gap)


def listeners(asker: Asker, pod: str) -> Any:
    """What exec tells of a pod's sockets."""
    return asker.ask(ContainerExec(), LISTENERS, PodKey(asker.namespace, pod))[0]


def told(answer: Any) -> list[tuple[str, str]]:
    """(address:port, process) of each listener, sorted."""
    return sorted((s.shown, s.owner) for s in answer.sockets)


def test_exec_reads_sockets_and_names(asker: Asker) -> None:
    assert told(listeners(asker, "loop")) == [("127.0.0.1:8080", "httpd (pid 1)")]
    assert told(listeners(asker, "mapped")) == [
        ("127.0.0.1:8080", "python3 (pid 1)"),
        ("[::1]:8081", "python3 (pid 1)"),
        ("[::]:8082", "python3 (pid 1)"),
    ]


def test_exec_finds_the_name_in_the_other_container(asker: Asker) -> None:
    assert told(listeners(asker, "two")) == [("[::]:8080", "httpd (pid 1)")]


def test_exec_does_without_a_shell_but_not_without_any_program(asker: Asker) -> None:
    assert told(listeners(asker, "noshell")) == [("[::]:8080", "")]
    assert listeners(asker, "bare").because == "the image has neither sh nor cat"


@pytest.mark.parametrize("name", ["crash", "pending"])
def test_exec_leaves_pods_alone_that_do_not_run(asker: Asker, name: str) -> None:
    def at_rest(answer: Any) -> bool:
        return isinstance(answer, Gap)

    assert "none of its containers runs" in eventually(lambda: listeners(asker, name), at_rest).because


def test_an_ephemeral_container_reads_what_exec_cannot(asker: Asker) -> None:
    keys = [PodKey(asker.namespace, name) for name in ("bare", "loop")]
    bare, loop = asker.ask(EphemeralContainer(), LISTENERS, *keys)
    assert told(bare) == [("127.0.0.1:8080", "")]
    assert told(loop) == [("127.0.0.1:8080", "httpd (pid 1)")]
    for pod in asker.pods("bare", "loop"):
        (made,) = pod["spec"]["ephemeralContainers"]
        assert made["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert any("stays in the pod's spec" in undone for _, undone in asker.ledger.entries)


def test_an_ephemeral_container_satisfies_restricted(cluster: Cluster) -> None:
    namespace = fresh_namespace(cluster, {"pod-security.kubernetes.io/enforce": "restricted"})
    restricted = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    container = {**shop.shell("exec httpd -f -p 8080"), "securityContext": restricted}
    security = {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}}
    cluster.apply(json.dumps(shop.pod("safe", container, securityContext=security)), namespace=namespace)
    cluster.kubectl("wait", "-n", namespace, "--for=condition=Ready", "pod/safe", "--timeout=40s")
    asker = Asker(cluster, namespace)
    (found,) = asker.ask(EphemeralContainer(), LISTENERS, PodKey(namespace, "safe"))
    assert told(found) == [("[::]:8080", "httpd (pid 1)")]
    cluster.client().call("DELETE", f"/api/v1/namespaces/{namespace}")


def test_a_dry_run_changes_nothing(asker: Asker) -> None:
    path = f"/api/v1/namespaces/{asker.namespace}/services/web"
    good, bad = asker.ask(
        ServerDryRun(),
        DRY_RUN,
        PatchKey(path, '{"spec":{"selector":{"app":"other"}}}'),
        PatchKey(path, '{"spec":{"ports":[{"port":99999}]}}'),
    )
    assert good.accepted
    assert not bad.accepted
    assert "must be between 1 and 65535" in bad.message
    service = asker.snapshot("web").service(asker.namespace, "web")
    assert service is not None
    assert service.spec.selector == {"app": "web"}


# A user who may do everything below, so that each right can be taken away in turn.
RIGHTS = {
    "": ["services", "pods", "events", "pods/log", "pods/portforward", "pods/proxy", "pods/exec"],
    "discovery.k8s.io": ["endpointslices"],
    "networking.k8s.io": ["networkpolicies"],
    "apps": ["deployments"],
}


@pytest.mark.parametrize(
    ("taken", "what"),
    [
        ("services", "Services"),
        ("endpointslices", "EndpointSlices"),
        ("networkpolicies", "NetworkPolicies"),
        ("events", "Events"),
        ("pods/log", "the log of loop/c0"),
        ("pods/portforward", "port-forward to pod/loop:8080"),
        ("pods/proxy", "a TCP dial to"),
        ("pods/exec", "listening sockets of pod/loop"),
    ],
)
def test_a_missing_right_is_a_gap_that_names_it(asker: Asker, taken: str, what: str) -> None:
    user = f"without-{taken.replace('/', '-')}"
    rules = [
        {
            "apiGroups": [group],
            "resources": [r for r in names if r != taken],
            "verbs": ["get", "list", "create"],
        }
        for group, names in RIGHTS.items()
    ]
    rules = [rule for rule in rules if rule["resources"]]
    about: dict[str, Any] = {"apiGroup": "rbac.authorization.k8s.io"}
    grant(asker, user, rules, about)
    limited = asker.impersonating(user)
    gaps = [gap for gap in everything(limited) if gap.what.startswith(what)]
    assert gaps
    assert taken in gaps[0].because
    assert gaps[0].remedy.startswith("grant ")
    limited.connection.close()


def grant(asker: Asker, user: str, rules: list[dict[str, Any]], about: dict[str, Any]) -> None:
    """Give the user these rights in the namespace."""
    kind: dict[str, Any] = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": user}}
    role = {**kind, "kind": "Role", "rules": rules}
    binding = {
        **kind,
        "kind": "RoleBinding",
        "roleRef": {**about, "kind": "Role", "name": user},
        "subjects": [{**about, "kind": "User", "name": user}],
    }
    items = {"apiVersion": "v1", "kind": "List", "items": [role, binding]}
    asker.cluster.apply(json.dumps(items), namespace=asker.namespace)


def everything(asker: Asker) -> list[Gap]:
    """Ask all witnesses about one pod; return what they could not tell."""
    namespace, loop = NamespaceKey(asker.namespace), PodKey(asker.namespace, "loop")
    snapshot = asker.snapshot("web")
    (pods,) = asker.ask(ObjectReads(), PODS_IN, namespace)
    dials = [Dial(pod.status.pod_ip, 8080) for pod in pods if pod.metadata.name == "loop"]
    seen = fold([Change(0, value=pod) for pod in pods])
    answers = [
        *asker.ask(ObjectReads(), POLICIES_IN, namespace),
        *asker.ask(ObjectReads(), EVENTS, loop),
        *asker.ask(ContainerLog(), LOG, ContainerKey(loop.namespace, loop.name, "c0")),
        *asker.ask(PortForward(), FORWARD, PodPort(loop.namespace, loop.name, 8080)),
        *asker.ask(PodProxy(), HANDSHAKE, *dials, snapshot=seen),
        *asker.ask(ContainerExec(), LISTENERS, loop, snapshot=seen),
    ]
    return [*snapshot.gaps, *(answer for answer in answers if isinstance(answer, Gap))]
