"""Faults of a plain host made for real: listeners and rules in network namespaces of the test's own.

One run on the host and one beside it dial everything, as each waits for what is silent.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from .host_shop import BESIDE, HOST, Machine, listening, two_machines

SOCKETS = (
    ("0.0.0.0", 8081, "tcp"),
    ("127.0.0.1", 8182, "tcp"),
    (HOST, 8283, "tcp"),
    ("0.0.0.0", 8484, "udp"),
    *(("0.0.0.0", port, "tcp") for port in (8085, 8086, 8087, 8088, 8092, 8190)),
    ("::", 8585, "v6only"),
    ("127.0.0.1", 8686, "stuck"),
    ("127.0.0.1", 8787, "closes"),
    ("127.0.0.1", 8888, "http"),
)
RULES = """
table inet refusing {
    chain input {
        type filter hook input priority filter
        ct state established,related accept
        tcp dport 8085 counter drop comment "no web"
        tcp dport 8086 reject with tcp reset
        tcp dport 8087 reject
        tcp dport 8088 reject with icmpx admin-prohibited
        iifname "lo" accept
        tcp dport 8190 drop
    }
    chain output {
        type filter hook output priority filter
        tcp dport 8989 drop
    }
}
"""
# Of the host itself: target, root, exit code of it alone.
ON_HOST = {
    f"{HOST}:8080": "nothing-listens-on-port",
    f"{HOST}:8182": "serves-loopback-only",
    "[::1]:8182": "listens-in-one-family-here",
    "127.0.0.1:8585": "listens-in-one-family-here",
    "127.0.0.1:8283": "listens-on-another-own-address",
    ":8484": "listens-on-udp-here",
    f"{HOST}:8085": "firewall-rule-stops-port",
    f"{HOST}:8086": "firewall-rule-stops-port",
    f"{HOST}:8087": "firewall-rule-stops-port",
    f"{HOST}:8088": "firewall-rule-stops-port",
    f"{HOST}:8092": "firewall-rule-stops-port",
    f"{BESIDE}:8989": "firewall-rule-stops-port",
    "127.0.0.1:8686": "does-not-accept-here",
    "127.0.0.1:8787": "accepts-then-hangs-up",
    "https://127.0.0.1:8888": "speaks-another-protocol",
    "127.0.0.1:29391": "listens-in-another-namespace",
    "[2001:db8::1]:80": "no-way-to-host",
    "192.0.2.9:80": "no-way-to-host",
    "localhost:8081": None,
    "127.0.0.1:8190": None,
}
FROM_BESIDE = {
    f"{HOST}:8080": "closed-on-other-host",
    f"{HOST}:8182": "closed-on-other-host",
    f"{HOST}:8085": "packets-vanish-on-the-way",
    f"{HOST}:8086": "closed-on-other-host",
    f"{HOST}:8087": "rejected-on-the-way",
    f"{HOST}:8088": "rejected-on-the-way",
    f"{HOST}:8081": None,
}
PROVED = {"closed-on-other-host": "likely", "packets-vanish-on-the-way": "likely",
          "accepts-then-hangs-up": "likely", "listens-in-another-namespace": "likely"}  # fmt: skip
Told = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def machines() -> Iterator[tuple[Machine, Machine]]:
    """The host with its sockets and rules, and the machine beside it."""
    with ExitStack() as stack:
        host, beside = stack.enter_context(two_machines())
        stack.enter_context(listening(host, *SOCKETS))
        stack.enter_context(listening(beside, ("127.0.0.1", 29391, "tcp")))
        host.run("nft", "-f", "-", given=RULES)
        host.run("ip", "route", "add", "prohibit", "192.0.2.0/24")
        words = ("-A", "INPUT", "-p", "tcp", "--dport", "8092", "-j", "REJECT", "--reject-with", "tcp-reset")
        host.run("iptables", *words)
        yield host, beside


@pytest.fixture(scope="module")
def told(machines: tuple[Machine, Machine]) -> tuple[Told, Told]:
    """What is said on the host and beside it, at the same time."""
    host, beside = machines
    with ThreadPoolExecutor() as pool:
        there = pool.submit(beside.roots, *FROM_BESIDE)
        return host.roots(*ON_HOST, "--guess-protocol"), there.result()


@pytest.fixture
def on_host(told: tuple[Told, Told]) -> Told:
    return told[0]


@pytest.fixture
def from_beside(told: tuple[Told, Told]) -> Told:
    return told[1]


def _agrees(told: dict[str, Any], root: str | None) -> None:
    found = told["root"]
    assert (found and found["name"]) == root, told
    if found:
        assert found["certainty"] == PROVED.get(root or "", found["certainty"])
    else:
        assert told["outcome"] == "accepted"


@pytest.mark.parametrize("target", ON_HOST)
def test_on_the_host(target: str, on_host: Told) -> None:
    _agrees(on_host[target], ON_HOST[target])


@pytest.mark.parametrize("target", FROM_BESIDE)
def test_from_beside(target: str, from_beside: Told) -> None:
    _agrees(from_beside[target], FROM_BESIDE[target])


@pytest.mark.parametrize(
    ("port", "rule"),
    [
        (8085, "of nft inet refusing input drops"),
        (8086, "of nft inet refusing input rejects with an RST"),
        (8087, "of nft inet refusing input rejects with ICMP port-unreachable"),
        (8088, "of nft inet refusing input rejects with ICMP admin-prohibited"),
        (8092, "rule 1 of iptables filter INPUT rejects with an RST"),
    ],
)
def test_the_rule_is_named(port: int, rule: str, on_host: Told) -> None:
    root = on_host[f"{HOST}:{port}"]["root"]
    assert root["certainty"] == "proved"
    assert root["says"].endswith(rule)


def test_next_door_is_named(on_host: Told) -> None:
    root = on_host[f"{HOST}:8080"]["root"]
    assert "0.0.0.0:8081" in root["headline"]


def test_what_others_are_refused_is_a_note(on_host: Told) -> None:
    (note,) = on_host["127.0.0.1:8190"]["notes"]
    assert note["name"] == "closed-to-other-machines"
    assert on_host["localhost:8081"]["notes"] == []


def test_a_full_queue_is_proof(on_host: Told) -> None:
    assert on_host["127.0.0.1:8686"]["root"]["certainty"] == "proved"


def test_who_rejects_from_beside(from_beside: Told) -> None:
    assert from_beside[f"{HOST}:8088"]["root"]["where"] == HOST


def test_one_target_alone(machines: tuple[Machine, Machine]) -> None:
    host, _ = machines
    assert host.refused("127.0.0.1:8081")[0] == 0
    assert host.refused(f"{HOST}:8182")[0] == 1


# Files of this machine as another has them, in a mount namespace that ends with the command.
ELSEWHERE = """set -e
cd "$1"; shift
mount --make-rprivate /
mount --bind nsswitch.conf /etc/nsswitch.conf
mount --bind hosts /etc/hosts
mount -t tmpfs none /run
mkdir -p /run/systemd/system
exec "$@"
"""
RECORDED = Path(__file__).parents[1] / "host" / "recorded"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Sequence[str]:
    """The words before a command: names come from a file of hosts, systemd's word is what was recorded."""
    (tmp_path / "nsswitch.conf").write_text("hosts: files\n")
    (tmp_path / "hosts").write_text(f"127.0.0.1 localhost\n{HOST} here.example\n")
    for name, recorded in (("systemctl", "units.txt"), ("journalctl", "nginx-journal.txt")):
        (tmp_path / name).write_text(f"#!/bin/sh\nexec cat '{RECORDED / recorded}'\n")
        (tmp_path / name).chmod(0o755)
    own = ("env", f"PATH={tmp_path}{os.pathsep}{os.environ['PATH']}")
    return ("unshare", "--mount", "sh", "-c", ELSEWHERE, "sh", str(tmp_path), *own)


def test_a_name_and_a_service_of_another_machine(
    machines: tuple[Machine, Machine], elsewhere: Sequence[str]
) -> None:
    """The resolver itself says that there is no such name; the port of a service that is down really refuses."""
    host = Machine(machines[0].pid, tuple(elsewhere))
    told = host.roots("nowhere.example:80", "here.example:8081", "127.0.0.1:80")
    _agrees(told["nowhere.example:80"], "host-name-does-not-resolve")
    assert told["nowhere.example:80"]["root"]["certainty"] == "proved"
    _agrees(told["here.example:8081"], None)
    _agrees(told["127.0.0.1:80"], "service-is-down")
    assert told["127.0.0.1:80"]["root"]["where"] == "nginx.service"
