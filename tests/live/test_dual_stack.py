"""IPv6 beside IPv4, live: the cluster refuses in IPv6 as in IPv4, and the tool names who and why."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

import pytest

from tests.cluster.api import Cluster
from tests.cluster.options import PREFIX_V6, node_address_v6, node_gateway_v6

from .dual_stack_shop import RESOLVE, Shop, dual_stack, open_shop
from .tool import Answer, refused, until

NFTABLES, IPTABLES = dual_stack("nftables"), dual_stack("iptables")
on_nftables = pytest.mark.parametrize("cluster", [NFTABLES], indirect=True)
on_both = pytest.mark.parametrize("cluster", [NFTABLES, IPTABLES], indirect=True)
SETTLE_SECONDS = 30.0
# The wrong half of a dual-stack policy: it lets the IPv4 addresses in, and nobody of the IPv6 ones.
POLICY = """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: only-ipv4}
spec:
  podSelector: {matchLabels: {app: web}}
  policyTypes: [Ingress]
  ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8}}]}]
"""
NOTHING_OUT = """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web-only}
spec:
  podSelector: {matchLabels: {app: client}}
  policyTypes: [Egress]
  egress: [{to: [{podSelector: {matchLabels: {app: web}}}]}]
"""


@pytest.fixture(scope="module")
def shop(cluster: Cluster) -> Iterator[Shop]:
    """The shop, which no test may leave changed."""
    made = open_shop(cluster)
    yield made
    cluster.client().call("DELETE", f"/api/v1/namespaces/{made.namespace}")


# The cluster.


@on_nftables
def test_names_resolve_to_both_addresses(shop: Shop) -> None:
    web = shop.service("web")
    assert set(shop.in_client(RESOLVE, "web")) == set(web)
    assert set(shop.in_client(RESOLVE, "six")) == {shop.service("six").v6}
    assert web.v6.startswith(PREFIX_V6)


@on_both
def test_services_and_pods_accept_in_both_families(shop: Shop) -> None:
    web, six, (pod, _) = shop.service("web"), shop.service("six"), shop.pod("web")
    targets = [f"{web.v4}:80", f"[{web.v6}]:80", f"[{six.v6}]:80", f"{pod.v4}:8080", f"[{pod.v6}]:8080"]
    assert shop.dial(*targets) == ["accepted"] * len(targets)


@on_nftables
def test_a_node_port_of_the_other_family_is_named(shop: Shop) -> None:
    path = f"/api/v1/namespaces/{shop.namespace}/services"
    spec = {
        "type": "NodePort",
        "ipFamilyPolicy": "SingleStack",
        "ipFamilies": ["IPv4"],
        "selector": {"app": "web"},
    }
    body = {"metadata": {"name": "four"}, "spec": {**spec, "ports": [{"port": 80, "targetPort": 8080}]}}
    client = shop.cluster.client()
    client.create(path, body)
    try:
        port = client.call("GET", f"{path}/four")["spec"]["ports"][0]["nodePort"]
        words = (f"[{node_address_v6(1)}]:{port}", "-n", shop.namespace, "-o", "json")
        answer = until(
            partial(refused, shop.cluster.kubeconfig, *words), lambda told: told.code == 1, SETTLE_SECONDS
        )
    finally:
        client.call("DELETE", f"{path}/four")
    assert answer.root == "node-port-lacks-family", answer


@on_both
def test_who_refuses_in_ipv6_is_in_the_error_queue(shop: Shop) -> None:
    (pod, _), (_, home) = shop.pod("web"), shop.pod("client")
    gone = node_gateway_v6(home).replace("::1", "::fff")
    # The address given out may end in few digits: its last group is replaced, not its last characters.
    nobodys = shop.service("web").v6.rpartition(":")[0] + ":fffe"
    typo = f"[{shop.service('typo').v6}]:80"
    told = shop.dial(typo, f"[{pod.v6}]:9999", f"[{gone}]:80", f"[{nobodys}]:80")
    assert told == [
        f"ECONNREFUSED 1/4 {node_gateway_v6(home)}",
        "ECONNREFUSED",
        f"EHOSTUNREACH 1/3 {node_gateway_v6(home)}",
        "timeout",
    ]


@on_nftables
@pytest.mark.parametrize(
    ("style", "answer"),
    [
        ("drop", "timeout"),
        ("reject", "ECONNREFUSED 1/4"),
        ("reset", "ECONNREFUSED"),
        ("prohibit", "EACCES 1/1"),
    ],
)
def test_a_policy_answers_in_ipv6(shop: Shop, style: str, answer: str) -> None:
    pod, node = shop.pod("web")
    cluster, target = shop.cluster, f"[{pod.v6}]:8080"
    with_style(shop, style)
    cluster.apply(POLICY, namespace=shop.namespace)
    try:
        told = shop.dial_until(target, answer)
        assert shop.dial(f"{pod.v4}:8080") == ["accepted"]
    finally:
        cluster.kubectl("delete", "networkpolicy", "-n", shop.namespace, "only-ipv4")
    rejecters = [f" {address(node)}" for address in (node_gateway_v6, node_address_v6)]
    assert told in ([answer + one for one in rejecters] if "/" in answer else [answer])
    assert shop.dial_until(target, "accepted") == "accepted"


@on_nftables
def test_a_pod_that_may_hardly_speak_still_finds_its_neighbours(shop: Shop) -> None:
    pod, _ = shop.pod("web")
    other, _ = shop.pod("only4")
    with_style(shop, "reset")
    shop.cluster.apply(NOTHING_OUT, namespace=shop.namespace)
    try:
        assert shop.dial_until(f"{other.v4}:8080", "ECONNREFUSED") == "ECONNREFUSED"
        # Long enough unused, an entry of the neighbour table is asked for anew: here, at once.
        shop.cluster.run_on_node(shop.pod("client")[1], ["ip", "-6", "neigh", "flush", "all"])
        assert shop.dial(f"[{pod.v6}]:8080") == ["accepted"]
    finally:
        shop.cluster.kubectl("delete", "networkpolicy", "-n", shop.namespace, "web-only")
    assert shop.dial_until(f"{other.v4}:8080", "accepted") == "accepted"


def with_style(shop: Shop, style: str) -> None:
    """What a denied packet meets in the shop's namespace."""
    label = f"kubectl-refused.test/policy-style={style}"
    shop.cluster.kubectl("label", "ns", shop.namespace, label, "--overwrite")


# The tool.


class Fault(NamedTuple):
    """A Service of the shop: what the first three lines must say, what must stand anywhere, the exit code."""

    name: str
    heads: tuple[str, ...]
    shows: tuple[str, ...] = ()
    code: int = 1


FAULTS = (
    Fault(
        "only4",
        ("svc/only4:80 over IPv6 is refused: the app listens on IPv4 only", "KR405 · proved"),
        (
            "sockets 0.0.0.0:8080 LISTEN in only4-",
            "]:8080 answered RST",
            "Listen on IPv6 too",
            "✓ svc/only4:80 over IPv4 accepts",
        ),
    ),
    # KR406: IPv6 only.
    Fault(
        "only6",
        ("svc/only6:80 over IPv4 is refused: the app listens on IPv6 only", "KR405 · proved"),
        (
            "sockets [::]:8080 LISTEN in only6-",
            "Listen on IPv4 too",
            "✓ svc/only6:80 over IPv6 accepts",
        ),
    ),
    Fault(
        "loop",
        ("is refused: the app listens on 127.0.0.1 only", "KR403 · proved"),
        ("svc/loop:80 over IPv4 is refused", "svc/loop:80 over IPv6 is refused"),
    ),
    Fault(
        "wrong",
        ("svc/wrong:80 is refused: targetPort is 9999, the app listens on 8080", "KR401 · proved"),
        ("]:9999 answered RST", "]:8080 was dialled and accepted"),
    ),
    Fault("typo", ("svc/typo:80 cannot work: its selector matches no pod", "KR201 · proved")),
    Fault(
        "half",
        (
            "svc/half:80 over IPv6 cannot work: it has no selector, and no IPv6 endpoints were written for it",
            "KR216 · proved",
        ),
        ("✓ svc/half:80 over IPv4 accepts", "EndpointSlice of addressType IPv6"),
    ),
    # Nothing proves why: the packet's own word is what there is to tell, and it names who said it.
    Fault(
        "unready",
        ("svc/unready:80 is rejected",),
        (f"ICMP port unreachable from the service proxy of node{{home}} ({PREFIX_V6}:202{{home}}::1)",),
        code=3,
    ),
)


def diagnosis(shop: Shop, name: str) -> Answer:
    """The report that a person sees."""
    return refused(shop.cluster.kubeconfig, f"svc/{name}", "-n", shop.namespace)


def head(answer: Answer) -> str:
    """The first three lines, as one."""
    return " ".join(" ".join(answer.out.splitlines()[:3]).split())


def whole(answer: Answer) -> str:
    """The report as one line."""
    return " ".join(answer.out.split())


def assert_told(answer: Answer, fault: Fault) -> None:
    """Every text is where it must be."""
    assert all(text in head(answer) for text in fault.heads), answer
    choices = [[text.format(home=number) for number in (1, 2)] for text in fault.shows]
    assert all(any(text in whole(answer) for text in texts) for texts in choices), answer
    assert answer.code == fault.code, answer


@on_nftables
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_the_cause_is_in_the_first_three_lines(shop: Shop, fault: Fault) -> None:
    assert_told(diagnosis(shop, fault.name), fault)


@pytest.mark.parametrize("cluster", [IPTABLES], indirect=True)
@pytest.mark.parametrize("fault", [f for f in FAULTS if f.name in ("only4", "unready")], ids=lambda f: f.name)
def test_the_cause_is_in_the_first_three_lines_in_iptables_mode(shop: Shop, fault: Fault) -> None:
    assert_told(diagnosis(shop, fault.name), fault)


@on_both
def test_a_healthy_twin_is_healthy_in_both_families(shop: Shop) -> None:
    answer = diagnosis(shop, "web")
    assert answer.code == 0, answer
    assert "✓ svc/web:80 over IPv4 accepts: 1 of 1 endpoints accepted" in head(answer)
    assert "✓ svc/web:80 over IPv6 accepts" in whole(answer)
    assert "✗" not in answer.out


@on_nftables
def test_a_healthy_twin_is_healthy_in_ipv6_alone(shop: Shop) -> None:
    answer = diagnosis(shop, "six")
    assert answer.code == 0, answer
    assert head(answer).startswith("✓ svc/six:80 accepts: 1 of 1 endpoints accepted")
    assert "✗" not in answer.out


@on_nftables
@pytest.mark.parametrize(
    ("style", "says"),
    [("reject", "ICMP port unreachable from"), ("prohibit", "ICMP administratively prohibited from")],
)
def test_a_policy_that_forgets_ipv6_is_named(cluster: Cluster, shop: Shop, style: str, says: str) -> None:
    with_style(shop, style)
    cluster.apply(POLICY, namespace=shop.namespace)
    try:
        answer = until(lambda: diagnosis(shop, "web"), lambda told: told.code == 1, SETTLE_SECONDS)
    finally:
        cluster.kubectl("delete", "networkpolicy", "-n", shop.namespace, "only-ipv4")
    assert "svc/web:80 over IPv6 is rejected: NetworkPolicy only-ipv4 does not let the probe in" in head(answer)
    assert "KR309 · proved" in head(answer), answer
    assert says in whole(answer), answer
    assert "✓ svc/web:80 over IPv4 accepts" in whole(answer), answer
