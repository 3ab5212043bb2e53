"""What recorded rules do with a connection: nft's JSON, firewalld's chains in it, ufw's in iptables-save."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_refused.host.iptables import parse_iptables
from kubectl_refused.host.nftables import parse_nft
from kubectl_refused.model.firewall import Action, Chain, Firewall, Rule
from kubectl_refused.trace.firewalls import OUTSIDE, Packet, Stop, stops

RECORDED = Path(__file__).parent / "recorded"
NATIVE = Firewall(parse_nft((RECORDED / "native.json").read_text()))
FIREWALLD = Firewall(parse_nft((RECORDED / "firewalld.json").read_text()))
UFW = Firewall(parse_iptables((RECORDED / "ufw.rules").read_text(), "ip"))


def _to(port: int, source: str = "10.9.0.2", interface: str = OUTSIDE, to: str = "10.9.0.1") -> Packet:
    return Packet(source, to, port, interface_in=interface)


def _told(stop: Stop) -> tuple[str, str, str, bool]:
    return stop.called, stop.action.value, stop.answer, stop.certain


@pytest.mark.parametrize(
    ("packet", "told"),
    [
        (_to(8080), [("handle 7 of nft inet filter input", "reject", "tcp reset", True)]),
        (_to(8080, "192.0.2.8"), [("the policy of nft inet filter input", "drop", "", True)]),
        (_to(8005), []),
        (_to(8011), [("the policy of nft inet filter input", "drop", "", True)]),
        (_to(8080, interface="lo"), []),
        (_to(9000), [("handle 10 of nft inet filter input", "reject", "port-unreachable", True)]),
        (_to(9001), [("handle 11 of nft inet filter input", "reject", "admin-prohibited", True)]),
        (_to(9100), [("handle 13 of nft inet filter input", "drop", "", True)]),
        (_to(9101), [("the policy of nft inet filter input", "drop", "", True)]),
        (_to(9101, to="10.9.0.9"), [("handle 16 of nft inet filter more", "drop", "", True)]),
        # Behind a rule that accepts now and then, what stops the rest is only possible.
        (_to(9200), [("the policy of nft inet filter input", "drop", "", False)]),
        (_to(8080, "fd00::2", to="fd00::1"), [("the policy of nft inet filter input", "drop", "", True)]),
    ],
)
def test_nftables(packet: Packet, told: list[tuple[str, str, str, bool]]) -> None:
    assert [_told(stop) for stop in stops(NATIVE, packet, "input")] == told


def test_firewalld() -> None:
    assert stops(FIREWALLD, _to(8080, interface="eth0"), "input") == ()
    *_, last = stops(FIREWALLD, _to(8081), "input")
    assert _told(last) == ("handle 17 of nft inet firewalld filter_IN_public", "reject", "admin-prohibited", True)
    assert last.manager == "firewalld"


@pytest.mark.parametrize(
    ("packet", "told"),
    [
        (_to(22), []),
        (_to(5432), []),
        (_to(5432, "192.0.2.1"), [("the policy of iptables filter INPUT", "drop", "", True)]),
        (_to(8003), []),
        (_to(9443), []),
        (_to(9999), [("rule 4 of iptables filter ufw-user-input", "reject", "tcp reset", True)]),
        (_to(445), [("rule 1 of iptables filter ufw-skip-to-policy-input", "drop", "", True)]),
        (_to(8080), [("the policy of iptables filter INPUT", "drop", "", True)]),
        (_to(8080, interface="lo"), []),
    ],
)
def test_ufw(packet: Packet, told: list[tuple[str, str, str, bool]]) -> None:
    assert [_told(stop) for stop in stops(UFW, packet, "input")] == told


def test_rules_of_ufw_are_known_as_its() -> None:
    (stop,) = stops(UFW, _to(9999), "input")
    assert stop.manager == "ufw"
    assert stop.rule is not None
    assert stop.rule.comment == "no ten nines"


@pytest.mark.parametrize(
    ("rule", "stopped"),
    [
        ("-A INPUT -p tcp -m tcp --dport 80 -j DROP", [True]),
        ("-A INPUT ! -s 10.9.0.0/24 -p tcp -m tcp --dport 80 -j DROP", []),
        ("-A INPUT -p tcp -m tcp --dport 80 -m string --string x --algo bm -j DROP", [False]),
        ("-A INPUT -p tcp -m tcp --dport 80 -m iprange --src-range 10.9.0.1-10.9.0.9 -j DROP", [True]),
        ("-A INPUT -p tcp -m tcp --dport 80 --tcp-flags FIN,SYN,RST,ACK SYN -j DROP", [True]),
        ("-A INPUT -p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN -m conntrack --ctstate NEW -j DROP", []),
        ("-A INPUT -p udp -m udp --dport 80 -j DROP", []),
        ("-A INPUT -i eth+ -j DROP", [True]),
        ("-A INPUT -i wlan0 -j DROP", []),
        ("[7:420] -A INPUT -p tcp -j DROP", [True]),
        ("-A INPUT -j NFQUEUE --queue-num 1", []),
        ("-A INPUT -j 'unclosed", []),
    ],
)
def test_single_rules_of_iptables(rule: str, stopped: list[bool]) -> None:
    chains = parse_iptables(f"*filter\n:INPUT ACCEPT [0:0]\n{rule}\nCOMMIT\n", "ip")
    assert [s.certain for s in stops(Firewall(chains), _to(80, interface="eth0"), "input")] == stopped


def test_chains_in_a_circle_end() -> None:
    circle = Rule("jump a", Action.JUMP, target="a")
    chains = (
        Chain("nft", "inet", "t", "input", "input", rules=(circle,)),
        Chain("nft", "inet", "t", "a", rules=(circle, circle)),
    )
    assert stops(Firewall(chains), _to(80), "input") == ()


@given(st.text(max_size=300))
def test_hostile_rules_of_iptables(text: str) -> None:
    assert isinstance(
        stops(Firewall(parse_iptables(f"*filter\n:INPUT DROP [0:0]\n{text}", "ip")), _to(80), "input"), tuple
    )


_WORDS = re.findall(
    r"\w+",
    "match left right op set prefix addr len range elem val payload protocol field meta key ct vmap data jump"
    " target reject fib drop",
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_WORDS), inner, max_size=3),
    max_leaves=12,
)


@given(st.lists(_JSON, max_size=4), _JSON)
def test_hostile_rules_of_nft(expressions: list[object], elements: object) -> None:
    import msgspec

    rule = {"family": "inet", "table": "t", "chain": "c", "handle": 1, "expr": expressions}
    sets = {"family": "inet", "table": "t", "name": "s", "elem": elements}
    chain = {"family": "inet", "table": "t", "name": "c", "hook": "input", "prio": 0}
    text = msgspec.json.encode({"nftables": [{"set": sets}, {"chain": chain}, {"rule": rule}]}).decode()
    (read,) = parse_nft(text)
    assert read.hook == "input"
    stops(Firewall((read,)), _to(80), "input")


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"nftables": 1}', "Error: syntax"])
def test_what_is_no_ruleset(text: str) -> None:
    assert parse_nft(text) == ()
