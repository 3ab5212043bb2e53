"""Dials by this process: what the agent sees from a process of its own, and nothing of it is left."""

from __future__ import annotations

import socket
from typing import Any, cast

import pytest

from kubectl_refused.connection.cancel import Cancel
from kubectl_refused.connection.errors import Cancelled
from kubectl_refused.host.dials import HereItself
from kubectl_refused.model.facts import HANDSHAKE, LOOKUP, Dial, NameKey, Need
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.observation import Handshake, Lookup, Outcome
from kubectl_refused.model.target import HERE
from kubectl_refused.probes.base import ProbeSettings
from kubectl_refused.probes.clients import Client
from tests.fakes import probe_context
from tests.probes.agent_runs import served


class _NoCluster:
    """All that a dial asks of a connection."""

    def __init__(self) -> None:
        self.cancel = Cancel()


def _learnt(*needs: Need, settings: ProbeSettings | None = None) -> list[Any]:
    from msgspec.structs import replace

    context = replace(
        probe_context(),
        connection=cast(Any, _NoCluster()),
        settings=settings or ProbeSettings(),
        clients=(Client(HERE, "here", name="here"),),
    )
    method = HereItself()
    values = dict(method.learn(needs, context))
    assert HERE in method.vantages
    return [values[need] for need in needs]


def _dial(host: str, port: int) -> Need:
    return Need(HANDSHAKE, Dial(host, port, HERE))


def test_an_accept_and_its_source() -> None:
    with served("quiet") as dial:
        (seen,) = _learnt(_dial(dial.host, dial.port))
    assert isinstance(seen, Handshake)
    assert (seen.outcome, seen.source, seen.witness) == (Outcome.ACCEPTED, "127.0.0.1", "here")


def test_what_the_server_says_by_itself() -> None:
    with served("speaks") as dial:
        (seen,) = _learnt(_dial(dial.host, dial.port))
    assert seen.detail == "greeted with 220 ready"


def test_a_reset_after_the_accept() -> None:
    with served("resets") as dial:
        (seen,) = _learnt(_dial(dial.host, dial.port))
    assert seen.outcome is Outcome.RESET


def test_a_closed_port_in_both_families() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    first, second = _learnt(_dial("127.0.0.1", port), _dial("::1", port))
    assert (first.outcome, first.errno) == (Outcome.REFUSED, "ECONNREFUSED")
    assert second.outcome is Outcome.REFUSED


def test_dials_that_are_asked_for_several_times_are_counted() -> None:
    with served("quiet") as dial:
        (seen,) = _learnt(_dial(dial.host, dial.port), settings=ProbeSettings(dials=3))
    assert seen.heard == ((Outcome.ACCEPTED, 3),)


def test_a_name_of_this_machine() -> None:
    (seen,) = _learnt(Need(LOOKUP, NameKey("localhost", HERE)))
    assert isinstance(seen, Lookup)
    assert "127.0.0.1" in seen.addresses


@pytest.mark.parametrize("host", ["a b", "-x", ""])
def test_what_is_no_host_is_not_dialled(host: str) -> None:
    (seen, _) = _learnt(_dial(host, 80), _dial("127.0.0.1", 1))
    assert isinstance(seen, Gap)


def test_a_cancelled_run_ends() -> None:
    from msgspec.structs import replace

    connection = _NoCluster()
    connection.cancel.set()
    context = replace(
        probe_context(), connection=cast(Any, connection), clients=(Client(HERE, "here", name="here"),)
    )
    with pytest.raises(Cancelled):
        list(HereItself().learn([_dial("127.0.0.1", 9)], context))
