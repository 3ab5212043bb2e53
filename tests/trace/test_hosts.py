"""Hosts and ports: the order of addresses, what is this machine, what is next door, and why services end."""

from __future__ import annotations

import pytest

from kubectl_refused.model.firewall import Action, Chain, Firewall, Rule
from kubectl_refused.model.host import HostSocket, Unit
from kubectl_refused.model.observation import Handshake, Outcome
from kubectl_refused.trace.address_walk import in_turns
from kubectl_refused.trace.hosts import is_here, next_door, owned, stopping
from kubectl_refused.trace.units import ending, names_port, reason_of, state_told


@pytest.mark.parametrize(
    ("found", "dialled"),
    [
        (("::1", "127.0.0.1"), ("::1", "127.0.0.1")),
        (("2001:db8::1", "2001:db8::2", "192.0.2.1"), ("2001:db8::1", "192.0.2.1", "2001:db8::2")),
        (("192.0.2.1", "192.0.2.2"), ("192.0.2.1", "192.0.2.2")),
    ],
)
def test_families_take_turns(found: tuple[str, ...], dialled: tuple[str, ...]) -> None:
    assert in_turns(found) == dialled


def _seen(host: str, source: str, outcome: Outcome = Outcome.REFUSED) -> Handshake:
    return Handshake(host, 8080, outcome, 0.001, "here", source=source)


@pytest.mark.parametrize(
    ("host", "source", "here"),
    [
        ("127.0.0.53", "127.0.0.1", True),
        ("::1", "", True),
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.7", "192.0.2.1", False),
        ("db.invalid", "", False),
    ],
)
def test_this_machine(host: str, source: str, here: bool) -> None:
    assert is_here(_seen(host, source)) is here


@pytest.mark.parametrize(
    ("asked", "open_ports", "near"),
    [
        (8080, (22, 8081, 18080), [8081, 18080]),
        (80, (8080, 443, 22), [8080]),
        (3000, (300, 30000, 9000), [300, 30000]),
        (5432, (5423, 1), [5423]),
        (443, (8443, 44), [8443]),
    ],
)
def test_next_door(asked: int, open_ports: tuple[int, ...], near: list[int]) -> None:
    sockets = [HostSocket("0.0.0.0", port) for port in open_ports]
    assert sorted(s.port for s in next_door(sockets, asked)) == near


def test_who_only_passes_on_is_told() -> None:
    one = HostSocket(
        "127.0.0.1", 8080, pid=7, process="kubectl", forwards="svc/web 8080:80 by kubectl port-forward"
    )
    assert owned(one) == "kubectl (pid 7) on 127.0.0.1:8080 (to svc/web 8080:80 by kubectl port-forward)"


@pytest.mark.parametrize(
    ("action", "answer", "outcome", "stopped"),
    [
        (Action.DROP, "", Outcome.TIMEOUT, True),
        (Action.DROP, "", Outcome.REFUSED, False),
        (Action.REJECT, "tcp reset", Outcome.REFUSED, True),
        (Action.REJECT, "tcp reset", Outcome.TIMEOUT, False),
        (Action.REJECT, "port-unreachable", Outcome.REJECTED, True),
    ],
)
def test_a_rule_explains_only_what_it_makes(action: Action, answer: str, outcome: Outcome, stopped: bool) -> None:
    rules = Firewall((Chain("nft", "inet", "f", "in", "input", rules=(Rule("r", action, answer=answer),)),))
    assert (stopping(rules, _seen("192.0.2.1", "192.0.2.1", outcome)) is not None) is stopped


@pytest.mark.parametrize(
    ("line", "says", "port"),
    [
        ("bind() to 0.0.0.0:80 failed (98: Address already in use)", "the address is already in use", 80),
        ("listen tcp :80: bind: permission denied", "it lacks a permission", 80),
        (
            "OSError: [Errno 99] Cannot assign requested address",
            "the machine does not have the address it is to bind",
            0,
        ),
        ("09:12:44 Main process exited, code=dumped, segfault", "it crashed", 0),
    ],
)
def test_reasons(line: str, says: str, port: int) -> None:
    reason = reason_of(["Starting…", line, "Failed."])
    assert reason is not None
    assert (reason.says, reason.port, reason.line) == (says, port, line)


def test_a_journal_without_a_reason() -> None:
    assert reason_of(["Starting web", "Stopped web"]) is None


def test_a_unit_in_words() -> None:
    unit = Unit("web.service", active="failed", result="exit-code", exit_code="exited", exit_status=3, since="Tue")
    assert state_told(unit) == "web.service is failed since Tue (exit-code)"
    assert ending(unit) == "its process exited with 3"
    assert not names_port(unit, 80)
    assert names_port(Unit("a.service", lines=("listen tcp :80: bind: address already in use",)), 80)
