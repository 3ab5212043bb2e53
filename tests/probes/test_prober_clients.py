"""Which methods may answer for which client."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from kubectl_refused.model.facts import HANDSHAKE, Dial, Fact, FactStore, Need
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.observation import Handshake, Outcome
from kubectl_refused.model.snapshot import Snapshot
from kubectl_refused.model.target import Depth
from kubectl_refused.probes.base import Right
from kubectl_refused.probes.clients import Client
from kubectl_refused.probes.prober import Prober
from tests.fakes import probe_context


class Proxy:
    """A method that dials by the API server."""

    name = "proxy"
    order = 50
    depth = Depth.PASSIVE
    facts: frozenset[Fact[Any]] = frozenset({HANDSHAKE})
    rights: tuple[Right, ...] = ()

    def learn(self, needs: Any, context: Any) -> Any:
        for need in needs:
            yield need, Handshake(need.subject.host, need.subject.port, Outcome.ACCEPTED, 0.1, "pod-proxy")


POD = Client(key="shop/pod/cart", standing="pod", name="pod/cart", control="control:shop/pod/cart")
CONTROL = Client(key="control:shop/pod/cart", standing="control")
NODES = (Client(key="node/a", standing="node"), Client(key="node/b", standing="node"))


@pytest.mark.parametrize(
    ("clients", "at", "answered"),
    [
        ((Client(),), "", True),
        ((POD, CONTROL), POD.key, True),
        ((POD, CONTROL), CONTROL.key, False),
        (NODES, "node/a", False),
        ((Client(key="here", standing="here"),), "here", False),
    ],
)
def test_the_api_server_answers_for_a_lone_client_only(
    clients: tuple[Client, ...], at: str, answered: bool
) -> None:
    context = replace(probe_context(dial_any=True), clients=clients)
    need = Need(HANDSHAKE, Dial("10.0.0.1", 80, at))
    ((_, value),) = Prober([Proxy()], context).learn([need], Snapshot(), FactStore())
    assert isinstance(value, Gap) is not answered


class Barred(Proxy):
    """A method that would dial from the client, and may not."""

    name = "probe-pod"
    order = 10

    def learn(self, needs: Any, context: Any) -> Any:
        for need in needs:
            yield need, Gap("probe pod", "host namespaces are forbidden", "ask for them")


@pytest.mark.parametrize("methods", [[Proxy()], [Barred(), Proxy()]])
def test_a_client_that_was_named_and_did_not_dial_is_told_whatever_is_proved(methods: list[Proxy]) -> None:
    context = replace(probe_context(dial_any=True), clients=(POD, CONTROL))
    prober = Prober(methods, context)
    need = Need(HANDSHAKE, Dial("10.0.0.1", 80, POD.key))
    prober.learn([need], Snapshot(), FactStore())
    (told,) = prober.notices_about([need])
    assert told.what == "what pod/cart sees"
    assert "the API server dialled in its place" in told.because
    assert ("host namespaces are forbidden" in told.because) is (len(methods) == 2)


def test_nobody_is_told_so_who_named_no_client() -> None:
    prober = Prober([Barred(), Proxy()], probe_context(dial_any=True))
    need = Need(HANDSHAKE, Dial("10.0.0.1", 80))
    prober.learn([need], Snapshot(), FactStore())
    assert (prober.notices, prober.notices_about([need])) == ([], [])
