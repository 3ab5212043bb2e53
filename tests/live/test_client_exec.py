"""Dials from inside real client pods, and from this machine, on a real cluster."""

from __future__ import annotations

import json
import secrets
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from msgspec.structs import replace

from kubectl_refused.connection import exec as exec_of_connection
from kubectl_refused.connection.client import connect
from kubectl_refused.connection.errors import Cancelled
from kubectl_refused.connection.options import ConnectionOptions
from kubectl_refused.decoders import converted
from kubectl_refused.model.facts import HANDSHAKE, LOOKUP, Dial, FactStore, NameKey, Need
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.observation import Handshake, Outcome
from kubectl_refused.model.snapshot import Snapshot
from kubectl_refused.model.target import Target
from kubectl_refused.probes import agent_round
from kubectl_refused.probes.base import Ledger, Method, ProbeContext, ProbeSettings
from kubectl_refused.probes.client_exec import CANNOT, ClientExec
from kubectl_refused.probes.clients import Client
from kubectl_refused.probes.here import Here
from kubectl_refused.probes.probe_pod import ProbePod
from kubectl_refused.probes.prober import Prober
from tests.cluster.api import Cluster
from tests.live.conftest import fresh_namespace
from tests.live.people import Grant, person
from tests.live.witness_shop import NO_PROGRAMS, pod, python, service, shell

SLEEPS = "import time; time.sleep(3600)"
NO_SHELL = "import os, time\nfor name in ('sh', 'ash', 'bash'):\n  p = '/usr/bin/' + name\n"
NO_SHELL += "  if os.path.lexists(p): os.remove(p)\ntime.sleep(3600)"
NOBODYS = "10.96.255.250"  # a ClusterIP that no Service has: nobody answers
AS_ROOT = {"securityContext": {"runAsUser": 0}}
BLOCKED = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "blocked"},
    "spec": {"podSelector": {"matchLabels": {"app": "blocked"}}, "policyTypes": ["Egress"]},
}

OBJECTS: list[dict[str, Any]] = [
    BLOCKED,
    pod("web", shell("exec httpd -f -p 8080")),
    service("web", {"app": "web"}, 80, 8080),
    service("wrong", {"app": "web"}, 80, 9999),
    service("none", {"app": "nobody"}, 80, 80),
    pod("py", python(SLEEPS), securityContext={"runAsUser": 1000}),
    pod("box", shell("exec sleep 3600"), securityContext={"runAsUser": 1000}),
    pod("bare", shell(NO_PROGRAMS), **AS_ROOT),
    pod("shellless", python(NO_SHELL), **AS_ROOT),
    pod("two", shell(NO_PROGRAMS), python(SLEEPS), **AS_ROOT),
    pod("leaves", python(SLEEPS)),
    pod("busy", python(SLEEPS)),
    pod("blocked", python(SLEEPS)),
]


class Shop:
    """The namespace, and questions from its pods as the prober puts them."""

    def __init__(self, cluster: Cluster, namespace: str, kubeconfig: Path | None = None, user: str = "") -> None:
        options = ConnectionOptions(
            kubeconfig=str(kubeconfig or cluster.kubeconfig), impersonate_user=user or None
        )
        self.cluster, self.namespace, self.ledger = cluster, namespace, Ledger()
        self.connection = connect(options)

    def read(self, kind: str, name: str) -> dict[str, Any]:
        """An object as the API server has it, read by the administrator."""
        found: dict[str, Any] = self.cluster.client().call(
            "GET", f"/api/v1/namespaces/{self.namespace}/{kind}/{name}"
        )
        return found

    def ip(self, name: str) -> str:
        """The ClusterIP of `svc/NAME`, else the address of pod NAME."""
        if name.startswith("svc/"):
            return str(self.read("services", name[4:])["spec"]["clusterIP"])
        return str(self.read("pods", name)["status"]["podIP"])

    def client(self, name: str) -> Client:
        """What `--from pod/NAME` is worked out to."""
        found = converted(self.read("pods", name), Pod)
        return Client(
            key=f"pod/{name}",
            standing="pod",
            namespace=self.namespace,
            node=found.spec.node_name or "",
            name=f"pod/{name}",
            labels=tuple(sorted((found.metadata.labels or {}).items())),
            pod=found,
        )

    def context(self, *clients: Client, **settings: Any) -> ProbeContext:
        """A run with these clients."""
        return ProbeContext(
            connection=self.connection,
            target=Target("web", self.namespace),
            snapshot=Snapshot(),
            facts=FactStore(),
            settings=ProbeSettings(**{"dial_timeout": 2.0, "probe_pod_timeout": 30.0, **settings}),
            ledger=self.ledger,
            run_id=secrets.token_hex(3),
            clients=clients,
        )

    def dial(self, method: Method, name: str, *dials: tuple[str, int], **settings: Any) -> list[Any]:
        """Answers to (address, port) dialled from pod NAME."""
        context = self.context(self.client(name), **settings)
        needs = [Need(HANDSHAKE, Dial(host, port, f"pod/{name}")) for host, port in dials]
        takes: Any = getattr(method, "takes", None)
        assert all(takes(need, context) for need in needs)
        answers = dict(method.learn(needs, context))
        return [answers[need] for need in needs]

    def inside(self, name: str, script: str) -> str:
        """What a script of the test's own says in the pod."""
        return self.cluster.kubectl("exec", "-n", self.namespace, name, "--", "busybox", "sh", "-c", script).stdout


@pytest.fixture(scope="module")
def shop(cluster: Cluster) -> Iterator[Shop]:
    """A namespace with a server, broken Services and clients of all sorts."""
    namespace = fresh_namespace(cluster, {"kubectl-refused.test/policy-style": "drop"})
    items = {"apiVersion": "v1", "kind": "List", "items": OBJECTS}
    cluster.apply(json.dumps(items), namespace=namespace)
    leads = {"type": "ExternalName", "externalName": f"web.{namespace}.svc.cluster.local"}
    alias = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "alias"}, "spec": leads}
    cluster.apply(json.dumps(alias), namespace=namespace)
    cluster.kubectl("wait", "-n", namespace, "--for=condition=Ready", "pod", "--all", "--timeout=60s")
    found = Shop(cluster, namespace)
    yield found
    found.connection.close()
    cluster.client().call("DELETE", f"/api/v1/namespaces/{namespace}")


def three(shop: Shop) -> list[tuple[str, int]]:
    """A Service that works, one that sends to a wrong port, and one without endpoints."""
    return [(shop.ip(name), 80) for name in ("svc/web", "svc/wrong", "svc/none")]


@pytest.mark.parametrize("protocols", [exec_of_connection.PROTOCOLS, ("v4.channel.k8s.io",)], ids=["v5", "v4"])
def test_a_client_with_python_tells_who_refused(
    shop: Shop, protocols: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exec_of_connection, "PROTOCOLS", protocols)
    method = ClientExec()
    found = shop.dial(method, "py", *three(shop))
    assert [h.outcome for h in found] == [Outcome.ACCEPTED, Outcome.REFUSED, Outcome.REJECTED]
    assert {(h.witness, h.source) for h in found} == {("client-exec", shop.ip("py"))}
    assert found[1].icmp is None
    assert found[2].icmp.offender == f"{shop.ip('py').rpartition('.')[0]}.1"
    vantage = method.vantages["pod/py"]
    node = shop.read("pods", "py")["spec"]["nodeName"]
    assert (vantage.kind, str(vantage), vantage.address) == ("client", f"inside pod/py on {node}", shop.ip("py"))
    assert method.unlikes == ()


def test_a_client_with_busybox_tells_refused_from_accepted(shop: Shop) -> None:
    method = ClientExec()
    accepted, refused, rejected = shop.dial(method, "box", *three(shop))
    assert accepted.outcome is Outcome.ACCEPTED
    assert (refused.outcome, rejected.outcome) == (Outcome.REFUSED, Outcome.REFUSED)
    assert [gap.what for gap in method.unlikes] == ["who refused pod/box"]


def test_names_resolve_as_the_client_sees_them(shop: Shop) -> None:
    context = shop.context(shop.client("py"))
    need = Need(LOOKUP, NameKey("web", "pod/py"))
    answers = dict(ClientExec().learn([need], context))
    assert answers[need].addresses == (shop.ip("svc/web"),)


@pytest.mark.parametrize("client", ["py", "box"])
def test_a_short_name_that_is_an_alias_is_searched_for_as_libc_does(shop: Shop, client: str) -> None:
    """busybox's nslookup itself tries no search list for a name with dots."""
    need = Need(LOOKUP, NameKey(f"alias.{shop.namespace}.svc", f"pod/{client}"))
    answers = dict(ClientExec().learn([need], shop.context(shop.client(client))))
    assert answers[need].addresses == (shop.ip("svc/web"),), answers


def test_python_without_a_shell_and_a_second_container_do(shop: Shop) -> None:
    for name in ("shellless", "two"):
        (said,) = shop.dial(ClientExec(), name, (shop.ip("web"), 8080))
        assert (said.outcome, said.source) == (Outcome.ACCEPTED, shop.ip(name))


def test_a_client_without_programs_is_a_gap(shop: Shop) -> None:
    method = ClientExec()
    (gap,) = shop.dial(method, "bare", (shop.ip("web"), 8080))
    assert isinstance(gap, Gap), gap
    assert (gap.what, gap.because) == ("a dial inside pod/bare", CANNOT)
    assert method.vantages == {}


def test_then_a_pod_like_it_stands_in(shop: Shop) -> None:
    context = shop.context(shop.client("bare"), dial_timeout=4.0)
    prober = Prober([ClientExec(), ProbePod()], context)
    need = Need(HANDSHAKE, Dial(shop.ip("web"), 8080, "pod/bare"))
    ((_, said),) = prober.learn([need], Snapshot(), FactStore())
    assert (said.outcome, said.witness) == (Outcome.ACCEPTED, "probe-pod")
    assert [v.kind for v in prober.vantages()] == ["stand-in"]
    assert CANNOT in [gap.because for gap in prober.gaps_about([need])]
    prober.close()


def test_an_egress_policy_stops_the_client_and_not_its_neighbour(shop: Shop) -> None:
    (stopped,) = shop.dial(ClientExec(), "blocked", (shop.ip("svc/web"), 80))
    (passed,) = shop.dial(ClientExec(), "py", (shop.ip("svc/web"), 80))
    assert (stopped.outcome, stopped.tries, passed.outcome) == (Outcome.TIMEOUT, 2, Outcome.ACCEPTED)


def test_many_dials_fit_in_one_exec(shop: Shop) -> None:
    made, web = shop.connection.requests_made, shop.ip("web")
    found = shop.dial(ClientExec(), "py", *[(web, port) for port in range(8000, 8600)])
    assert sorted({h.outcome for h in found}) == [Outcome.ACCEPTED, Outcome.REFUSED]
    assert [h.port for h in found if h.outcome is Outcome.ACCEPTED] == [8080]
    assert shop.connection.requests_made - made == 1


def test_without_the_right_to_exec_the_gap_names_it(shop: Shop, tmp_path: Path) -> None:
    poor = Shop(
        shop.cluster, shop.namespace, person(shop.cluster, shop.namespace, [Grant("get", "pods")], tmp_path)
    )
    (gap,) = poor.dial(ClientExec(), "py", (shop.ip("web"), 8080))
    assert gap.because.endswith(f"pods/exec in namespace {shop.namespace}")
    assert gap.because.startswith("forbidden: ")
    assert poor.ledger.entries == ()
    poor.connection.close()


def test_with_get_and_create_on_exec_alone_it_works(shop: Shop, tmp_path: Path) -> None:
    grants = [Grant("get", "pods/exec"), Grant("create", "pods/exec")]
    able = Shop(shop.cluster, shop.namespace, person(shop.cluster, shop.namespace, grants, tmp_path))
    (said,) = able.dial(ClientExec(), "py", (shop.ip("web"), 8080))
    assert said.outcome is Outcome.ACCEPTED
    assert [what for what, _ in able.ledger.entries] == ["exec in pod/py: the probe agent"]
    able.connection.close()


def test_whom_one_acts_as_decides(shop: Shop) -> None:
    nobody = Shop(shop.cluster, shop.namespace, user="nobody-in-particular")
    (gap,) = nobody.dial(ClientExec(), "py", (shop.ip("web"), 8080))
    assert gap.because.startswith("forbidden: ")
    nobody.connection.close()


def answered_while(shop: Shop, name: str, then: Any) -> tuple[Any, float]:
    """The answer to a silent dial from pod NAME, `then` done a second later; and the seconds it took."""
    timer = threading.Timer(1.0, then)
    timer.start()
    began = time.monotonic()
    (answer,) = shop.dial(ClientExec(), name, (NOBODYS, 80), dial_timeout=20.0)
    timer.join()
    return answer, time.monotonic() - began


def test_a_client_that_goes_meanwhile_is_a_gap(shop: Shop) -> None:
    path = f"/api/v1/namespaces/{shop.namespace}/pods/leaves"
    gap, seconds = answered_while(shop, "leaves", lambda: shop.cluster.client().call("DELETE", path))
    assert isinstance(gap, Gap), gap
    assert gap.because.startswith("the probe inside it")
    assert seconds < 15


def test_a_client_that_is_gone_is_a_gap(shop: Shop) -> None:
    client = replace(shop.client("py"), key="gone")
    assert client.pod is not None
    renamed = replace(client.pod, metadata=replace(client.pod.metadata, name="gone"))
    need = Need(HANDSHAKE, Dial(shop.ip("web"), 8080, "gone"))
    context = shop.context(replace(client, pod=renamed))
    assert dict(ClientExec().learn([need], context))[need].because == 'pods "gone" not found'


KILL = """for d in /proc/[0-9]*; do grep -q 'std[i]n.buffer' $d/cmdline && kill -9 "${d#/proc/}"; done; true"""
AGENTS = """grep -l 'std[i]n.buffer' /proc/[0-9]*/cmdline; true"""


def test_a_killed_agent_is_a_gap(shop: Shop) -> None:
    gap, seconds = answered_while(shop, "busy", lambda: shop.inside("busy", KILL))
    assert isinstance(gap, Gap), gap
    assert "killed: SIGKILL" in gap.because
    assert seconds < 15


def test_cancelling_ends_the_wait_at_once_and_the_agent_with_its_stream(shop: Shop) -> None:
    """The end of a cut stream reaches the command as the end of its input (containerd 1.6)."""
    other = Shop(shop.cluster, shop.namespace)
    began = time.monotonic()
    with pytest.raises(Cancelled):
        answered_while(other, "busy", other.connection.cancel.set)
    assert time.monotonic() - began < 5
    other.connection.close()
    while left := shop.inside("busy", AGENTS):
        assert time.monotonic() - began < agent_round.ALARM / 2, left
        time.sleep(0.2)


# From this machine. Its own network reaches the API server's end of a veth only, so the rest is dialled from the
# cluster's outer namespace, into which the child is put.


def dialled_here(shop: Shop, *dials: tuple[str, int]) -> list[Handshake]:
    """Answers of the method `here`."""
    context = shop.context(Client(key="here", standing="here"), dial_timeout=4.0)  # an ICMP 3/1 comes after 3 s
    needs = [Need(HANDSHAKE, Dial(host, port, "here")) for host, port in dials]
    answers = dict(Here().learn(needs, context))
    return [answers[need] for need in needs]


def test_this_machine_reaches_the_api_server(shop: Shop) -> None:
    server = urlsplit(shop.connection.server)
    assert server.hostname
    accepted, refused = dialled_here(shop, (server.hostname, server.port or 443), (server.hostname, 9))
    assert (accepted.outcome, refused.outcome) == (Outcome.ACCEPTED, Outcome.REFUSED)
    assert accepted.witness == "here"


def test_a_machine_with_routes_to_the_pods_tells_who_refused(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = tmp_path / "python"
    there.write_text(f'#!/bin/sh\nexec nsenter --net={shop.cluster.outer_netns()} {sys.executable} "$@"\n')
    there.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(there))
    web = shop.ip("web")
    accepted, refused, gone = dialled_here(shop, (web, 8080), (web, 9999), (f"{web.rpartition('.')[0]}.254", 80))
    assert [h.outcome for h in (accepted, refused)] == [Outcome.ACCEPTED, Outcome.REFUSED]
    assert accepted.source == "10.201.0.1"
    assert gone.outcome in (Outcome.TIMEOUT, Outcome.UNREACHABLE)
    assert gone.icmp
    assert (gone.icmp.type, gone.icmp.code) == (3, 1)
