"""What the runtime's text about a dial to localhost means."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_refused.connection.errors import Forbidden
from kubectl_refused.connection.port_forward import ForwardResult
from kubectl_refused.model.facts import FORWARD, PodPort
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.observation import Outcome
from kubectl_refused.probes.port_forward import PortForward
from tests.fakes import ask, forbidden, probe_context

KEY = PodPort("shop", "web-1", 8080)
# Word for word from containerd 1.6 on Kubernetes 1.34.
REFUSED = (
    "error forwarding port 7777 to pod d295793f52ba, uid : failed to execute portforward in network namespace "
    '"/run/containerd/io.containerd.grpc.v1.cri/netns/cni-421f": failed to connect to localhost:7777 inside '
    'namespace "d295793f52ba", IPv4: dial tcp4 127.0.0.1:7777: connect: connection refused IPv6 dial tcp6: '
    "address localhost: no suitable address found"
)


def told(result: ForwardResult | Exception) -> Any:
    def dial(*_: object) -> ForwardResult:
        if isinstance(result, Exception):
            raise result
        return result

    context = probe_context()
    (answer,) = ask(PortForward(dial), context, FORWARD, KEY)
    # What the API server refused never touched the pod.
    touched = () if isinstance(result, Forbidden) else (("port-forward to pod/web-1:8080", "closed"),)
    assert context.ledger.entries == touched
    return answer


def test_a_port_that_answers_is_accepted() -> None:
    answer = told(ForwardResult(True, None, b"", 0.5))
    assert (answer.outcome, answer.host, answer.port, answer.witness) == (
        Outcome.ACCEPTED, "localhost", 8080, "port-forward",
    )  # fmt: skip


def test_a_refusal_keeps_the_part_that_tells() -> None:
    answer = told(ForwardResult(False, REFUSED, b"", 0.02))
    assert answer.outcome is Outcome.REFUSED
    assert answer.detail.startswith("IPv4: dial tcp4 127.0.0.1:7777: connect: connection refused")


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        ("dial tcp4 127.0.0.1:1: i/o timeout", Outcome.TIMEOUT),
        ("dial tcp4 127.0.0.1:1: connect: connection timed out", Outcome.TIMEOUT),
        ("dial tcp4 127.0.0.1:1: connect: no route to host", Outcome.UNREACHABLE),
        ("dial tcp4 127.0.0.1:1: connect: network is unreachable", Outcome.UNREACHABLE),
        ("dial tcp4 127.0.0.1:1: connect: operation not permitted", Outcome.DENIED),
        # socat, of CRI-O and of older dockershims.
        ("socat[1] E connect(5, AF=2 127.0.0.1:1, 16): Connection refused", Outcome.REFUSED),
    ],
)
def test_other_endings(error: str, outcome: Outcome) -> None:
    assert told(ForwardResult(False, error, b"", 0.1)).outcome is outcome


@pytest.mark.parametrize(
    ("result", "because"),
    [
        (ForwardResult(False, "\x1b[31mthe sandbox is gone", b"", 0.1), "the sandbox is gone"),
        (ForwardResult(False, None, b"", 0.1), "it ended without an answer"),
        (forbidden("create", "pods/portforward"), "forbidden: create pods/portforward in namespace shop"),
    ],
)
def test_what_is_no_answer_of_the_dial_is_a_gap(result: Any, because: str) -> None:
    answer = told(result)
    assert isinstance(answer, Gap)
    assert answer.because == because
