"""The NetworkPolicy enforcer's pure half: what the objects allow, and what nftables is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.cluster.policy_model import Allowance, Isolation, Peers, Port, World, isolations
from tests.cluster.policy_rules import ruleset


def pod(
    name: str, *addresses: str, namespace: str = "shop", ports: Sequence[tuple[str, int]] = ()
) -> dict[str, Any]:
    """A running pod on node1, labelled with its name."""
    declared = [{"name": port, "containerPort": number} for port, number in ports]
    return {
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}},
        "spec": {"nodeName": "node1", "containers": [{"name": "main", "ports": declared}]},
        "status": {"phase": "Running", "podIPs": [{"ip": address} for address in addresses]},
    }


WEB = pod("web", "10.202.1.2", ports=(("http", 8080),))
DATABASE = pod("db", "10.202.1.3", ports=(("sql", 5432),))
STRANGER = pod("stranger", "10.202.2.9", namespace="other", ports=(("sql", 9999),))


def policy(**spec: object) -> dict[str, Any]:
    """A policy of the namespace `shop` that chooses the pod `web`."""
    chosen = {"podSelector": {"matchLabels": {"app": "web"}}, **spec}
    return {"metadata": {"name": "one", "namespace": "shop"}, "spec": chosen}


def worked_out(*policies: dict[str, Any]) -> list[Isolation]:
    """The isolations that the policies make in the world of the three pods."""
    spaces = tuple({"metadata": {"name": name, "labels": {"team": name}}} for name in ("shop", "other"))
    return isolations(World(policies, (WEB, DATABASE, STRANGER), spaces))


def test_a_policy_without_rules_isolates_and_allows_nothing() -> None:
    (one,) = worked_out(policy())
    assert (one.address, one.direction, one.allowed) == ("10.202.1.2", "ingress", ())


def test_egress_rules_isolate_outwards_even_without_policy_types() -> None:
    directions = [one.direction for one in worked_out(policy(egress=[{}]))]
    assert directions == ["egress", "ingress"]


def test_an_empty_rule_allows_everybody_and_an_empty_peer_list_too() -> None:
    (one,) = worked_out(policy(ingress=[{}, {"from": []}]))
    assert one.allowed == (Allowance(Peers()),)


def test_two_policies_only_ever_add() -> None:
    first = policy(ingress=[{"ports": [{"port": 1}]}])
    (one,) = worked_out(first, policy(ingress=[{"ports": [{"port": 2}]}]))
    assert [allowance.port for allowance in one.allowed] == [Port("tcp", 1, 1), Port("tcp", 2, 2)]


def test_a_pod_selector_alone_means_the_policys_own_namespace() -> None:
    (one,) = worked_out(policy(ingress=[{"from": [{"podSelector": {}}]}]))
    assert one.allowed[0].peers.addresses == ("10.202.1.2", "10.202.1.3")


def test_a_namespace_selector_with_a_pod_selector_takes_both_together() -> None:
    expression = {"key": "team", "operator": "NotIn", "values": ["shop"]}
    pods = {"podSelector": {"matchLabels": {"app": "stranger"}}}
    side = {"namespaceSelector": {"matchExpressions": [expression]}, **pods}
    (one,) = worked_out(policy(ingress=[{"from": [side]}]))
    assert one.allowed[0].peers.addresses == ("10.202.2.9",)


def test_a_named_port_inwards_is_the_pods_own_and_outwards_each_peers() -> None:
    inwards = policy(ingress=[{"ports": [{"port": "http"}]}])
    everywhere = {"to": [{"namespaceSelector": {}}], "ports": [{"port": "sql"}]}
    outwards = policy(policyTypes=["Egress"], egress=[everywhere])
    egress, ingress = worked_out(inwards, outwards)
    assert ingress.allowed == (Allowance(Peers(), Port("tcp", 8080, 8080)),)
    assert {(one.peers.addresses, one.port.first) for one in egress.allowed if one.port} == {
        (("10.202.1.3",), 5432),
        (("10.202.2.9",), 9999),
    }


def test_pods_that_have_ended_or_use_the_nodes_network_are_no_peers() -> None:
    ended = {**DATABASE, "status": {**DATABASE["status"], "phase": "Succeeded"}}
    on_node = {**STRANGER, "spec": {**STRANGER["spec"], "hostNetwork": True}}
    rule = policy(ingress=[{"from": [{"namespaceSelector": {}}]}])
    spaces = ({"metadata": {"name": "shop"}}, {"metadata": {"name": "other"}})
    (one,) = isolations(World((rule,), (WEB, ended, on_node), spaces))
    assert one.allowed[0].peers.addresses == ("10.202.1.2",)


def test_the_ruleset_says_ranges_exceptions_and_port_ranges() -> None:
    block = {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}
    ports = [{"port": 30, "endPort": 40, "protocol": "UDP"}]
    lines = ruleset(worked_out(policy(ingress=[{"from": [block], "ports": ports}])), {}, "drop").splitlines()
    assert "ip saddr 10.0.0.0/8 ip saddr != { 10.1.0.0/16 } udp dport 30-40 return" in lines


def test_a_peer_selector_that_finds_nobody_lets_nobody_in() -> None:
    side = {"podSelector": {"matchLabels": {"app": "ghost"}}}
    text = ruleset(worked_out(policy(ingress=[{"from": [side]}])), {}, "drop")
    chain = text.split("chain ingress_10_202_1_2 {\n")[1].split("}")[0].splitlines()
    assert chain == ["ip saddr 10.202.1.2 ip daddr 10.202.1.2 return", "drop"]


def test_a_namespace_chooses_what_a_denied_packet_meets() -> None:
    isolated = worked_out(policy())
    assert "meta l4proto tcp reject with tcp reset" in ruleset(isolated, {"shop": "reset"}, "drop")
    assert "reject" not in ruleset(isolated, {"other": "reject"}, "drop")


def test_a_pod_of_both_families_is_isolated_in_both_and_a_peer_in_both() -> None:
    web, friend = pod("web", "10.202.1.2", "fd00::2"), pod("friend", "10.202.1.4", "fd00::4")
    rule = policy(ingress=[{"from": [{"podSelector": {"matchLabels": {"app": "friend"}}}]}])
    found = isolations(World((rule,), (web, friend), ({"metadata": {"name": "shop"}},)))
    assert [one.address for one in found] == ["10.202.1.2", "fd00::2"]
    text = ruleset(found, {}, "drop")
    chain = text.split("chain ingress_fd00__2 {\n")[1].split("}\n")[0].splitlines()
    assert "ip6 saddr { fd00::4 } return" in chain
    assert "ip6 daddr fd00::2 jump ingress_fd00__2" in text


def test_neighbour_discovery_passes_whatever_the_policies() -> None:
    lines = ruleset(worked_out(policy(egress=[], policyTypes=["Egress"])), {}, "drop").splitlines()
    hooks = [at for at, line in enumerate(lines) if line.startswith("type filter hook")]
    assert len(hooks) == 2
    for at in hooks:
        assert lines[at + 2].startswith("icmpv6 type { nd-router-solicit, nd-neighbor-solicit")
